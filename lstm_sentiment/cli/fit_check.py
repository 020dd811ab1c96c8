"""Prints the check of a run (`fit --check`) and its settings (`fit --print-config`)."""

import sys
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lstm_sentiment.cli.program import shell_command
from lstm_sentiment.cli.results import print_json, print_rows
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.pipeline.config_file import config_text

if TYPE_CHECKING:
    from lstm_sentiment.report.analysis.corpus_facts import Lengths
    from lstm_sentiment.report.analysis.run_check import RunCheck

FEW_TEST_TEXTS = 200
"""Fewer test texts give an accuracy with a standard error of some points."""

_COLUMNS = 18
_MB, _LONGEST = 1e6, 40
_FEW_OF_A_CLASS = 20
_MANY_CUT = 0.1
_CHECK, _JSON = "--check", "--json"


def print_config(config: PipelineConfig) -> None:
    """Prints all settings of a run as a file that `--config` takes."""
    sys.stdout.write(config_text(config))


def check(config: PipelineConfig, *, as_json: bool) -> None:
    """Checks the folders of a run, reads its texts and prints what the run would do.

    Raises:
        InvalidInputError: If an input breaks a rule.
    """
    from lstm_sentiment.cli.console import TerminalProgress, say
    from lstm_sentiment.pipeline.run_folder import check_folders
    from lstm_sentiment.report.analysis.run_check import check_run

    check_folders(config)
    checked = check_run(config, TerminalProgress(says_end=False))
    if as_json:
        print_json(checked.to_dict())
        return
    print_rows(_rows(checked), _COLUMNS)
    for line in _advice(checked):
        say(line)


def _rows(checked: "RunCheck") -> Iterator[tuple[str, object]]:
    facts, budget = checked.facts, checked.budget
    if checked.files:
        yield "encoding", _counted(checked.files)
    yield "texts", f"{checked.read:,} read, {checked.used:,} used"
    yield "empty", f"{checked.empty:,}"
    yield "repeated", f"{facts.exact_duplicates:,} repeat an earlier text"
    yield "near copies", f"{facts.near_duplicates:,} differ from an earlier text in punctuation"
    yield "contradictory", f"{checked.contradictory:,} occur with several labels" + _quoted(checked)
    yield "classes", _classes(checked.classes)
    split = checked.split
    yield (
        "split",
        f"{split['train']:,} training, {split['dev']:,} dev and {split['test']:,} test texts",
    )
    if checked.unlabelled:
        yield "unlabelled", f"{checked.unlabelled:,} texts, for word vectors"
    yield "characters", _lengths(facts.characters)
    yield "tokenizer", checked.tokenizer
    if checked.tokens is not None and checked.cut_share is not None:
        yield "tokens", f"about {_lengths(checked.tokens)}"
        cut = (
            f"about {checked.cut_share:.1%} of the texts" if checked.cut_share else "almost no text"
        )
        yield "max_length", f"{checked.max_length} tokens: cuts {cut}"
    else:
        yield "max_length", f"{checked.max_length} tokens"
    yield (
        "training",
        f"at most {budget.epochs} epochs of {checked.steps_an_epoch:,} steps, {checked.steps:,} "
        f"steps in all; {budget.batch_size} texts a step",
    )
    if checked.folds:
        yield (
            "cross-validation",
            f"{checked.folds} folds: {checked.folds} more trainings before the final one",
        )
    free = "" if checked.available is None else f"; {checked.available / _MB:,.0f} MB are free"
    yield "memory", f"at least {checked.memory / _MB:,.0f} MB besides TensorFlow itself{free}"
    for name, reason in checked.unused.items():
        yield "changes nothing", f"{name}: {reason}"
    typed = [word for word in sys.argv[1:] if word not in (_CHECK, _JSON)]
    yield "next", shell_command(*typed)


def _advice(checked: "RunCheck") -> Iterator[str]:
    classes = checked.classes
    rare = [name for name, count in classes.items() if count < _FEW_OF_A_CLASS]
    if rare:
        yield (
            f"Fewer than {_FEW_OF_A_CLASS} texts have the label {', '.join(map(repr, rare))}: the "
            "classifier will hardly learn it. Label more, or merge it with another class"
        )
    if checked.split["test"] < FEW_TEST_TEXTS:
        yield (
            f"{checked.split['test']} test texts give an uncertain accuracy: label more, or give "
            "a test set of your own with --test-data FILE"
        )
    if checked.cut_share is not None and checked.cut_share > _MANY_CUT and checked.tokens:
        yield (
            f"--max-length {checked.max_length} cuts {checked.cut_share:.0%} of the texts: "
            f"--max-length {checked.tokens.long} keeps 95% whole, and training takes longer"
        )
    if checked.contradictory:
        yield (
            "Texts with several labels are left out. `labels check` finds other labels that are "
            "likely wrong"
        )


def _counted(files: dict[str, str]) -> str:
    """Returns the encoding of one file, or the number of files in each encoding."""
    counts = Counter(files.values())
    if len(files) == 1:
        return next(iter(counts))
    return ", ".join(f"{encoding}: {count:,} files" for encoding, count in counts.items())


def _classes(classes: dict[str, int]) -> str:
    every = sum(classes.values())
    return ", ".join(f"{name}: {count:,} ({count / every:.1%})" for name, count in classes.items())


def _lengths(lengths: "Lengths") -> str:
    return (
        f"{lengths.median:,} in the median text, up to {lengths.long:,} in 95% of them, "
        f"{lengths.longest:,} in the longest"
    )


def _quoted(checked: "RunCheck") -> str:
    if not checked.contradictions:
        return ""
    first = " ".join(checked.contradictions[0].split())
    short = first if len(first) <= _LONGEST else first[: _LONGEST - 3] + "..."
    return f", such as: {short}"

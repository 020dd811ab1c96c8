"""`evaluate`: scores of a version on labelled texts, as tables, as JSON and as a report."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lstm_sentiment.cli.engine_flags import EngineFlags
from lstm_sentiment.cli.flag_groups import takes_flag_groups
from lstm_sentiment.cli.labelled_texts import TextsOrTestSet
from lstm_sentiment.cli.options import AsJson, ModelFolder, PageLanguage
from lstm_sentiment.cli.results import print_json, print_line, print_rows
from lstm_sentiment.display_names import load_display_names
from lstm_sentiment.unicode import escaped_line
from lstm_sentiment.version_folder import find_version

if TYPE_CHECKING:
    from rich.table import Table

    from lstm_sentiment.report.analysis.version_evaluation import VersionEvaluation
    from lstm_sentiment.report.page.write import WrittenReport
    from lstm_sentiment.training.evaluation.intervals import Estimate

_NAME_COLUMNS = 20
# A wider matrix does not fit a terminal; the most frequent confusions are listed instead.
_MATRIX_CLASSES = 8
_CONFUSIONS = 10


@takes_flag_groups
def evaluate(
    texts: TextsOrTestSet,
    engine: EngineFlags,
    model: ModelFolder = Path("models/sentiment"),
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write report.html there, a single self-contained file, with its plots as PNGs "
            "and all mistakes as mistakes.csv.",
            show_default=False,
        ),
    ] = None,
    language: PageLanguage = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate a version on labelled texts: accuracy, macro-F1, each class, calibration.

    Without FILE, the texts are the test set of the run that made the version.
    Macro-F1 is the mean of the classes' F1 scores. The calibration error is the
    mean difference between the probabilities and the share of correct answers.

    Empty texts are left out. Duplicates are kept and counted. Texts that the
    version was trained on are counted too: their scores are too high.

    The report shows learning curves, confusions, calibration, accuracy by kind
    of text, the most confident mistakes with the words that caused them, and
    what to do next. It needs the extra `report`.

    Example: python cli.py evaluate --report report
    """
    if report is not None:
        from lstm_sentiment.report.page.requirements import check_report_dir

        check_report_dir(report)

    texts.check_files()
    version_dir = find_version(model)
    corpus = texts.read(version_dir)
    engine.prepare(version_dir)
    from lstm_sentiment.cli.console import TerminalProgress
    from lstm_sentiment.report.analysis.version_evaluation import evaluate_version

    progress = TerminalProgress()
    evaluated = evaluate_version(engine.load(version_dir), corpus, progress=progress)
    written = None
    if report is not None:
        from lstm_sentiment.report.page.write import write_report

        written = write_report(evaluated, report, progress=progress, language=language)
    if as_json:
        page = None if written is None else str(written.page)
        mistakes = None if written is None or written.mistakes is None else str(written.mistakes)
        print_json({**evaluated.to_dict(), "report": page, "mistakes": mistakes})
    else:
        _print_result(evaluated, written, language)
    _warn_of_texts_seen(evaluated)


def _print_result(
    evaluated: "VersionEvaluation",
    written: "WrittenReport | None",
    language: Literal["en", "zh"] | None,
) -> None:
    from lstm_sentiment.cli.console import LineConsole

    console = LineConsole(markup=False, emoji=False, highlight=False)
    print_rows(_rows(evaluated), _NAME_COLUMNS)
    print()
    names = _names(evaluated, language)
    console.print(_class_table(evaluated, names))
    console.print(_confusion_table(evaluated, names))
    if written is not None:
        plots = len(written.plots)
        print_line(f"{'report':<{_NAME_COLUMNS}}{written.page} and {plots} PNGs")
        if written.mistakes is not None:
            print_line(f"{'mistakes':<{_NAME_COLUMNS}}{written.mistakes}")


def _rows(evaluated: "VersionEvaluation") -> Iterator[tuple[str, object]]:
    evaluation, facts = evaluated.evaluation, evaluated.facts
    seen = evaluated.texts_seen
    yield "version", evaluated.scores.version_dir
    yield "texts", f"{facts.texts:,}"
    if facts.exact_duplicates or facts.near_duplicates:
        counts = f"exact: {facts.exact_duplicates:,}, near copies: {facts.near_duplicates:,}"
        yield "duplicates", f"{counts}; all of them are counted"
    if facts.contradictory:
        yield "contradictory", f"{facts.contradictory:,} texts occur under several labels"
    yield "seen in training", "unknown" if seen is None else f"{seen:,}"
    yield "accuracy", _estimated(evaluated.accuracy)
    yield "macro-F1", _estimated(evaluated.macro_f1)
    yield "calibration error", f"{evaluation.calibration_error:.4f}"
    if evaluation.oov_rate is not None:
        known = "the share of tokens that are not in the vocabulary"
        yield "OOV rate", f"{evaluation.oov_rate:.4f}, {known}"


def _estimated(score: "Estimate") -> str:
    return f"{score.value:.4f}, 95% interval {score.low:.4f} to {score.high:.4f}"


def _names(evaluated: "VersionEvaluation", language: Literal["en", "zh"] | None) -> dict[str, str]:
    """Returns each label as it is printed, with its display name if it has one."""
    from lstm_sentiment.report.language import choose_language

    labels = evaluated.scores.corpus.label_names
    names = load_display_names(evaluated.scores.version_dir)
    shown = names.of_all(labels, language or choose_language(labels, names))
    return {
        label: escaped_line(label if name == label else f"{label} ({name})")
        for label, name in zip(labels, shown, strict=True)
    }


def _class_table(evaluated: "VersionEvaluation", names: Mapping[str, str]) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table("class", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("precision", "recall", "F1", "texts"):
        table.add_column(name, justify="right")
    for scores in evaluated.evaluation.classes:
        numbers = (f"{score:.4f}" for score in (scores.precision, scores.recall, scores.f1))
        table.add_row(names[scores.label], *numbers, f"{scores.support:,}")
    return table


def _confusion_table(evaluated: "VersionEvaluation", names_of: Mapping[str, str]) -> "Table":
    from rich import box
    from rich.table import Table

    from lstm_sentiment.report.analysis.mistakes import most_frequent_confusions

    names = [names_of[label] for label in evaluated.scores.corpus.label_names]
    matrix = evaluated.evaluation.confusion_matrix
    if len(names) <= _MATRIX_CLASSES:
        table = Table("labelled", box=box.SIMPLE_HEAD, pad_edge=False)
        for name in names:
            table.add_column(f"predicted {name}", justify="right", overflow="fold")
        for name, row in zip(names, matrix, strict=True):
            table.add_row(name, *(f"{number:,}" for number in row))
        return table
    table = Table("labelled", "most often mistaken for", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("texts", justify="right")
    for one in most_frequent_confusions(matrix, names, limit=_CONFUSIONS):
        table.add_row(one.label, one.given, f"{one.texts:,}")
    return table


def _warn_of_texts_seen(evaluated: "VersionEvaluation") -> None:
    from lstm_sentiment.cli.console import tell

    if evaluated.texts_seen:
        tell(
            f"warning: {evaluated.texts_seen:,} of these {evaluated.facts.texts:,} texts were used "
            f"to train this version: expect lower scores on new texts.",
            style="bold yellow",
        )

"""`models drift`: prints whether live texts still look like the texts of training."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lstm_sentiment.cli.engine_flags import EngineFlags
from lstm_sentiment.cli.flag_groups import takes_flag_groups
from lstm_sentiment.cli.options import AsJson, BadTextRows, EncodingFlag, ModelFolder, TextColumn
from lstm_sentiment.cli.results import print_json, print_line, print_rows
from lstm_sentiment.drift.defaults import ALPHA, TOLERANCE
from lstm_sentiment.encodings import AUTO
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.version_folder import find_version, servable_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lstm_sentiment.drift.evidence import MovedFeature
    from lstm_sentiment.versions.drift import DriftCheck

DRIFT = 1
_SHOWN_OF_A_GROUP = 3


@takes_flag_groups
def drift(
    engine: EngineFlags,
    model: ModelFolder = Path("models/sentiment"),
    requests: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PREFIX",
            help="Request log of a server: the common prefix of its files, one file, or a "
            "folder. May be repeated.",
            show_default=False,
        ),
    ] = None,
    input_path: Annotated[
        Path | None,
        typer.Option(
            "--input",
            metavar="FILE",
            help="File of live texts in the order of arrival, instead of a request log: one "
            "text per line, or a table.",
            show_default=False,
        ),
    ] = None,
    text_column: TextColumn = "text",
    bad_rows: BadTextRows = "refuse",
    encoding: EncodingFlag = AUTO,
    model_name: Annotated[
        str | None,
        typer.Option(
            help="The model's name in the log. Default: the name of the folder of versions.",
            show_default=False,
        ),
    ] = None,
    alpha: Annotated[
        float,
        typer.Option(help="Maximum probability of a false alarm over all runs of the check."),
    ] = ALPHA,
    tolerance: Annotated[
        float,
        typer.Option(help="Differences in a share of texts up to this size do not count as drift."),
    ] = TOLERANCE,
    as_json: AsJson = False,
) -> None:
    """Check whether live texts still look like those of training.

    Each version stores what its training texts looked like: lengths, shares of
    unknown words (OOV), frequent words, predicted classes and probabilities. The
    texts of a request log, or of --input, are compared with them one by one.

    Prints a verdict, the features that changed, and words that are frequent in
    the live texts and were rare in training. Run it again as the log grows:
    --alpha bounds the probability of a false alarm over all runs.

    Exits with 0 if no drift is found, with 1 if drift is found.

    Example: python cli.py models drift --model models/sentiment --requests logs/sentiment
    """
    if (requests is None) == (input_path is None):
        raise InvalidInputError(
            "Either `--requests` or `--input` must be given. "
            f"Received: {'neither' if requests is None else 'both'}."
        )
    from lstm_sentiment.cli.console import TerminalProgress, tell
    from lstm_sentiment.text.corpus.reading import read_texts
    from lstm_sentiment.versions.drift import check_drift, load_drift_reference
    from lstm_sentiment.versions.prediction_log import LoggedRequests, read_prediction_log

    version_dir, progress = find_version(model), TerminalProgress()
    load_drift_reference(version_dir)  # fails before TensorFlow is imported, which takes seconds
    live: list[str] | LoggedRequests
    if requests is None:
        live = read_texts(
            str(input_path),
            text_column=text_column,
            bad_rows=bad_rows,
            encoding=encoding,
            progress=progress,
        )
    else:
        name = servable_name(version_dir) if model_name is None else model_name
        live = read_prediction_log(
            requests, model_name=name, model_dir=version_dir.parent, progress=progress
        )
    engine.prepare(version_dir)
    options = {"alpha": alpha, "tolerance": tolerance}
    result = check_drift(version_dir, live, engine=engine.engine, progress=progress, **options)
    if isinstance(live, LoggedRequests):
        for note in live.notes:
            tell(note)
    if as_json:
        print_json(result.to_dict())
    else:
        _print_result(result)
    if result.is_drift:
        raise typer.Exit(DRIFT)


def _print_result(result: "DriftCheck") -> None:
    print_line(_verdict(result))
    if result.moved:
        print()
        _print_moved(result.moved)
    if result.new_words:
        print()
        words = ", ".join(f"{new.word} {new.seen:.1%}" for new in result.new_words)
        print_line(f"new words, by the share of texts that have them: {words}")
    print()
    least = f"{1 / result.alpha:g} (1 / alpha) or more is drift"
    rows = {
        "version": result.version_dir,
        "texts": f"{result.texts:,}",
        "evidence": f"10^{result.log10_e_value:.1f}; {least}",
        "tolerance": f"{result.tolerance:g}",
    }
    if result.since_text:
        rows["counted"] = f"the texts after the first {result.since_text:,}"
    print_rows(rows.items())


def _verdict(result: "DriftCheck") -> str:
    if result.found_after is None:
        return f"No drift: {result.texts:,} texts look like those of training."
    return (
        f"Drift: texts look different from those of training, found after {result.found_after:,} "
        f"of {result.texts:,} texts."
    )


def _print_moved(moved: "Sequence[MovedFeature]") -> None:
    print_line(f"{'expected':>8}  {'seen':>6}  texts")
    told: Counter[str] = Counter()
    for feature in moved:
        told[feature.group] += 1
        if told[feature.group] <= _SHOWN_OF_A_GROUP:
            print_line(f"{feature.expected:>8.1%}  {feature.seen:>6.1%}  {feature.feature}")
    more = sum(max(0, count - _SHOWN_OF_A_GROUP) for count in told.values())
    if more:
        print_line(f"and {more:,} more, all with --json")

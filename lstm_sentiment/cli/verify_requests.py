"""`verify --requests`: replays a request log and prints how many answers have changed."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_sentiment.cli.engine_flags import EngineFlags
from lstm_sentiment.cli.results import print_json, print_line, print_rows
from lstm_sentiment.version_folder import find_version

if TYPE_CHECKING:
    from lstm_sentiment.versions.verification.replay import Replay
    from lstm_sentiment.versions.verification.replayed_answers import ChangedAnswer

_SHOWN_CHARACTERS = 60


def replay_requests(
    paths: Sequence[Path], engine: EngineFlags, *, as_json: bool, **options: Any
) -> bool:
    """Replays a log and prints the result.

    Args:
        paths: The log.
        engine: The engine that loads the version, if no server answers.
        as_json: Whether to print one JSON object.
        options: The other arguments of `verify_requests`.

    Returns:
        Whether all answers are those of the log.

    Raises:
        LstmSentimentError: As `verify_requests`.
    """
    from lstm_sentiment.cli.console import TerminalProgress, say
    from lstm_sentiment.versions.prediction_log import find_log_files
    from lstm_sentiment.versions.verification.replay import verify_requests

    files = find_log_files(paths)
    if options["server"] is None and options["rest_api"] is None:
        engine.prepare(find_version(options["model_dir"]))
    result = verify_requests(files, engine=engine.engine, progress=TerminalProgress(), **options)
    for note in result.notes:
        say(note)
    if as_json:
        print_json(result.to_dict())
    else:
        _print_result(result)
    return result.is_equal


def _print_result(result: "Replay") -> None:
    share, largest = result.share_changed, result.largest_difference
    rows: list[tuple[str, object]] = [
        ("asked", result.way if result.version is None else f"{result.way}, {result.version}"),
        ("requests", f"{result.requests:,} with {result.texts:,} answers"),
        (
            "labels changed",
            f"{result.labels_changed:,}, {share.value:.2%}, 95% interval {share.low:.2%} to "
            f"{share.high:.2%}",
        ),
        ("off", f"{result.probabilities_changed:,} by more than {result.tolerance:g}"),
        ("largest", "none" if largest is None else f"{largest:.2g}"),
        ("refused", f"{result.refused:,}"),
        ("equal", "yes" if result.is_equal else "no"),
    ]
    print_rows(rows)
    for changed in result.examples:
        print_line(_line_of(changed))


def _line_of(changed: "ChangedAnswer") -> str:
    label = _one_line(changed.logged_label)
    if changed.label != changed.logged_label:
        label = f"{label or 'no label'} -> {_one_line(changed.label)}"
    off = "" if changed.difference is None else f", off by {changed.difference:.2g}"
    return f"  {label}{off}: {_one_line(changed.text)}"


def _one_line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"

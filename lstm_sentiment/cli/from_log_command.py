"""`labels from-log`: the texts of a server's request log, as a table to label or learn from."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lstm_sentiment.cli.options import AsJson, check_writable_table
from lstm_sentiment.cli.results import print_json, print_rows

if TYPE_CHECKING:
    from lstm_sentiment.labels.logged_texts import LoggedTexts


def from_log(
    prefixes: Annotated[
        list[Path],
        typer.Argument(
            metavar="PREFIX...",
            help="The filename_prefix of a logging_config, or files of the log.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option(metavar="FILE.csv", help="The table of texts.")] = Path(
        "texts.csv"
    ),
    model_name: Annotated[
        str | None,
        typer.Option(
            help="Take the requests of this model alone. Needed where several models have the "
            "same prefix.",
            show_default=False,
        ),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Take the requests that this version answered alone.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="A version's folder, or a folder of versions: its vocabulary turns token ids "
            "into texts, which are left out otherwise, and its classes name the probabilities.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Turn a server's request log into a table of texts.

    Each text that was sent stands once, with the newest answer, the number of
    times that it was sent, and the digest by which corrections name it. The
    columns are text, predicted_label, probability_CLASS for each class, count,
    version and digest. The table is what labels next takes as a pool and fit
    as --unlabelled; to label it by hand, add a column of labels.

    A last record that is not whole, as after a crash, is told and left out.

    Example: python cli.py labels from-log logs/sentiment --output texts.csv
    """
    check_writable_table(output)
    from lstm_sentiment.cli.console import TerminalProgress, say
    from lstm_sentiment.labels.logged_texts import save_logged_texts
    from lstm_sentiment.versions.prediction_log import read_prediction_log

    requests = read_prediction_log(
        prefixes,
        model_name=model_name,
        version=version,
        model_dir=model,
        progress=TerminalProgress(),
    )
    saved = save_logged_texts(requests, output)
    for note in saved.notes:
        say(note)
    if as_json:
        print_json(saved.to_dict())
    else:
        _print_result(saved)


def _print_result(saved: "LoggedTexts") -> None:
    empty = f", {saved.empty:,} of them empty" if saved.empty else ""
    answers = ", ".join(f"{count:,} {label}" for label, count in saved.labels.items())
    rows: list[tuple[str, object]] = [
        ("requests", f"{saved.requests:,} with {saved.sent:,} texts{empty}"),
        ("texts", f"{saved.texts:,} different ones"),
        ("answers", answers or "none"),
        ("output", saved.output),
    ]
    print_rows(rows)

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
            help="Take only the requests of this model. Needed if several models share a prefix.",
            show_default=False,
        ),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Take only the requests that this version answered.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="A version's folder, or a folder of versions. Its vocabulary turns logged "
            "token ids back into texts (they are left out otherwise), and its classes "
            "name the probability columns.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Turn a server's request log into a table of texts.

    Each text is listed once, with its newest answer, how often it was sent, and
    the digest that corrections use to identify it. The columns are text,
    predicted_label, probability_CLASS for each class, count, version and digest.
    Pass the table to labels next as --pool or to fit as --unlabelled; to label
    it by hand, add a column of labels.

    An incomplete last record, as after a crash, is reported and left out.

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

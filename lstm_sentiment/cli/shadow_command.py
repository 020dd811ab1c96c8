"""`models shadow`: how often a shadow version agrees with the version that answers."""

from typing import TYPE_CHECKING, Annotated

import typer

from lstm_sentiment.cli.connection_options import AccessFlags
from lstm_sentiment.cli.flag_groups import takes_flag_groups
from lstm_sentiment.cli.options import AsJson
from lstm_sentiment.cli.results import print_json, print_line
from lstm_sentiment.unicode import escaped_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from rich.table import Table

    from lstm_sentiment.rollout.shadow_agreement import ShadowAgreement


@takes_flag_groups
def shadow(
    access: AccessFlags,
    rest_api: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT",
            help="REST address of a server that was started with --shadow-to.",
        ),
    ] = "localhost:8501",
    confidence: Annotated[
        float,
        typer.Option(
            metavar="SHARE", help="Confidence level of the intervals, above 0 and below 1."
        ),
    ] = 0.95,
    show: Annotated[
        int, typer.Option(metavar="N", help="Number of recent disagreements to show.", min=0)
    ] = 5,
    timeout_seconds: Annotated[
        float, typer.Option(help="Seconds to wait for the answer.", metavar="N")
    ] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Show how often a shadow version agrees with the version that answers.

    A shadow version receives copies of requests; callers never get its answers.
    Agreement does not show which version is better: where they differ, either
    may be right. To find out, run models compare on labelled texts.

    Example: python cli.py models shadow --rest-api localhost:8501
    """
    from lstm_sentiment.rollout.shadow_agreement import read_shadow_agreement

    found = read_shadow_agreement(
        rest_api,
        confidence=confidence,
        **access.access._asdict(),
        timeout_seconds=timeout_seconds,
    )
    if as_json:
        print_json(found.to_dict())
    else:
        _print_agreement(found, show)


def _print_agreement(found: "ShadowAgreement", show: int) -> None:
    from lstm_sentiment.cli.console import LineConsole

    console = LineConsole(highlight=False, markup=False)
    told = f"{found.to} gets {found.share:.0%} of the requests of {found.of}"
    for name, value in (("model", found.model_name), ("shadow", told)):
        console.print(escaped_line(f"{name:<10}{value}"), soft_wrap=True)
    if not found.pairs:
        print_line("No request has been compared yet.")
        return
    console.print(_pairs_table(found))
    recent = found.recent_disagreements[:show]
    if recent:
        console.print(_disagreements_table(recent))
    console.print(found.pairs[0].verdict(), soft_wrap=True)


def _pairs_table(found: "ShadowAgreement") -> "Table":
    from rich import box
    from rich.table import Table

    # Narrow enough for 80 columns.
    table = Table("version", "shadow", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("drawn", "compared", "agree", "failed", "dropped", "max. gap"):
        table.add_column(name, justify="right")
    for pair in found.pairs:
        share = pair.agreement
        largest = pair.largest_difference
        table.add_row(
            str(pair.version),
            "-" if pair.shadow_version is None else str(pair.shadow_version),
            f"{pair.sampled:,}",
            f"{pair.compared:,}",
            "-" if share is None else f"{share.value:.1%}",
            f"{pair.failed:,}",
            f"{pair.dropped:,}",
            "-" if largest is None else f"{largest:.3f}",
        )
    return table


def _disagreements_table(recent: "Sequence[Mapping[str, Any]]") -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title="last disagreements")
    for name in ("version", "label", "shadow", "its label"):
        table.add_column(name)
    table.add_column("difference", justify="right")
    has_texts = any("text" in found for found in recent)
    if has_texts:
        table.add_column("text", overflow="ellipsis", no_wrap=True)
    for found in recent:
        difference = found["difference"]
        row = [str(found[key]) for key in ("version", "label", "shadow_version", "shadow_label")]
        row.append("-" if difference is None else f"{difference:.3f}")
        if has_texts:
            row.append(str(found.get("text", "")))
        table.add_row(*(Text(escaped_line(" ".join(value.split()))) for value in row))
    return table

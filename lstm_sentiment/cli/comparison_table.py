"""Tables that compare two versions, in a terminal or a file of 80 columns."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lstm_sentiment.cli.console import output_console, tell
from lstm_sentiment.unicode import escaped_line
from lstm_sentiment.versions.comparison import (
    Answer,
    ComparedVersion,
    Comparison,
    Disagreement,
    p_text,
    points,
)

if TYPE_CHECKING:
    from lstm_sentiment.training.evaluation.intervals import Estimate

_TEXT_LINES = 2
_NAMES_WIDTH = 22


def print_comparison(comparison: Comparison, *, show: int) -> None:
    """Prints scores, counts and at most `show` texts with different labels."""
    console = output_console()
    console.print(_scores(comparison))
    console.print(f"\n[from, to] is the {comparison.confidence * 100:g} % confidence interval.\n")
    first, second = comparison.first, comparison.second
    rows = {
        "both right": f"{comparison.both_right:,}",
        f"only {first.name} right": f"{comparison.only_first_right:,}",
        f"only {second.name} right": f"{comparison.only_second_right:,}",
        "both wrong": f"{comparison.both_wrong:,}",
        "McNemar's exact test": f"p {p_text(comparison.p_value)}",
    }
    for name, value in rows.items():
        console.print(f"{name:<{max(map(len, rows))}}  {value}", soft_wrap=True)
    console.print()
    if show and comparison.disagreements:
        _print_disagreements(console, comparison, show)


def print_scores(version: ComparedVersion, texts: int) -> None:
    """Prints the scores of one version on `texts` texts."""
    table, console = _table(version.name), output_console()
    for row in _version_rows([version], texts):
        table.add_row(*map(_cell, row))
    console.print(table)
    console.print()


def tell_warnings(warnings: Sequence[str]) -> None:
    """Prints warnings about the scores, one sentence each, on standard error."""
    for warning in warnings:
        tell(f"warning: {warning}", style="bold yellow")


def _scores(comparison: Comparison) -> Table:
    versions = [comparison.first, comparison.second]
    table = _table(*(version.name for version in versions), "difference, points")
    differences = [
        _points(comparison.accuracy_difference),
        _points(comparison.macro_f1_difference),
        *(
            points(comparison.second.class_f1[name] - comparison.first.class_f1[name])
            for name in comparison.label_names
        ),
        "",
    ]
    for row, difference in zip(_version_rows(versions, comparison.texts), differences, strict=True):
        table.add_row(*map(_cell, (*row, difference)))
    return table


def _cell(name: str) -> Text:
    return Text(escaped_line(name))


def _table(*columns: str) -> Table:
    table = Table("", box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(_cell(column), no_wrap=True)
    return table


def _version_rows(versions: Sequence[ComparedVersion], texts: int) -> list[list[str]]:
    def row(name: str, value: Callable[[ComparedVersion], str]) -> list[str]:
        return [name, *map(value, versions)]

    return [
        row("accuracy", lambda version: _share(version.accuracy)),
        row("macro-F1", lambda version: _share(version.macro_f1)),
        *(row(f"F1 {label}", partial(_class_f1, label)) for label in versions[0].class_f1),
        row("trained on", lambda version: f"{_seen(version)} of {texts:,}"),
    ]


def _class_f1(label: str, version: ComparedVersion) -> str:
    return f"{version.class_f1[label]:.3f}"


def _seen(version: ComparedVersion) -> str:
    return "unknown" if version.texts_seen is None else f"{version.texts_seen:,}"


def _share(estimate: "Estimate") -> str:
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _points(estimate: "Estimate") -> str:
    value, low, high = map(points, (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"


def _print_disagreements(console: Console, comparison: Comparison, show: int) -> None:
    count = len(comparison.disagreements)
    rows = list(islice(comparison.disagreements, show))
    told = f"Different predictions for {count:,} of {comparison.texts:,} texts"
    if count > len(rows):
        told += f"; the {len(rows):,} most confident"
    console.print(f"{told}:\n", soft_wrap=True)
    cells = [_cells(row) for row in rows]
    head = ["text", "label", comparison.first.name, comparison.second.name]
    widths = [max(map(cell_len, column)) for column in zip(head, *cells, strict=True)]
    widths = [min(width, _NAMES_WIDTH) for width in widths]
    console.print(_line(head, widths), style="bold", soft_wrap=True)
    for row, line in zip(rows, cells, strict=True):
        console.print(_line(line, widths), soft_wrap=True)
        _print_text(console, row.text, widths[0] + 2)
    console.print()


def _cells(row: Disagreement) -> list[str]:
    return [
        f"no. {row.index + 1:,}",
        escaped_line(row.label),
        _answer(row.first, row),
        _answer(row.second, row),
    ]


def _answer(answer: Answer, row: Disagreement) -> str:
    mark = "right" if answer.label == row.label else "wrong"
    return f"{escaped_line(answer.label)} ({answer.probability:.3f}) {mark}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> Text:
    padded = (set_cell_size(cell, width) for cell, width in zip(cells, widths, strict=True))
    return Text("  ".join(padded).rstrip())


def _print_text(console: Console, text: str, indent: int) -> None:
    """Prints the beginning of a text on a few lines."""
    shown = Text(" ".join(text.split()), style="dim")
    lines = shown.wrap(console, console.width - indent - 1)
    for line in lines[: _TEXT_LINES - 1]:
        console.print(" " * indent, line, sep="", soft_wrap=True)
    for line in lines[_TEXT_LINES - 1 : _TEXT_LINES]:
        more = "…" if len(lines) > _TEXT_LINES else ""
        console.print(" " * indent, line, more, sep="", soft_wrap=True)

"""The tables of `inspect --settings` and `--graph`: settings, ops, and sizes of the parts."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lstm_sentiment.unicode import escaped_line, escaped_lines
from lstm_sentiment.version_folder import graph_file

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from lstm_sentiment.versions.inspection.graph import GraphSummary
    from lstm_sentiment.versions.inspection.version_report import VersionReport

_NAME_COLUMNS = 20
_FILES_SHOWN = 8
_LIST_SHOWN = 12


def print_settings(console: "Console", report: "VersionReport") -> None:
    """Prints every entry of the version's card: settings, scores, data and libraries."""
    rows = _card_rows(report)
    console.print(_names_and_values(rows or [("card", "none: this version has no sentiment.json")]))


def print_graph(console: "Console", report: "VersionReport") -> None:
    """Prints the ops of the graph and the bytes of each part of the version."""
    console.print(_names_and_values(_graph_rows(report.graph, console.width - _NAME_COLUMNS)))
    console.print(_size_table(report))


def shape_text(shape: Sequence[int | None] | None) -> str:
    """Returns a shape as text: `(batch, ?, 3)`, or `(...)` for an unknown rank."""
    if shape is None:
        return "(...)"
    sizes = ["batch" if axis == 0 else "?" for axis in range(len(shape))]
    sizes = [open_ if size is None else str(size) for open_, size in zip(sizes, shape, strict=True)]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def _names_and_values(rows: Sequence[tuple[str, str]]) -> "Table":
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=_NAME_COLUMNS - 2)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(escaped_line(name.replace("_", " ")), escaped_lines(value))
    return table


def _card_rows(report: "VersionReport") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in (report.card or {}).items():
        if name == "examples" and isinstance(value, list):
            rows.append((name, f"{len(value)} texts with their answers"))
        elif name == "drift_reference" and isinstance(value, dict):
            rows.append((name, "what the training texts look like, for `models drift`"))
        elif isinstance(value, dict) and any(isinstance(part, dict) for part in value.values()):
            rows += [(f"{name} {part}", _in_words(values)) for part, values in value.items()]
        else:
            rows.append((name, _in_words(value)))
    return rows


def _in_words(value: Any) -> str:
    """Formats a value of the card in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_in_words(part)}" for name, part in value.items())
    if isinstance(value, list):
        shown = ", ".join(map(_in_words, value[:_LIST_SHOWN]))
        return shown + (f" and {len(value) - _LIST_SHOWN} more" if len(value) > _LIST_SHOWN else "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "none" if value is None else escaped_line(value)


def _graph_rows(graph: "GraphSummary", columns: int) -> list[tuple[str, str]]:
    def counted(names: Iterable[str]) -> str:
        return _filled([f"{name} {graph.op_types[name]:,}" for name in names], columns)

    foreign = [
        f"{library}: {counted(name for name, of in graph.foreign_ops.items() if of == library)}"
        for library in sorted(set(graph.foreign_ops.values()))
    ]
    others = [", ".join(tags) or "none" for tags in graph.all_tags]
    others.remove(", ".join(graph.tags) or "none")
    return [
        ("tags", ", ".join(graph.tags) or "none"),
        *([("tags of the others", "; ".join(others))] if others else []),
        ("nodes", f"{graph.nodes:,}, including those of {graph.functions:,} functions"),
        ("other libraries", "\n".join(foreign) or "none: plain TensorFlow runs the graph"),
        (f"ops, {len(graph.op_types)} types", counted(graph.op_types)),
    ]


def _filled(items: Sequence[str], columns: int) -> str:
    """Joins items into lines that break only after a comma."""
    lines = [""]
    for item in items:
        joined = f"{lines[-1]}, {item}" if lines[-1] else item
        if len(joined) < columns:
            lines[-1] = joined
        else:
            lines.append(item)
    return ",\n".join(lines)


def _size_table(report: "VersionReport") -> "Table":
    from rich import box
    from rich.table import Table

    table = Table("part", "", box=box.SIMPLE_HEAD)
    table.add_column("bytes", justify="right")
    table.add_column("share", justify="right")
    for indent, name, what, size in _size_rows(report):
        share = f"{size / report.sizes.total:.1%}"
        table.add_row("  " * indent + name, what, f"{size:,}", share)
    return table


def _size_rows(report: "VersionReport") -> Iterator[tuple[int, str, str, int]]:
    """Yields depth, name, description and bytes of each line."""
    sizes, graph = report.sizes, report.graph
    yield 0, "graph", graph_file(report.version_dir).name, sizes.graph
    yield 1, "constants", "", graph.constant_bytes
    if graph.sentencepiece_bytes:
        yield 1, "SentencePiece", "models in nodes", graph.sentencepiece_bytes
    if graph.repeated_bytes:
        yield 1, "repeated", "constants and models stored more than once", graph.repeated_bytes
    yield 0, "variables", "", sizes.variables
    for name, part in sizes.parts.items():
        yield 1, name, f"{part.count} of them" if part.count > 1 else "", part.bytes
        for variable in part.largest:
            what = f"{variable.dtype} {shape_text(variable.shape)}"
            yield 2, variable.name, what, variable.bytes
    for folder, files in (("assets", sizes.assets), ("assets.extra", sizes.assets_extra)):
        yield 0, folder, "", sum(files.values())
        largest = sorted(files.items(), key=lambda item: -item[1])
        for name, size in largest[:_FILES_SHOWN]:
            yield 1, name, "", size
        if rest := largest[_FILES_SHOWN:]:
            yield 1, f"{len(rest)} more", "", sum(size for _, size in rest)
    yield 0, "other files", "", sizes.other
    yield 0, "total", "", sizes.total

"""`inspect`: the card, signatures, ops and sizes of a version, and requests to paste."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lstm_sentiment.cli.options import AsJson
from lstm_sentiment.cli.results import print_json, print_line
from lstm_sentiment.unicode import escaped_line, escaped_lines
from lstm_sentiment.version_folder import graph_file

if TYPE_CHECKING:
    from rich.table import Table

    from lstm_sentiment.versions.inspection.graph import GraphSummary, TensorSummary
    from lstm_sentiment.versions.inspection.version_report import VersionReport

_COLUMNS = 100
_NAME_COLUMNS = 20
_FILES_SHOWN = 8
_LIST_SHOWN = 12
_FILES_AS_WRITTEN = "as they were written, by their digests"
_FILES_UNKNOWN = "not checked: the version has no digests of them"


def inspect(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="A version's folder, or a folder of versions: the highest is taken."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Show a version's scores, signatures, ops, sizes, and example requests.

    Only files are read and nothing is run, so any SavedModel can be inspected,
    one of a stranger's too (whoever loads it runs it). The output ends with a
    curl command and a Python program for each signature, ready to paste; for
    a folder of versions, these let the server choose the version.

    Example: python cli.py inspect models/sentiment
    """
    from lstm_sentiment.cli.console import working
    from lstm_sentiment.versions.inspection.version_report import inspect_version

    with working("Reading the version"):
        report = inspect_version(model)
    if as_json:
        print_json(report.to_dict())
    else:
        _print_report(report)


def _print_report(report: "VersionReport") -> None:
    from lstm_sentiment.cli.console import LineConsole

    console = LineConsole(markup=False, emoji=False, highlight=False)
    console.width = min(console.width, _COLUMNS) if console.is_terminal else _COLUMNS
    console.print(_names_and_values(_card_rows(report)))
    console.print(_signature_table(report))
    console.print(_names_and_values(_graph_rows(report.graph, console.width - _NAME_COLUMNS)))
    console.print(_size_table(report))
    console.file.flush()
    # Not through rich, which would break the lines of snippets to paste.
    for key, snippets in report.snippets.items():
        ways = "over gRPC" if not snippets.curl else "over REST, then over gRPC"
        requests = "\n\n".join(filter(None, (snippets.curl, snippets.python)))
        print(f"# {escaped_line(key)}: {ways}\n\n{escaped_lines(requests)}\n")
    for key, signature in report.signatures.items():
        if not signature.is_served:
            print_line(
                f"# {key}: no server can answer it, for it has tensors that no request holds"
            )
            print_line()
    if not report.signatures:
        print("# no signature: a server that loads this version can answer nothing\n")
    sys.stdout.flush()


def _names_and_values(rows: Sequence[tuple[str, str]]) -> "Table":
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=_NAME_COLUMNS - 2)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(escaped_line(name.replace("_", " ")), escaped_line(value))
    return table


def _card_rows(report: "VersionReport") -> list[tuple[str, str]]:
    number = "a folder whose name is no number" if report.version is None else str(report.version)
    rows = [
        ("path", str(report.version_dir)),
        ("model name", report.model_name),
        ("version", number),
        ("light twin", "yes" if report.has_light_twin else "none: answering needs TensorFlow"),
        ("files", _FILES_AS_WRITTEN if report.has_digests else _FILES_UNKNOWN),
    ]
    if report.card is None:
        said = "none: labels, tokenizer, sizes and scores are not known"
        return [*rows, ("card", said)]
    for name, value in report.card.items():
        if name == "examples" and isinstance(value, list):
            rows.append((name, f"{len(value)} texts with their answers"))
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
    return "none" if value is None else str(value)


def _signature_table(report: "VersionReport") -> "Table":
    from rich import box
    from rich.table import Table

    table = Table("signature", "method", "inputs", "outputs", box=box.SIMPLE_HEAD)
    for key, signature in report.signatures.items():
        inputs, outputs = (
            _tensors(signature.inputs, signature.optional_inputs),
            _tensors(signature.outputs),
        )
        table.add_row(key, signature.method, inputs, outputs)
    return table


def _tensors(tensors: Mapping[str, "TensorSummary"], optional: Sequence[str] = ()) -> str:
    return "\n".join(
        f"{name} {tensor.dtype} {_shape(tensor.shape)}{' or a default' * (name in optional)}"
        for name, tensor in tensors.items()
    )


def _shape(shape: Sequence[int | None] | None) -> str:
    """Formats a shape: `(batch, ?, 3)`, or `(...)` for an open rank."""
    if shape is None:
        return "(...)"
    sizes = ["batch" if axis == 0 else "?" for axis in range(len(shape))]
    sizes = [open_ if size is None else str(size) for open_, size in zip(sizes, shape, strict=True)]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def _graph_rows(graph: "GraphSummary", columns: int) -> list[tuple[str, str]]:
    def counted(names: Iterable[str]) -> str:
        return _filled([f"{name} {graph.op_types[name]:,}" for name in names], columns)

    foreign = [
        f"{library}: {counted(name for name, of in graph.foreign_ops.items() if of == library)}"
        for library in sorted(set(graph.foreign_ops.values()))
    ]
    return [
        ("tags", ", ".join(graph.tags)),
        ("nodes", f"{graph.nodes:,}, with those of {graph.functions:,} functions"),
        ("not TensorFlow's", "\n".join(foreign) or "no op: plain TensorFlow runs it"),
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
    yield 0, "variables", "", sizes.variables
    for name, part in sizes.parts.items():
        yield 1, name, f"{part.count} of them" if part.count > 1 else "", part.bytes
        for variable in part.largest:
            what = f"{variable.dtype} {_shape(variable.shape)}"
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

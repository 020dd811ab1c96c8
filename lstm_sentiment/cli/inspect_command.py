"""`inspect`: what a version is, how well it scored, and how to use it."""

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lstm_sentiment.cli.options import AsJson
from lstm_sentiment.cli.program import shell_command
from lstm_sentiment.cli.results import print_json, print_line, print_rows
from lstm_sentiment.unicode import escaped_line, escaped_lines

if TYPE_CHECKING:
    from rich.table import Table

    from lstm_sentiment.cli.console import LineConsole
    from lstm_sentiment.versions.facts import VersionFacts
    from lstm_sentiment.versions.inspection.graph import TensorSummary
    from lstm_sentiment.versions.inspection.snippets import Snippets
    from lstm_sentiment.versions.inspection.version_report import VersionReport

_COLUMNS = 100
_NAME_COLUMNS = 19
_DEMO = "demo corpus"
_PREFERRED = ("text", "serving_default")


def inspect(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="A version's folder, or a folder of versions: the highest is taken."
        ),
    ],
    show_requests: Annotated[
        bool,
        typer.Option("--requests", help="Show a curl command and a Python program per signature."),
    ] = False,
    show_settings: Annotated[
        bool, typer.Option("--settings", help="Show all settings and facts of the training.")
    ] = False,
    show_graph: Annotated[
        bool, typer.Option("--graph", help="Show the ops of the graph and the size of each part.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a version's labels, training, scores and signatures, and how to use it.

    A signature is one kind of request that the version answers, with named
    inputs and outputs. This command only reads files and runs nothing, so it is
    the safe way to look at a SavedModel from somebody else.

    Example: python cli.py inspect models/sentiment
    """
    from lstm_sentiment.cli.console import LineConsole, working
    from lstm_sentiment.cli.inspect_tables import print_graph, print_settings
    from lstm_sentiment.versions.inspection.version_report import inspect_version

    with working("Reading the version"):
        report = inspect_version(model)
    if as_json:
        print_json(report.to_dict())
        return
    console = LineConsole(markup=False, emoji=False, highlight=False)
    console.width = min(console.width, _COLUMNS) if console.is_terminal else _COLUMNS
    if not (show_requests or show_settings or show_graph):
        _print_overview(console, report)
        return
    if show_settings:
        print_settings(console, report)
    if show_graph:
        print_graph(console, report)
    console.file.flush()
    if show_requests:
        _print_requests(report)
    sys.stdout.flush()


def _print_overview(console: "LineConsole", report: "VersionReport") -> None:
    number = "a folder without a number" if report.version is None else f"version {report.version}"
    print_line(f"{report.model_name}, {number}, in {report.version_dir}")
    print_line()
    print_rows(_rows(report), _NAME_COLUMNS)
    print_line()
    if report.signatures:
        print_line("Signatures, the kinds of request that the version answers:")
        console.print(_signature_table(report))
    else:
        print_line("The version has no signature, so a server that loads it answers no request.")
    console.file.flush()
    for line in _how_to_use(report):
        print(line)
    print_line()
    print_line(
        "More: --requests (a request to each signature), --settings, --graph (ops and sizes)"
    )
    sys.stdout.flush()


def _rows(report: "VersionReport") -> Iterator[tuple[str, str]]:
    from lstm_sentiment.versions.facts import read_facts

    if report.card is None:
        yield "card", "none: labels, tokenizer, settings and scores are unknown"
    else:
        yield from _fact_rows(read_facts(report.card), report)
    engines = "the light engine, or TensorFlow" if report.has_light_twin else "TensorFlow only"
    yield "runs with", engines
    checked = "unchanged since the export" if report.has_digests else "not checked: no digests"
    yield "files", f"{checked}; {report.sizes.total / 1e6:,.1f} MB"


def _with_display_names(labels: Sequence[str], version_dir: Path) -> Iterator[str]:
    """Yields each label, followed by its display names in brackets if it has any."""
    from lstm_sentiment.display_names import load_display_names

    names = load_display_names(version_dir).names
    for label in labels:
        shown = ", ".join(
            name for name in dict.fromkeys(names.get(label, {}).values()) if name != label
        )
        yield f"{label} ({shown})" if shown else label


def _fact_rows(facts: "VersionFacts", report: "VersionReport") -> Iterator[tuple[str, str]]:
    card = facts.card
    yield "labels", ", ".join(_with_display_names(card.labels, report.version_dir))
    texts = f"{card.texts['train']:,} texts" if "train" in card.texts else "unknown texts"
    named = ", ".join("the demo corpus" if file == _DEMO else file for file in card.files)
    files = f" of {named}" if named else ""
    when = f"{card.trained_at:%Y-%m-%d %H:%M} UTC" if card.trained_at else "date not recorded"
    yield "trained", f"on {texts}{files} ({when})"
    if (accuracy := facts.test_accuracy) is not None:
        yield (
            "test accuracy",
            f"{accuracy.value:.3f}, 95% interval {accuracy.low:.3f} to {accuracy.high:.3f}, on "
            f"{card.texts['test']:,} texts that were held out",
        )
    if facts.test_macro_f1 is not None:
        yield (
            "test macro-F1",
            f"{facts.test_macro_f1:.3f}, the mean of the F1 scores of all classes",
        )
    if (error := facts.test_calibration_error) is not None:
        yield "calibration error", f"{error:.3f}, the mean gap between probability and accuracy"
    if facts.test_accuracy is None:
        yield "test scores", "none in the card"
    yield from _reading_row(report)


def _reading_row(report: "VersionReport") -> Iterator[tuple[str, str]]:
    card = report.card or {}
    model, words, tokenizer = (card.get(name) for name in ("model", "vocabulary_size", "tokenizer"))
    if isinstance(model, dict) and isinstance(words, int):
        yield (
            "reads",
            f"the first {model.get('max_length')} tokens of each text; the tokenizer "
            f"({tokenizer}) knows {words:,} tokens",
        )


def _signature_table(report: "VersionReport") -> "Table":
    from rich import box
    from rich.table import Table

    table = Table("signature", "inputs", "outputs", box=box.SIMPLE_HEAD)
    for key, signature in report.signatures.items():
        inputs = _tensors(signature.inputs, signature.optional_inputs)
        outputs = ", ".join(signature.outputs)
        if not signature.is_served:
            outputs = f"{outputs} (no server can answer)".lstrip()
        table.add_row(escaped_line(key), inputs, escaped_line(outputs))
    return table


def _tensors(
    tensors: Mapping[str, "TensorSummary"], optional: Sequence[str] = (), separator: str = "\n"
) -> str:
    from lstm_sentiment.cli.inspect_tables import shape_text

    return separator.join(
        escaped_line(f"{name} {tensor.dtype} {shape_text(tensor.shape)}")
        + " or a default" * (name in optional)
        for name, tensor in tensors.items()
    )


def _how_to_use(report: "VersionReport") -> Iterator[str]:
    """Yields commands that classify a text with this version, here and on a server."""
    key = next((key for key in _PREFERRED if key in report.snippets), None)
    key = key or next(iter(report.snippets), None)
    folder = report.version_dir
    if not report.graph.is_for_serving:
        yield from _why_not_loaded(report)
    if key == "text":
        yield "Classify a text on this machine:"
        yield f"  {shell_command('predict', report.example_text, '--model', folder)}"
    if key is None or report.version is None:
        return
    name, base_path = report.model_name, folder.parent
    yield "Serve the folder of versions, and send a request from another terminal:"
    serve = ("serve", "--model-name", name, "--model-base-path", base_path)
    yield f"  {escaped_line(shell_command(*serve))}"
    snippets = report.snippets[key]
    request = snippets.curl or snippets.python
    yield "\n".join(f"  {line}" for line in escaped_lines(request).splitlines())
    yield from _what_to_fill_in(snippets)


def _what_to_fill_in(snippets: "Snippets") -> Iterator[str]:
    """Yields lines on the placeholders of a request, if it has any."""
    if snippets.fill_in:
        yield "The version does not describe the values that this signature reads. Fill them in:"
        yield from (f"- {escaped_line(line)}" for line in snippets.fill_in)


def _why_not_loaded(report: "VersionReport") -> Iterator[str]:
    """Yields lines on a version without a graph that servers load."""
    tags = ",".join(report.graph.tags)
    yield "No server loads this version as it is: servers load the graph whose only tag is 'serve'."
    yield "Save the model again with this tag."
    if tags:
        flag = shlex.quote(f"--saved_model_tags={tags}")
        yield f"Stock TensorFlow Serving also loads it with the flag {escaped_line(flag)}"


def _print_requests(report: "VersionReport") -> None:
    # Not through rich, which would break the lines of snippets to paste.
    for key, snippets in report.snippets.items():
        ways = "over gRPC" if not snippets.curl else "over REST, then over gRPC"
        outputs = _tensors(report.signatures[key].outputs, separator=", ")
        requests = "\n\n".join(filter(None, (snippets.curl, snippets.python)))
        print(f"# {escaped_line(key)}: {ways}")
        print(f"# It returns {outputs}.")
        for line in _what_to_fill_in(snippets):
            print(f"# {line}")
        print(f"\n{escaped_lines(requests)}\n")
    for key, signature in report.signatures.items():
        if not signature.is_served:
            why = "no request can hold its tensors" if signature.outputs else "it has no output"
            print_line(f"# {key}: no server can answer it, because {why}")
            print_line()
    if not report.graph.is_for_serving:
        for line in _why_not_loaded(report):
            print_line(f"# {line}")
        print_line()
    if not report.signatures:
        print("# The version has no signature, so a server that loads it answers no request.\n")

"""Switches XLA on for a SavedModel as it is loaded; the files stay as they are.

A SavedModel must run where there is no XLA, so it cannot ask for it itself: stock TensorFlow
Serving refuses such a graph. It can name what is worth compiling: a function `compilable_NAME`,
called as such, or standing by for a function `plain_NAME` that takes and gives the same. In a copy
of the graph it is called instead, and marked; TensorFlow compiles it, once for each shape of its
inputs, when it is first called.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tensorflow.core.framework import op_def_pb2
from tensorflow.core.protobuf import saved_model_pb2

from lstm_sentiment.serving.errors import ServableLoadError
from lstm_sentiment.version_folder import GRAPH

_MUST_COMPILE = "_XlaMustCompile"
_TAKEN_APART = "_lower_using_switch_merge"
_COMPILABLE = re.compile(r"__inference_compilable_(\w+?)_\d+")
_PLAIN = re.compile(r"__inference_plain_(\w+?)_\d+")


@contextmanager
def with_xla(version_dir: Path) -> Iterator[Path]:
    """A folder like `version_dir`, but for a graph with XLA switched on; gone at the end.

    Args:
        version_dir: A SavedModel's folder.

    Yields:
        The folder to load from; `version_dir` itself where nothing is worth compiling.

    Raises:
        ServableLoadError: If there is nowhere to put the copy.
        OSError: If there is no room for it.
    """
    path, graph = version_dir / GRAPH, saved_model_pb2.SavedModel()
    if path.is_file():  # TensorFlow knows other forms too, and tells what is missing
        graph.ParseFromString(path.read_bytes())
    if not _mark(graph):
        yield version_dir
        return
    with _temporary_folder() as name:
        folder = Path(name)
        (folder / GRAPH).write_bytes(graph.SerializeToString())
        for entry in version_dir.absolute().iterdir():
            if entry.name != GRAPH.name:
                (folder / entry.name).symlink_to(entry)
        yield folder


def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory()
    except FileNotFoundError as error:
        # Python tells all folders it tried, which do not concern a client.
        raise ServableLoadError(
            "XLA needs a temporary folder that can be written. Received: none."
        ) from error


def _mark(graph: saved_model_pb2.SavedModel) -> bool:
    """Marks where compilable functions are called, and puts them in the place of plain ones."""
    marked = False
    for meta_graph in graph.meta_graphs:
        functions = meta_graph.graph_def.library.function
        replacements = _replacements([function.signature for function in functions])
        _keep_control_flow_whole({function.signature.name: function for function in functions})
        for node in (node for function in functions for node in function.node_def):
            if "f" not in node.attr:
                continue
            called = node.attr["f"].func
            called.name = replacements.get(called.name, called.name)
            if _COMPILABLE.fullmatch(called.name):
                node.attr[_MUST_COMPILE].b = marked = True
    return marked


def _keep_control_flow_whole(functions: Mapping[str, Any]) -> None:
    """Keeps the runtime from taking apart loops that XLA is to compile: it needs them whole."""
    waiting = [name for name in functions if _COMPILABLE.fullmatch(name)]
    seen = set(waiting)
    while waiting:
        for node in functions[waiting.pop()].node_def:
            node.attr.pop(_TAKEN_APART, None)
            called = {value.func.name for value in node.attr.values() if value.HasField("func")}
            waiting += sorted((called & functions.keys()) - seen)
            seen |= called


def _replacements(signatures: Sequence[op_def_pb2.OpDef]) -> dict[str, str]:
    """For each plain function the compilable one that takes and gives the same."""
    compilable = {
        (match[1], _types(signature)): signature.name
        for signature in signatures
        if (match := _COMPILABLE.fullmatch(signature.name))
    }
    found = {
        signature.name: compilable.get((match[1], _types(signature)))
        for signature in signatures
        if (match := _PLAIN.fullmatch(signature.name))
    }
    return {plain: name for plain, name in found.items() if name is not None}


def _types(signature: op_def_pb2.OpDef) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return (
        tuple(argument.type for argument in signature.input_arg),
        tuple(argument.type for argument in signature.output_arg),
    )

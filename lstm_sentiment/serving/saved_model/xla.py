"""Enables XLA for a SavedModel as it is loaded; the version's files do not change.

Stock TensorFlow Serving refuses a graph that requires XLA, so a version only names functions that
are worth compiling: `compilable_NAME`, which is called as it is or stands in for a function
`plain_NAME` with the same inputs and outputs. A copy of the graph calls `compilable_NAME` and marks
it; TensorFlow compiles it on its first call, once for each shape of its inputs.
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
    """Makes a temporary copy of a version's folder whose graph has XLA enabled.

    Yields:
        The folder to load from; `version_dir` itself if it names no function to compile.

    Raises:
        ServableLoadError: If there is no temporary folder for the copy.
        OSError: If the disk is full.
    """
    path, graph = version_dir / GRAPH, saved_model_pb2.SavedModel()
    if path.is_file():  # TensorFlow knows other forms too, and names what is missing
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
        # Python's message lists all folders that it tried, which do not concern a client.
        raise ServableLoadError(
            "XLA needs a temporary folder that can be written. Received: none."
        ) from error


def _mark(graph: saved_model_pb2.SavedModel) -> bool:
    """Replaces calls of plain functions, marks calls of compilable ones; `True` if any."""
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
    """Removes the mark by which the runtime lowers loops that XLA must get whole."""
    waiting = [name for name in functions if _COMPILABLE.fullmatch(name)]
    seen = set(waiting)
    while waiting:
        for node in functions[waiting.pop()].node_def:
            node.attr.pop(_TAKEN_APART, None)
            called = {value.func.name for value in node.attr.values() if value.HasField("func")}
            waiting += sorted((called & functions.keys()) - seen)
            seen |= called


def _replacements(signatures: Sequence[op_def_pb2.OpDef]) -> dict[str, str]:
    """Returns the compilable function of the same inputs and outputs for each plain one."""
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

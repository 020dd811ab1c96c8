"""Switches XLA on for a SavedModel as it is loaded; the files stay as they are.

A SavedModel must run where there is no XLA, so it cannot ask for it itself: stock TensorFlow
Serving refuses such a graph. It can name what is worth compiling: functions whose names begin with
`compilable`. Those are marked in a copy of the graph, and TensorFlow compiles them, once for each
shape of their inputs, when they are first called.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tensorflow.core.protobuf import saved_model_pb2

_GRAPH = "saved_model.pb"
_MUST_COMPILE = "_XlaMustCompile"
_COMPILABLE = re.compile(r"__inference_compilable_\w+")


@contextmanager
def with_xla(version_dir: Path) -> Iterator[Path]:
    """A folder like `version_dir`, but for a graph with XLA switched on; gone at the end.

    Args:
        version_dir: A SavedModel's folder.

    Yields:
        The folder to load from; `version_dir` itself where nothing is worth compiling.
    """
    graph = saved_model_pb2.SavedModel.FromString((version_dir / _GRAPH).read_bytes())
    if not _mark(graph):
        yield version_dir
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / _GRAPH).write_bytes(graph.SerializeToString())
        for entry in version_dir.absolute().iterdir():
            if entry.name != _GRAPH:
                (folder / entry.name).symlink_to(entry)
        yield folder


def _mark(graph: saved_model_pb2.SavedModel) -> bool:
    """Marks the functions that are worth compiling, and where they are called."""
    marked = False
    for meta_graph in graph.meta_graphs:
        for function in meta_graph.graph_def.library.function:
            if _COMPILABLE.fullmatch(function.signature.name):
                function.attr[_MUST_COMPILE].b = True
            for node in function.node_def:
                if _COMPILABLE.fullmatch(node.attr["f"].func.name if "f" in node.attr else ""):
                    node.attr[_MUST_COMPILE].b = marked = True
    return marked

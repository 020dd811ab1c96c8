"""Summarizes `saved_model.pb` without building its graph: signatures, ops, bytes of constants."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from lstm_sentiment.errors import ServableUnavailableError
from lstm_sentiment.version_folder import GRAPH

TENSORFLOW_TEXT = "tensorflow-text"
UNKNOWN_LIBRARY = "not known here"

_METHOD_PREFIX = "tensorflow/serving/"
_INTERNAL_PREFIX = "__saved_model"


@dataclass(frozen=True)
class TensorSummary:
    """An input or output of a signature.

    Attributes:
        dtype: TensorFlow's name of the dtype, such as `int64`.
        shape: The size of each axis, `None` if open; `None` for an open rank.
    """

    dtype: str
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class SignatureSummary:
    """A signature of a version.

    Attributes:
        key: Its name, such as `serving_default`.
        method: `predict`, `classify`, `regress`, or the full name of another.
        inputs: Input tensors by name.
        outputs: Output tensors by name.
    """

    key: str
    method: str
    inputs: Mapping[str, TensorSummary]
    outputs: Mapping[str, TensorSummary]


@dataclass(frozen=True)
class GraphSummary:
    """A summary of a SavedModel's graph.

    Attributes:
        tags: Tags of the meta graph that was read: the one for serving, or the only one.
        signatures: Signatures by key, sorted.
        nodes: Number of nodes, including those of functions.
        functions: Number of functions in the library.
        op_types: Number of nodes of each op, the most frequent first.
        foreign_ops: The library of each op that plain TensorFlow lacks: `tensorflow-text`, or
            `not known here`.
        constant_bytes: Bytes of constants.
        sentencepiece_bytes: Bytes of SentencePiece models, which are attributes of nodes.
    """

    tags: tuple[str, ...]
    signatures: Mapping[str, SignatureSummary]
    nodes: int
    functions: int
    op_types: Mapping[str, int]
    foreign_ops: Mapping[str, str]
    constant_bytes: int
    sentencepiece_bytes: int


def summarize_graph(version_dir: Path) -> GraphSummary:
    """Summarizes the graph in a version's `saved_model.pb`.

    Raises:
        ServableUnavailableError: If the file is damaged or cannot be read.
    """
    meta_graph = _load_meta_graph(version_dir / GRAPH)
    library = meta_graph.graph_def.library.function
    nodes = list(_nodes(meta_graph))
    op_types = Counter(node.op for node in nodes)
    return GraphSummary(
        tags=tuple(meta_graph.meta_info_def.tags),
        signatures={
            key: _signature(key, definition)
            for key, definition in sorted(meta_graph.signature_def.items())
            if not key.startswith(_INTERNAL_PREFIX)
        },
        nodes=len(nodes),
        functions=len(library),
        op_types=dict(sorted(op_types.items(), key=lambda item: (-item[1], item[0]))),
        foreign_ops={name: lib for name in sorted(op_types) if (lib := library_of_op(name))},
        constant_bytes=sum(
            node.attr["value"].tensor.ByteSize() for node in nodes if node.op == "Const"
        ),
        sentencepiece_bytes=sum(
            len(node.attr["model"].s) for node in nodes if node.op == "SentencepieceOp"
        ),
    )


def library_of_op(name: str) -> str | None:
    """Returns the library of an op, given its name in a graph, such as `MatMul`.

    Returns:
        `tensorflow-text` for its ops, `not known here` for ops of no installed library, and `None`
        for TensorFlow's own.
    """
    from tensorflow.python.framework import op_def_registry

    if name in text_ops():
        return TENSORFLOW_TEXT
    return None if op_def_registry.get(name) is not None else UNKNOWN_LIBRARY


@cache
def text_ops() -> frozenset[str]:
    """Returns the ops of tensorflow-text, as its shared objects list them when loaded.

    Once they are loaded, TensorFlow's registry does not distinguish them from its own.
    """
    from tensorflow.core.framework import op_def_pb2
    from tensorflow.python.client import pywrap_tf_session

    spec = find_spec("tensorflow_text")
    names: set[str] = set()
    for folder in spec.submodule_search_locations or () if spec else ():
        for library in sorted(Path(folder).rglob("_*.so")):
            handle = pywrap_tf_session.TF_LoadLibrary(str(library))
            ops = op_def_pb2.OpList.FromString(pywrap_tf_session.TF_GetOpList(handle))
            pywrap_tf_session.TF_DeleteLibraryHandle(handle)
            names.update(op.name for op in ops.op)
    return frozenset(names)


def _load_meta_graph(path: Path) -> Any:
    from tensorflow.core.protobuf import saved_model_pb2

    try:
        saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    except OSError as error:
        raise ServableUnavailableError(f"{path}: cannot be read: {error.strerror}.") from error
    except DecodeError as error:
        raise ServableUnavailableError(
            f"{path}: must be a SavedModel. Received: {error}."
        ) from error
    graphs = list(saved_model.meta_graphs)
    for_serving = [graph for graph in graphs if set(graph.meta_info_def.tags) == {"serve"}]
    if for_serving or len(graphs) == 1:
        return (for_serving or graphs)[0]
    tags = "; ".join(",".join(graph.meta_info_def.tags) for graph in graphs) or "no graph"
    raise ServableUnavailableError(
        f"{path}: must hold one graph, or one with the tag 'serve'. Received: {tags}."
    )


def _nodes(meta_graph: Any) -> Iterator[Any]:
    yield from meta_graph.graph_def.node
    for function in meta_graph.graph_def.library.function:
        yield from function.node_def


def _signature(key: str, definition: Any) -> SignatureSummary:
    return SignatureSummary(
        key,
        definition.method_name.removeprefix(_METHOD_PREFIX) or "none",
        _tensors(definition.inputs),
        _tensors(definition.outputs),
    )


def _tensors(infos: Mapping[str, Any]) -> dict[str, TensorSummary]:
    import tensorflow as tf

    return {
        name: TensorSummary(
            tf.as_dtype(info.dtype).name,
            None
            if info.tensor_shape.unknown_rank
            else tuple(None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim),
        )
        for name, info in sorted(infos.items())
    }

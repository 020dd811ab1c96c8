"""Summarizes a SavedModel's graph without building its graph: signatures, ops, bytes of constants.

`tensorflow_ops.txt` and `tensorflow_text_ops.txt` name the ops of TensorFlow and tensorflow-text of
the releases that this package is developed with; a test compares them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lstm_sentiment.errors import ServableUnavailableError
from lstm_sentiment.protocol.dtypes import dtype_of
from lstm_sentiment.protocol.graph_pb2 import MetaGraphDef, NodeDef, SavedModel
from lstm_sentiment.protocol.saved_model import SERVING_TAGS, all_graphs
from lstm_sentiment.protocol.signature_pb2 import SignatureDef, TensorInfo
from lstm_sentiment.protocol.tensors import shape_of
from lstm_sentiment.version_folder import graph_file

TENSORFLOW_TEXT = "tensorflow-text"
UNKNOWN_LIBRARY = "not known here"

_LARGE_BYTES = 256
_METHOD_PREFIX = "tensorflow/serving/"
_INTERNAL_PREFIX = "__saved_model"
_ENCODINGS = {"coo_sparse": "sparse", "composite_tensor": "composite"}
_UNKNOWN_DTYPE = "unknown"
# A `resource` and a `variant` exist in the memory of one process alone.
_NO_TENSORS = (*_ENCODINGS.values(), _UNKNOWN_DTYPE, "resource", "variant")


@dataclass(frozen=True)
class TensorSummary:
    """An input or output of a signature.

    Attributes:
        dtype: TensorFlow's name of the dtype, such as `int64`; `sparse` or `composite` for several
            tensors as one, which no request can hold; `unknown` for any other.
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
        optional_inputs: Names of the inputs that have a default, and may be left out.
    """

    key: str
    method: str
    inputs: Mapping[str, TensorSummary]
    outputs: Mapping[str, TensorSummary]
    optional_inputs: tuple[str, ...] = ()

    @property
    def is_served(self) -> bool:
        """Whether a server of TensorFlow Serving's protocol can answer the signature."""
        # A session refuses to run a signature without an output.
        tensors = (*self.inputs.values(), *self.outputs.values())
        return bool(self.outputs) and not any(tensor.dtype in _NO_TENSORS for tensor in tensors)


@dataclass(frozen=True)
class GraphSummary:
    """A summary of a SavedModel's graph.

    Attributes:
        tags: Tags of the meta graph that was read: the one for serving, else one that has the tag
            `serve` among others, else the first.
        all_tags: Tags of each meta graph, in the file's order.
        signatures: Signatures by key, sorted.
        nodes: Number of nodes, including those of functions.
        functions: Number of functions in the library.
        op_types: Number of nodes of each op, the most frequent first.
        foreign_ops: The library of each op that plain TensorFlow lacks: `tensorflow-text`, or
            `not known here`.
        constant_bytes: Bytes of constants.
        sentencepiece_bytes: Bytes of SentencePiece models, which are attributes of nodes.
        repeated_bytes: Bytes of those constants and models of at least 256 bytes that equal an
            earlier one.
    """

    tags: tuple[str, ...]
    all_tags: tuple[tuple[str, ...], ...]
    signatures: Mapping[str, SignatureSummary]
    nodes: int
    functions: int
    op_types: Mapping[str, int]
    foreign_ops: Mapping[str, str]
    constant_bytes: int
    sentencepiece_bytes: int
    repeated_bytes: int

    @property
    def is_for_serving(self) -> bool:
        """True if a server loads the graph: its tags are `serve` and no other."""
        return set(self.tags) == SERVING_TAGS


def summarize_graph(version_dir: Path) -> GraphSummary:
    """Summarizes the graph in a version's `saved_model.pb` or `saved_model.pbtxt`.

    Raises:
        ServableUnavailableError: If the file is damaged, cannot be read, or holds no graph.
    """
    graphs = all_graphs(version_dir, SavedModel)
    if not graphs:
        path = graph_file(version_dir)
        raise ServableUnavailableError(f"{path}: must hold a graph. Received: no graph.")
    meta_graph = min(graphs, key=_rank_of_tags)
    library = meta_graph.graph_def.library.function
    nodes = list(_nodes(meta_graph))
    op_types = Counter(node.op for node in nodes)
    constants = [
        node.attr["value"].tensor.SerializeToString() for node in nodes if node.op == "Const"
    ]
    models = [node.attr["model"].s for node in nodes if node.op == "SentencepieceOp"]
    return GraphSummary(
        tags=tuple(meta_graph.meta_info_def.tags),
        all_tags=tuple(tuple(graph.meta_info_def.tags) for graph in graphs),
        signatures={
            key: _signature(key, definition)
            for key, definition in sorted(meta_graph.signature_def.items())
            if not key.startswith(_INTERNAL_PREFIX)
        },
        nodes=len(nodes),
        functions=len(library),
        op_types=dict(sorted(op_types.items(), key=lambda item: (-item[1], item[0]))),
        foreign_ops={name: lib for name in sorted(op_types) if (lib := library_of_op(name))},
        constant_bytes=sum(map(len, constants)),
        sentencepiece_bytes=sum(map(len, models)),
        repeated_bytes=_repeated_bytes([*constants, *models]),
    )


def _repeated_bytes(values: Sequence[bytes]) -> int:
    """Returns the bytes of those large values that equal an earlier one."""
    large = [value for value in values if len(value) >= _LARGE_BYTES]
    return sum(map(len, large)) - sum(map(len, set(large)))


def library_of_op(name: str) -> str | None:
    """Returns the library of an op, given its name in a graph, such as `MatMul`.

    Returns:
        `tensorflow-text` for its ops, `not known here` for ops that are in neither of the two, and
        `None` for TensorFlow's own.
    """
    if name in _ops("tensorflow_text_ops.txt"):
        return TENSORFLOW_TEXT
    return None if name in _ops("tensorflow_ops.txt") else UNKNOWN_LIBRARY


@cache
def _ops(file: str) -> frozenset[str]:
    """Reads the names of a library's ops, one a line."""
    return frozenset(Path(__file__).with_name(file).read_text("utf-8").splitlines())


def _rank_of_tags(meta_graph: MetaGraphDef) -> int:
    """Returns 0 for the graph that servers load, 1 for another one for serving, 2 for the rest."""
    tags = set(meta_graph.meta_info_def.tags)
    return (tags != SERVING_TAGS) + (not tags >= SERVING_TAGS)


def _nodes(meta_graph: MetaGraphDef) -> Iterator[NodeDef]:
    yield from meta_graph.graph_def.node
    for function in meta_graph.graph_def.library.function:
        yield from function.node_def


def _signature(key: str, definition: SignatureDef) -> SignatureSummary:
    return SignatureSummary(
        key,
        definition.method_name.removeprefix(_METHOD_PREFIX) or "none",
        _tensors(definition.inputs),
        _tensors(definition.outputs),
        tuple(sorted(definition.defaults.keys() & definition.inputs.keys())),
    )


def _tensors(infos: Mapping[str, TensorInfo]) -> dict[str, TensorSummary]:
    return {
        name: TensorSummary(
            _ENCODINGS.get(info.WhichOneof("encoding") or "")
            or str(dtype_of(info.dtype) or _UNKNOWN_DTYPE),
            shape_of(info.tensor_shape),
        )
        for name, info in sorted(infos.items())
    }

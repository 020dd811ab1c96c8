"""The signatures in a version's `saved_model.pb` or `.pbtxt`, read without TensorFlow."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from lstm_sentiment.errors import ServableUnavailableError
from lstm_sentiment.first_bytes import it_is
from lstm_sentiment.protocol.saved_model_pb2 import SavedModel
from lstm_sentiment.protocol.signature_pb2 import SignatureDef
from lstm_sentiment.version_folder import GRAPH_TEXT, graph_file

SERVING_TAGS = frozenset({"serve"})
"""The tags of the graph that is served."""

_QUOTED = 200


def signature_defs(version_dir: Path) -> dict[str, SignatureDef]:
    """Reads the signatures of the graph for serving, or of the only graph.

    Args:
        version_dir: The version's folder.

    Returns:
        The messages by key, sorted; a graph's init op, `__saved_model_init_op`, is one of them.

    Raises:
        ServableUnavailableError: If the file is damaged or cannot be read, or holds several
            graphs, none of which is for serving.
    """
    # Parsed anew: a message of a graph would keep the whole graph in memory.
    return {
        key: SignatureDef.FromString(definition.SerializeToString())
        for key, definition in sorted(graph_for_serving(version_dir).signature_def.items())
    }


def graph_for_serving(version_dir: Path, message: Any = SavedModel) -> Any:
    """Reads the graph for serving, or the only graph.

    Args:
        version_dir: The version's folder.
        message: Parses the file, with the fields of `SavedModel` at least.

    Returns:
        The `MetaGraphDef` of `message`.

    Raises:
        ServableUnavailableError: As `signature_defs`.
    """
    graphs = all_graphs(version_dir, message)
    for_serving = [graph for graph in graphs if set(graph.meta_info_def.tags) == SERVING_TAGS]
    if not for_serving and len(graphs) != 1:
        tags = "; ".join(",".join(graph.meta_info_def.tags) for graph in graphs) or "no graph"
        raise ServableUnavailableError(
            f"{graph_file(version_dir)}: must hold one graph, or one with the tag 'serve'. "
            f"Received: {tags}."
        )
    return (for_serving or graphs)[0]


def all_graphs(version_dir: Path, message: Any = SavedModel) -> Sequence[Any]:
    """Reads all graphs of a version, each with other tags.

    Args:
        version_dir: The version's folder.
        message: Parses the file, as in `graph_for_serving`.

    Returns:
        The `MetaGraphDef`s of `message`, possibly none.

    Raises:
        ServableUnavailableError: If the file is damaged or cannot be read.
    """
    path = graph_file(version_dir)
    try:
        content = path.read_bytes()
        graphs: Sequence[Any] = _parsed(
            content, message, is_text=path.name == GRAPH_TEXT.name
        ).meta_graphs
    except OSError as error:
        raise ServableUnavailableError(f"{path}: cannot be read: {error.strerror}.") from error
    except (DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        raise ServableUnavailableError(
            f"{path}: must be a SavedModel. Received: {' '.join(str(error).split())[:_QUOTED]}."
            f"{it_is(path)}"
        ) from error
    return graphs


def _parsed(content: bytes, message: Any, *, is_text: bool) -> Any:
    if not is_text:
        return message.FromString(content)
    # What `message` leaves out of `SavedModel` is passed over, as in the other form.
    return text_format.Parse(content.decode(), message(), allow_unknown_field=True)

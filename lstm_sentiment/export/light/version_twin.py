"""The light twin of a version that was exported without one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorflow.core.protobuf import saved_model_pb2

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.export.light.graph import MAX_BYTES, network_bytes
from lstm_sentiment.export.light.tokenizer_files import write_tokenizer
from lstm_sentiment.export.light.twin import write_light_twin
from lstm_sentiment.export.trained_version import load_card, load_model, reading_version
from lstm_sentiment.light_twin.description import SENTENCEPIECE_MODEL
from lstm_sentiment.text.tokenizer import Tokenizer, UnigramTokenizer, make_tokenizer
from lstm_sentiment.text.vocabulary import Vocabulary
from lstm_sentiment.version_folder import GRAPH, VOCABULARY

_SENTENCEPIECE_OP = "SentencepieceOp"


def write_twin_of_version(version_dir: Path, folder: Path) -> None:
    """Fills the folder of a light twin from a version's own files.

    Args:
        version_dir: The version's folder.
        folder: An empty folder.

    Raises:
        InvalidInputError: If the version lacks what the twin needs.
        OSError: If a file cannot be written.
    """
    with reading_version(version_dir):
        card = load_card(version_dir)
        model = load_model(version_dir, card)
        tokenizer = _tokenizer(version_dir, card)
        temperature = float(card.get("temperature", 1.0))
        pieces = (
            _sentencepiece_model(version_dir) if isinstance(tokenizer, UnigramTokenizer) else None
        )
    if network_bytes(model) > MAX_BYTES:
        raise InvalidInputError(
            f"{version_dir}: the weights of a light twin must have at most {MAX_BYTES:,} bytes. "
            f"Received: {network_bytes(model):,}."
        )
    options = write_tokenizer(tokenizer, folder)
    if pieces is not None:
        # A version does not hold the words of its dictionary, but the model that was made of them.
        (folder / SENTENCEPIECE_MODEL).write_bytes(pieces)
    write_light_twin(folder, version_dir, model, options, temperature)


def _tokenizer(version_dir: Path, card: Mapping[str, Any]) -> Tokenizer:
    options = dict(card["tokenizer_options"])
    options.pop("word_counts", None)
    return make_tokenizer(card["tokenizer"], Vocabulary.load(version_dir / VOCABULARY), **options)


def _sentencepiece_model(version_dir: Path) -> bytes:
    """Returns the serialized model that the version's graph holds."""
    saved_model = saved_model_pb2.SavedModel.FromString((version_dir / GRAPH).read_bytes())
    for meta_graph in saved_model.meta_graphs:
        functions = meta_graph.graph_def.library.function
        nodes = (node for function in functions for node in function.node_def)
        for node in (*meta_graph.graph_def.node, *nodes):
            if node.op == _SENTENCEPIECE_OP:
                return bytes(node.attr["model"].s)
    raise InvalidInputError(f"{version_dir / GRAPH}: must hold a {_SENTENCEPIECE_OP}.")

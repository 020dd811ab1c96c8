"""The tokenizer of a version, from the version's own files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorflow.core.protobuf import saved_model_pb2

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.sentencepiece_model import SentencePieceModel
from lstm_sentiment.text.tokenizer import Tokenizer, UnigramTokenizer, make_tokenizer
from lstm_sentiment.text.vocabulary import Vocabulary
from lstm_sentiment.version_folder import GRAPH, VOCABULARY

_SENTENCEPIECE_OP = "SentencepieceOp"


def load_tokenizer(version_dir: Path, card: Mapping[str, Any]) -> Tokenizer:
    """Loads the tokenizer that a version was trained with.

    A version does not hold the words of its dictionary, but the model that was made of them.

    Args:
        version_dir: The version's folder.
        card: The version's card.

    Raises:
        Exception: One of those that `reading_version` reports, if a file is damaged or another
            release wrote the version.
    """
    options = dict(card["tokenizer_options"])
    options.pop("word_counts", None)
    vocabulary = Vocabulary.load(version_dir / VOCABULARY)
    tokenizer = make_tokenizer(card["tokenizer"], vocabulary, **options)
    if isinstance(tokenizer, UnigramTokenizer):
        tokenizer.sentencepiece = SentencePieceModel.restored(
            _sentencepiece_model(version_dir), len(vocabulary)
        )
    return tokenizer


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

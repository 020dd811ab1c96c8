"""The files of a version from which its texts are tokenized without TensorFlow."""

from pathlib import Path

from lstm_sentiment.export.light.unicode_tables import compute_unicode_tables
from lstm_sentiment.light_twin.description import SENTENCEPIECE_MODEL, UNICODE_TABLES
from lstm_sentiment.text.tokenizer import Tokenizer, UnigramTokenizer


def write_tokenizer(tokenizer: Tokenizer, folder: Path) -> dict[str, str]:
    """Writes the files that `serving.light.tokenizer.load_tokenizer` reads, besides the vocabulary.

    Args:
        tokenizer: The tokenizer that the model was trained with.
        folder: Existing folder of the version's light twin.

    Returns:
        `kind`, `normalization` and `unknown` of the tokenizer.
    """
    compute_unicode_tables().save(folder / UNICODE_TABLES)
    options = {"kind": tokenizer.kind, "normalization": tokenizer.normalization, "unknown": "run"}
    if isinstance(tokenizer, UnigramTokenizer):
        (folder / SENTENCEPIECE_MODEL).write_bytes(tokenizer.sentencepiece.serialized)
        options["unknown"] = tokenizer.unknown
    return options

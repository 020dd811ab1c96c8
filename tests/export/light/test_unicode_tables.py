import dataclasses
import unicodedata
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow_text import normalize_utf8

from lstm_sentiment import InvalidInputError
from lstm_sentiment.export.light.unicode_tables import compute_unicode_tables
from lstm_sentiment.light_twin.unicode_tables import UnicodeTables
from lstm_sentiment.serving.errors import LightEngineRefusedError
from lstm_sentiment.serving.light.tokenization.normalization import Normalizer
from tests.serving.light.light_tokenizers import ALL_CHARACTERS

TABLES = compute_unicode_tables()


def older_characters() -> list[str]:
    newer = {code for first, last in TABLES.newer for code in range(first, last + 1)}
    return [character for character in ALL_CHARACTERS if ord(character) not in newer]


def test_python_agrees_with_the_ops_on_all_but_the_newer_characters() -> None:
    """What fails here when TensorFlow learns a version of Unicode that the oldest Python lacks."""
    older = older_characters()
    assert not any(unicodedata.category(character) == "Cn" for character in older)
    batch = tf.constant(older[1:])  # without NUL, at which `tf.strings.lower` ends
    for form in ("NFC", "NFKC", "NFD", "NFKD"):
        by_python = [unicodedata.normalize(form, c).encode() for c in older[1:]]
        assert normalize_utf8(batch, form).numpy().tolist() == by_python
    lowered = tf.strings.lower(batch, encoding="utf-8").numpy().tolist()
    assert lowered == [character.lower().encode() for character in older[1:]]


def test_tables_survive_saving_and_loading(tmp_path: Path) -> None:
    TABLES.save(tmp_path / "unicode.json")
    assert UnicodeTables.load(tmp_path / "unicode.json") == TABLES


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"spaces": 1}', b"\xff"])
def test_a_file_of_something_else_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "unicode.json"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=r"unicode\.json: must hold the Unicode tables"):
        UnicodeTables.load(path)


def test_a_python_that_knows_less_than_tensorflow_is_refused() -> None:
    unassigned = 0x0378
    known = dataclasses.replace(TABLES, newer=((unassigned + 1, unassigned + 1),))
    with pytest.raises(
        LightEngineRefusedError, match=r"Received: U\+0378, which is not in Unicode"
    ):
        Normalizer("nfkc", known)

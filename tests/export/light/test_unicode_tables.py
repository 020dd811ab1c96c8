import dataclasses
import json
import unicodedata
from dataclasses import asdict
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow_text import normalize_utf8

from lstm_sentiment import InvalidInputError
from lstm_sentiment.export.light import unicode_tables
from lstm_sentiment.export.light.unicode_tables import compute_unicode_tables
from lstm_sentiment.light_twin.unicode_tables import UnicodeTables
from lstm_sentiment.serving.errors import LightEngineRefusedError
from lstm_sentiment.serving.light.tokenization.normalization import Normalizer
from tests.serving.light.light_tokenizers import ALL_CHARACTERS

TABLES = compute_unicode_tables()


def older_characters() -> list[str]:
    newer = {code for first, last in TABLES.newer for code in range(first, last + 1)}
    return [character for character in ALL_CHARACTERS if ord(character) not in newer]


def test_what_the_oldest_python_lacks_is_newer_whatever_tensorflow_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """TensorFlow 2.21 knows Unicode 13, and 2.22 knows 16."""
    monkeypatch.setattr(unicode_tables, "_UNKNOWN_SCRIPT", -1)  # as if it knew all
    newer = compute_unicode_tables.__wrapped__().newer
    lacked = {code for first, last in newer for code in range(first, last + 1)}
    unassigned = {ord(c) for c in ALL_CHARACTERS if unicodedata.category(c) == "Cn"}
    assert unassigned | {0x0897} <= lacked  # U+0897 is of Unicode 16
    if unicodedata.unidata_version == "14.0.0":  # that of the oldest Python
        assert unassigned == lacked


def test_python_agrees_with_the_ops_on_all_but_the_newer_characters() -> None:
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


def test_tables_without_lower_case_are_read_as_earlier_releases_wrote_them(tmp_path: Path) -> None:
    path = tmp_path / "unicode.json"
    written = {name: value for name, value in asdict(TABLES).items() if name != "lowercase"}
    path.write_text(json.dumps(written), "utf-8")
    assert UnicodeTables.load(path) == dataclasses.replace(TABLES, lowercase={})


def test_a_python_that_knows_less_than_tensorflow_is_refused() -> None:
    unassigned = 0x0378
    known = dataclasses.replace(TABLES, newer=((unassigned + 1, unassigned + 1),))
    with pytest.raises(
        LightEngineRefusedError, match=r"Received: U\+0378, which is not in Unicode"
    ):
        Normalizer("nfkc", known)

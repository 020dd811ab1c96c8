from dataclasses import replace

import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.export.light.unicode_tables import compute_unicode_tables
from lstm_sentiment.light_twin.unicode_tables import CodePoints
from lstm_sentiment.serving.light.tokenization.letter_case import Lowercase

TABLES = compute_unicode_tables()
ONE: CodePoints = ((ord("1"), ord("1")),)


@given(st.text(st.sampled_from("ΑΣσςΌ1'’.:\u00ad\u02b0\u0345 İIẞǅ\ue000\ua7cb\U0001e08f")))
def test_lower_case_is_tensorflows(text: str) -> None:
    """Of the characters, U+A7CB and U+1E08F are newer, and U+E000 is for private use."""
    assert Lowercase(TABLES)(text).encode() == tf.strings.lower(text, encoding="utf-8").numpy()


def test_the_tables_decide_where_a_word_ends() -> None:
    assert Lowercase(TABLES)("ΑΣ1Α") == "ας1α"
    assert Lowercase(replace(TABLES, cased=(*ONE, *TABLES.cased)))("ΑΣ1") == "ασ1"
    ignorable = (*ONE, *TABLES.case_ignorable)
    assert Lowercase(replace(TABLES, case_ignorable=ignorable))("ΑΣ1Α") == "ασ1α"


def test_newer_characters_have_the_lower_case_of_the_tables() -> None:
    """In Unicode 16, U+A7DA is the capital of U+A7DB, and U+A7CB that of U+0264."""
    known = replace(TABLES, lowercase={"\ua7da": "\ua7db", "\ua7cb": "\u0264"})
    assert Lowercase(known)("AΑΣ \ua7da\ua7cb\ue000Z") == "aας \ua7db\u0264\ue000z"

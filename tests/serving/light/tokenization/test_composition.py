"""Texts are composed as Python composes them, where it knows all of their characters."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.export.light.unicode_tables import compute_unicode_tables
from lstm_sentiment.serving.light.tokenization.composition import Composition

# What is decomposed beforehand, what composes with it, and letters.
texts = st.text("，！：？；）（…～．－\u3000＝＜\u0338\u0307\u0301e\u00e9房间ﾊ\uff9e", max_size=12)


@pytest.fixture(scope="module")
def composition() -> Composition:
    return Composition("NFKC", compute_unicode_tables())


@given(text=texts)
def test_frequent_characters_compose_as_all_others(composition: Composition, text: str) -> None:
    assert composition(text) == unicodedata.normalize("NFKC", text)

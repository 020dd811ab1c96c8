import unicodedata

import pytest
import tensorflow as tf
from hypothesis import given

from lstm_sentiment.text.normalization import normalize_texts
from lstm_sentiment.unicode import replace_surrogates
from tests import strategies


def normalize(text: str, name: str) -> str:
    return str(normalize_texts(tf.constant([text]), name)[0].numpy().decode())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("none", "ＡＢＣ１２３，ｶﾞ…①ﬁ e\u0301"),
        ("width", "ABC123,ガ…①ﬁ é"),
        ("nfkc", "ABC123,ガ...1fi é"),
    ],
)
def test_what_counts_as_the_same(name: str, expected: str) -> None:
    assert normalize("ＡＢＣ１２３，ｶﾞ…①ﬁ e\u0301", name) == expected


@given(strategies.any_texts)
def test_width_forms_become_what_unicode_says_they_stand_for(text: str) -> None:
    text = replace_surrogates(text)
    kept = [
        unicodedata.normalize("NFKC", c)
        if unicodedata.decomposition(c).startswith(("<wide>", "<narrow>"))
        and 0xFF00 <= ord(c) < 0xFFF0
        and c != "\uffe3"  # FULLWIDTH MACRON, whose NFKC is a space and a mark
        else c
        for c in text
    ]
    expected = unicodedata.normalize("NFC", "".join(kept).replace("\uffe3", "\u00af"))
    assert normalize(text, "width") == normalize(expected, "none")


@given(strategies.any_texts)
def test_nfkc_is_pythons(text: str) -> None:
    text = replace_surrogates(text)
    if any(unicodedata.category(c) == "Cn" for c in text):
        return  # the two libraries may know different versions of Unicode
    assert normalize(text, "nfkc") == normalize(unicodedata.normalize("NFKC", text), "none")


@pytest.mark.parametrize("name", ["none", "width", "nfkc"])
@given(text=strategies.any_texts)
def test_a_normalized_text_stays_as_it_is(name: str, text: str) -> None:
    once = normalize(replace_surrogates(text), name)
    assert normalize(once, name) == once
    assert not any(c != " " and c.isspace() for c in once)

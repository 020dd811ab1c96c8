"""Words without a tokenizer, and the small set of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.drift.word_set import WordSet, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The room, the VIEW!", {"the", "room", "view"}),
        ("房间很干净", {"房间", "间很", "很干", "干净"}),
        ("好。WiFi不错", {"好", "wifi", "不错"}),
        ("ＡＢＣ", {"abc"}),
        ("한국어 호텔", {"한국어", "호텔"}),
        ("", set()),
        ("...", set()),
        ("x" * 100, {"x" * 40}),
    ],
)
def test_words_of_a_text(text: str, words: set[str]) -> None:
    assert words_of(text) == words


@given(st.text())
def test_words_do_not_depend_on_case(text: str) -> None:
    assert words_of(text.casefold()) == words_of(text.casefold().casefold())


@given(st.sets(st.text(min_size=1)))
def test_a_set_keeps_its_words_when_it_is_written_and_read(words: set[str]) -> None:
    kept = WordSet.from_base64(WordSet.of(words).to_base64())
    assert all(word in kept for word in words)


def test_few_other_words_are_taken_for_words_of_the_set() -> None:
    words = WordSet.of(f"known {number}" for number in range(3_000))
    assert sum(f"other {number}" in words for number in range(3_000)) < 60


@pytest.mark.parametrize("encoded", ["", "!", "AAA"])
def test_anything_else_is_refused(encoded: str) -> None:
    with pytest.raises(ValueError):
        WordSet.from_base64(encoded)

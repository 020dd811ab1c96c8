"""Which parts of a text are shaded, and whether their places are those of the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment import Corpus
from lstm_sentiment.labels.page.word_weights import word_spans
from tests.corpora import OPINIONS, hotel_like
from tests.strategies import any_texts

CORPUS = hotel_like(240)


def parts(text: str, label: str, other: str, corpus: Corpus = CORPUS) -> dict[str, float]:
    [spans] = word_spans(corpus, [(text, label, other)])
    return {text[start:end]: shade for start, end, shade in spans}


def test_words_of_the_label_speak_for_it_and_those_of_the_other_against_it() -> None:
    found = parts("房间很干净，前台很脏", "positive", "negative")
    shades = {word: shade for part, shade in found.items() for word in part}
    assert shades["净"] > 0.5
    assert shades["脏"] < -0.5
    swapped = parts("房间很干净，前台很脏", "negative", "positive")
    assert swapped.keys() == found.keys()
    assert max(map(abs, found.values())) == 1


def test_words_of_scripts_with_spaces_are_whole() -> None:
    rows = [(f"the room was dirty {n}", "bad") for n in range(20)]
    rows += [(f"the room was CLEAN {n}", "good") for n in range(20)]
    found = parts("What a Ｃｌｅａｎ room", "good", "bad", Corpus.from_rows(rows))
    assert found == {"Ｃｌｅａｎ": 1.0}


@given(
    texts=st.lists(any_texts | st.text("¼ｱa不 ﬁ'", max_size=9), min_size=1, max_size=3),
    data=st.data(),
)
def test_spans_lie_in_the_text_in_order(texts: list[str], data: st.DataObject) -> None:
    labels = data.draw(st.permutations([*OPINIONS]))
    rows = [(text, labels[0]) for text in texts]
    corpus = Corpus.from_rows(rows, [*OPINIONS])
    for (text, _), spans in zip(
        rows,
        word_spans(corpus, [(text, labels[1], label) for text, label in rows]),
        strict=True,
    ):
        ends = [0]
        for start, end, shade in spans:
            assert ends[-1] <= start < end <= len(text)
            assert 0.3 <= abs(shade) <= 1
            ends.append(end)


@pytest.mark.parametrize("text", ["", "！！", " "])
def test_a_text_without_words_has_no_shades(text: str) -> None:
    assert parts(text, "positive", "negative") == {}

"""Facts of labelled texts."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.report.analysis.corpus_facts import Lengths, corpus_facts
from lstm_sentiment.text.corpus.corpus import Corpus


def test_duplicates_and_contradictions_are_counted() -> None:
    rows = [
        ("很好", "1"),
        ("很好", "1"),
        ("很好！", "1"),
        ("很 好", "0"),
        ("差", "0"),
        ("差", "1"),
        ("另一条", "0"),
    ]
    facts = corpus_facts(Corpus.from_rows(rows))
    assert (facts.texts, facts.classes) == (7, {"0": 3, "1": 4})
    assert (facts.exact_duplicates, facts.near_duplicates, facts.contradictory) == (2, 2, 2)
    assert facts.largest_class == ("1", 4)
    assert facts.characters == Lengths(shortest=1, median=2, long=3, longest=3)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=100))
def test_lengths_are_those_of_texts(lengths: list[int]) -> None:
    found = Lengths.of(np.array(lengths))
    assert (found.shortest, found.longest) == (min(lengths), max(lengths))
    assert {found.median, found.long} <= set(lengths)
    assert sum(length <= found.median for length in lengths) * 2 >= len(lengths)
    assert sum(length <= found.long for length in lengths) >= 0.95 * len(lengths)

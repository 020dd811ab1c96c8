"""A corpus with wrong labels planted in it."""

import random
from collections.abc import Mapping

from lstm_sentiment.text.corpus.corpus import Corpus
from tests.corpora import hotel_like, rows_of


def with_wrong_labels(size: int = 240, wrong: int = 12) -> tuple[Corpus, Mapping[int, str]]:
    """Returns texts of three classes, and the right label of each wrong row, from 1."""
    rows = rows_of(hotel_like(size))
    names = sorted({label for _, label in rows})
    generator = random.Random(0)
    planted = {}
    for place in generator.sample(range(len(rows)), wrong):
        text, label = rows[place]
        planted[place + 1] = label
        rows[place] = text, generator.choice([name for name in names if name != label])
    return Corpus.from_rows(rows), planted

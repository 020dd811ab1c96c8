"""The texts that benchmarks ask for."""

import random
from pathlib import Path

from lstm_sentiment.text.corpus.demo import load_demo_corpus
from lstm_sentiment.text.corpus.reading import read_texts


def shuffled_texts(data: Path | None, text_column: str, *, seed: int = 0) -> list[str]:
    """Returns the texts of a file, in an order drawn at random.

    Args:
        data: The file; `None` for the demo corpus.
        text_column: Its column with the texts.
        seed: Of the order.
    """
    texts = (
        list(load_demo_corpus().drop_empty().texts)
        if data is None
        else read_texts(data, text_column=text_column)
    )
    random.Random(seed).shuffle(texts)
    return texts

"""Texts made of the demo corpus by recombining its sentences."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from lstm_sentiment.system import write_whole
from lstm_sentiment.text.corpus.demo import load_demo_corpus

_SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?；;]*")
_FEWEST_CHARACTERS = 4
_TEXTS_AT_ONCE = 2_000


def sentences_by_label() -> Mapping[str, Sequence[str]]:
    """Returns the different sentences of each class, those of four characters and more."""
    corpus = load_demo_corpus().drop_duplicates()
    found: dict[str, dict[str, None]] = {name: {} for name in corpus.label_names}
    for text, label in zip(corpus.texts, corpus.labels, strict=True):
        for sentence in _SENTENCE.findall(text):
            if len(sentence.strip()) >= _FEWEST_CHARACTERS:
                found[corpus.label_names[label]][sentence.strip()] = None
    return {name: tuple(sentences) for name, sentences in found.items()}


def recombined(
    pools: Mapping[str, Sequence[str]], fewest: int, most: int, *, seed: int
) -> Iterator[tuple[str, str]]:
    """Yields texts and labels without an end, the classes in random order.

    Args:
        pools: The sentences of each class; those of a text are drawn from its class.
        fewest: Sentences of the shortest text.
        most: Sentences of the longest text.
        seed: The same seed makes the same texts.
    """
    generator = np.random.default_rng(seed)
    names = tuple(pools)
    while True:
        counts = generator.integers(fewest, most + 1, _TEXTS_AT_ONCE)
        labels = generator.integers(0, len(names), _TEXTS_AT_ONCE)
        for count, label in zip(counts.tolist(), labels.tolist(), strict=True):
            pool = pools[names[label]]
            places = generator.integers(0, len(pool), count)
            yield "".join([pool[place] for place in places.tolist()]), names[label]


def write_shards(
    folder: Path, texts: Iterator[tuple[str, str]], *, shards: int, rows_a_shard: int
) -> int:
    """Writes `.csv` files of the columns `text` and `label`; returns their bytes.

    Shards that exist are replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return sum(
        _write_shard(folder / f"reviews-{number:02}.csv", texts, rows_a_shard)
        for number in range(shards)
    )


def _write_shard(path: Path, texts: Iterator[tuple[str, str]], rows: int) -> int:
    with write_whole(path) as file:
        written = file.write(b"text,label\n")
        for _ in range(rows):
            written += file.write(_row(next(texts)).encode())
    return written


def _row(fields: Sequence[str]) -> str:
    return ",".join('"' + field.replace('"', '""') + '"' for field in fields) + "\n"

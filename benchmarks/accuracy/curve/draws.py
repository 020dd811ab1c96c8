"""Labelled sets, their fixed test parts, and nested draws of a few labelled texts each."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

import lstm_sentiment as ls
from lstm_sentiment.text.corpus.near_duplicates import text_key

_TEST_SHARE = 0.2
_LEAST_PER_CLASS = 2  # one to learn from and one for the dev part, which the product demands
_COLUMNS = ("text", "label")


@dataclass(frozen=True)
class LabelledSet:
    """A labelled set and the folder for the files that are dealt from it.

    Attributes:
        name: Name of the set in results and tables.
        data: Its files or folders, as `fit --data`.
        text_column: Column of the texts.
        label_column: Column of the labels.
        folder: Receives the test part and the draws.
    """

    name: str
    data: tuple[Path, ...]
    text_column: str
    label_column: str
    folder: Path

    @cached_property
    def parts(self) -> tuple[ls.Corpus, ls.Corpus]:
        """The texts to draw from and the test part: 20 % of each class, dealt with seed 0.

        Empty and contradictory texts and all but the first of exact and near duplicates are
        dropped before.
        """
        corpus = ls.read_corpus(
            self.data, text_column=self.text_column, label_column=self.label_column
        )
        distinct = without_near_duplicates(corpus.drop_empty().drop_duplicates())
        rest, _, test = distinct.split(seed=0, dev_fraction=0.0, test_fraction=_TEST_SHARE)
        return rest, test

    def test_file(self) -> Path:
        """The test part as a `.csv` file."""
        return self._written("test.csv", self.parts[1])

    def draw_file(self, size: int, draw: int) -> Path:
        """The first `size` texts of one draw as a `.csv` file."""
        return self._written(f"{size}-{draw}.csv", self.drawn(size, draw))

    def unlabelled_file(self, size: int, draw: int) -> Path:
        """The texts that neither the draw nor the test part holds, without labels, as `.csv`."""
        rest = self.parts[0]
        order = drawing_order(rest, draw)
        return self._written(f"unlabelled-{size}-{draw}.csv", rest.select(order[size:]), labels=0)

    def drawn(self, size: int, draw: int) -> ls.Corpus:
        """The first `size` texts of one draw.

        Raises:
            ls.InvalidInputError: If there are fewer texts.
        """
        rest = self.parts[0]
        if size > len(rest):
            raise ls.InvalidInputError(
                f"`size` must be at most the {len(rest):,} texts outside the test part of "
                f"{self.name!r}. Received: {size:,}."
            )
        return rest.select(drawing_order(rest, draw)[:size])

    def _written(self, name: str, corpus: ls.Corpus, *, labels: int = 1) -> Path:
        path = self.folder / self.name / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(".unfinished")
            with unfinished.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, quoting=csv.QUOTE_ALL)
                writer.writerow(_COLUMNS[: 1 + labels])
                for text, label in zip(corpus.texts, corpus.labels, strict=True):
                    writer.writerow((text, corpus.label_names[label])[: 1 + labels])
            unfinished.rename(path)
        return path


def without_near_duplicates(corpus: ls.Corpus) -> ls.Corpus:
    """Returns the corpus with the first of each group of near duplicates."""
    first: dict[str, int] = {}
    for position, text in enumerate(corpus.texts):
        first.setdefault(text_key(text), position)
    return corpus.select(sorted(first.values()))


def drawing_order(corpus: ls.Corpus, draw: int) -> Sequence[int]:
    """Returns the positions of a corpus in the order in which one draw takes them.

    The first texts of the order are a stratified sample, however many are taken, and each sample
    holds the smaller ones. The order begins with two texts of each class.
    """
    generator = np.random.default_rng(draw)
    labels = np.asarray(corpus.labels)
    places = np.empty(len(corpus))
    for label in range(len(corpus.label_names)):
        members = generator.permutation(np.flatnonzero(labels == label))
        places[members] = (np.arange(len(members)) + 0.5) / len(members)
        places[members[:_LEAST_PER_CLASS]] -= 1
    order: list[int] = np.argsort(places, kind="stable").tolist()
    return order

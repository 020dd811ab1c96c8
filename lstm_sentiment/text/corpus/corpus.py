"""Labelled texts: removing duplicates, splitting."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.checks import did_you_mean, one_of
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import Advance, ignore
from lstm_sentiment.text.bad_rows import BadRows
from lstm_sentiment.text.corpus.duplicates import (
    are_in,
    are_new,
    distinct,
    exact_digests,
    first_of_each,
    sort_by_digest,
)
from lstm_sentiment.text.corpus.file_texts import taken
from lstm_sentiment.text.corpus.known_digests import NONE_KNOWN, KnownDigests
from lstm_sentiment.text.corpus.label_names import label_ids
from lstm_sentiment.text.corpus.near_duplicates import near_digests
from lstm_sentiment.text.corpus.python_values import (
    column_of,
    labels_of,
    texts_of,
    without_missing,
)
from lstm_sentiment.text.corpus.tables.cells import clean_text

Row = tuple[str, str]
"""A text and the name of its label."""

_MOST_SHOWN = 12
_DIGESTS = ("exact_digests", "near_digests")


@dataclass(frozen=True)
class Corpus:
    """Texts and their labels, in the order in which they were read.

    The digests of the texts are computed at first use and kept. Parts taken later share them.

    Attributes:
        texts: Strings without surrounding whitespace: a tuple, or `FileTexts` after `open_corpus`.
        labels: Positions in `label_names`, one for each text: a tuple, or an array of 4-byte
            integers beside `FileTexts`.
        label_names: The classes in id order: whole numbers by value, then names alphabetically.
    """

    texts: Sequence[str]
    labels: Sequence[int]
    label_names: tuple[str, ...]

    def __repr__(self) -> str:
        """Returns the number of texts of each class, and no text."""
        counts = self.class_counts()
        shown = ", ".join(f"{name!r}: {counts[name]}" for name in self.label_names[:_MOST_SHOWN])
        more = ", ..." if len(self.label_names) > _MOST_SHOWN else ""
        return f"Corpus({len(self)} texts; {shown}{more})"

    @classmethod
    def from_rows(
        cls, rows: Iterable[tuple[Any, Any]], label_names: Sequence[str] | None = None
    ) -> "Corpus":
        """Makes a corpus from pairs of a text and its label.

        Args:
            rows: `(text, label)` pairs. A label of any type is named by its `str`. `1` and `1.0`
                are one class, `1`; so are `true` and `True` where all labels are booleans.
            label_names: The classes in id order. `None` takes the names that occur.

        Raises:
            InvalidInputError: If a label is not among `label_names`, or a text or a label is
                missing; the message has the number of the first such row, counted from 0.
        """
        rows = list(rows)
        if not all(type(value) is str for row in rows for value in row):
            texts, labels = texts_of([text for text, _ in rows]), labels_of([x for _, x in rows])
            rows = list(zip(texts, labels, strict=True))
        names, ids = label_ids({label for _, label in rows}, label_names)
        cleaned = tuple(clean_text(text) for text, _ in rows)
        return cls(cleaned, tuple(ids[label] for _, label in rows), names)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        text: str = "text",
        label: str = "label",
        label_names: Sequence[str] | None = None,
        bad_rows: BadRows = "refuse",
    ) -> "Corpus":
        """Makes a corpus from two columns of a table.

            Corpus.from_frame(pandas.read_excel("reviews.xlsx"), text="review", label="stars")

        Args:
            frame: A pandas or Polars frame, an Arrow table or record batch, a Hugging Face dataset
                (one split of it), or a mapping of columns.
            text: Column of the texts. Empty texts stay: see `drop_empty`.
            label: Column of the labels, of any type: a label's name is its `str`. Labels of Hugging
                Face's `ClassLabel` have their names.
            label_names: As in `from_rows`.
            bad_rows: `refuse` raises for rows without a text or a label; `skip` leaves them out.

        Raises:
            InvalidInputError: If a column is missing, or a row lacks its text or label; the message
                has the number of the first such row, counted from 0.
        """
        one_of(get_args(BadRows), bad_rows=bad_rows)
        columns = [column_of(frame, text), column_of(frame, label)]
        if bad_rows == "skip":
            columns = without_missing(columns)
        texts = texts_of(columns[0], text)
        return cls.from_rows(
            list(zip(texts, labels_of(columns[1], label), strict=True)), label_names
        )

    def __eq__(self, other: object) -> bool:
        """Compares texts, labels and classes, not whether the texts are in memory or in files."""
        if not isinstance(other, Corpus):
            return NotImplemented
        return (
            self.label_names == other.label_names
            and np.array_equal(self.labels, other.labels)
            and self.texts == other.texts
        )

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.texts)

    @cached_property
    def exact_digests(self) -> NDArray[np.uint64]:
        """`exact_digest` of each text as a little-endian number, `(texts,)`."""
        return exact_digests(self.texts)

    @cached_property
    def near_digests(self) -> NDArray[np.uint64]:
        """`near_digests` of the texts, `(texts,)`: near duplicates have the same digest."""
        return near_digests(self.texts)

    def compute_near_digests(
        self, advance: Advance = ignore, known: KnownDigests = NONE_KNOWN
    ) -> None:
        """Computes `near_digests` now, if that was not done yet.

        Args:
            advance: Called with the number of texts done since the last call.
            known: Digests that need not be computed.
        """
        if "near_digests" not in self.__dict__:
            found = known.near_digests(self.texts, self.exact_digests, advance)
            self.__dict__["near_digests"] = found

    def class_counts(self) -> dict[str, int]:
        """Counts the texts of each class, in id order."""
        counts = Counter(self.labels)
        return {name: counts[label] for label, name in enumerate(self.label_names)}

    def fingerprint(self) -> dict[str, Any]:
        """Returns the number of `texts` and the `sha256` of classes, labels and text digests."""
        digest = hashlib.sha256(json.dumps(self.label_names).encode())
        digest.update(np.asarray(self.labels, "<i8").data)
        digest.update(self.exact_digests.astype("<u8").data)
        return {"texts": len(self), "sha256": digest.hexdigest()}

    def select(self, indices: Sequence[int] | NDArray[np.int64]) -> "Corpus":
        """Returns the texts at `indices`, in that order, with the same `label_names`."""
        part = Corpus(taken(self.texts, indices), taken(self.labels, indices), self.label_names)
        positions = np.asarray(indices, np.int64)
        for name in _DIGESTS:
            if name in self.__dict__:
                part.__dict__[name] = self.__dict__[name][positions]
        return part

    def with_labels(self, labels: Sequence[int], label_names: tuple[str, ...]) -> "Corpus":
        """Returns the same texts with other labels, which are positions in `label_names`."""
        other = Corpus(self.texts, labels, label_names)
        for name in _DIGESTS:
            if name in self.__dict__:
                other.__dict__[name] = self.__dict__[name]
        return other

    def drop_empty(self) -> "Corpus":
        """Removes the texts that hold nothing but whitespace."""
        return self.drop_texts([""])

    def drop_texts(self, texts: Iterable[str]) -> "Corpus":
        """Removes each text that is, to the character, one of `texts`."""
        return self._kept(~are_in(self.exact_digests, distinct(exact_digests(texts))))

    def drop_contradictions(self) -> "Corpus":
        """Removes the texts that occur under more than one label."""
        order, first = sort_by_digest(self.exact_digests)
        other_label = ~first & are_new(np.asarray(self.labels)[order])
        if not other_label.any():
            return self
        # Same texts share a number; a number with two labels loses all its texts.
        number: NDArray[np.int64] = np.cumsum(first)
        kept = np.empty(len(self), np.bool_)
        kept[order] = ~are_in(number, np.unique(number[other_label]))
        return self._kept(kept)

    def drop_duplicates(self) -> "Corpus":
        """Removes contradictions, and each text that occurs before."""
        consistent = self.drop_contradictions()
        kept = np.zeros(len(consistent), np.bool_)
        kept[first_of_each(consistent.exact_digests)] = True
        return consistent._kept(kept)

    def _kept(self, kept: NDArray[np.bool_]) -> "Corpus":
        return self if kept.all() else self.select(np.flatnonzero(kept))

    def split(
        self, *, seed: int = 0, dev_fraction: float = 0.1, test_fraction: float = 0.1
    ) -> tuple["Corpus", "Corpus", "Corpus"]:
        """Splits the texts into train, dev and test sets, stratified by class.

        Args:
            seed: The same seed makes the same split.
            dev_fraction: Share of each class in the dev set, from 0 to below 1; above 0, at least
                one text of each class.
            test_fraction: As `dev_fraction`, of the test set.

        Returns:
            Train, dev and test set, each in shuffled order.

        Raises:
            InvalidInputError: If there are fewer than two classes, the fractions leave nothing to
                train on, or a class has fewer texts than the split has parts.
        """
        if min(dev_fraction, test_fraction) < 0 or dev_fraction + test_fraction >= 1:
            raise InvalidInputError(
                "`dev_fraction` and `test_fraction` must not be negative and must sum to less "
                f"than 1. Received: dev_fraction={dev_fraction}, test_fraction={test_fraction}."
            )
        self.require_classes()
        parts = 1 + (dev_fraction > 0) + (test_fraction > 0)
        self._require_texts_of_each_class(parts)
        labels = np.asarray(self.labels)
        generator = np.random.default_rng(seed)
        dealt: tuple[list[NDArray[np.int64]], ...] = ([], [], [])
        for label, count in enumerate(self.class_counts().values()):
            members = generator.permutation(np.flatnonzero(labels == label))
            dev, test = (
                max(1, round(count * fraction)) if fraction > 0 else 0
                for fraction in (dev_fraction, test_fraction)
            )
            dealt[0].append(members[dev + test :])
            dealt[1].append(members[:dev])
            dealt[2].append(members[dev : dev + test])
        train, dev_part, test_part = (
            self.select(generator.permutation(np.concatenate(part))) for part in dealt
        )
        return train, dev_part, test_part

    def require_classes(self) -> None:
        """Raises `InvalidInputError` if fewer than two classes have a text."""
        present = [name for name, count in self.class_counts().items() if count]
        if len(present) < 2:
            received = f"only {present[0]!r}" if present else "none"
            raise InvalidInputError(
                f"A corpus needs texts of at least two classes. Received: {received}, "
                f"in {len(self):,} text{'s' * (len(self) != 1)}."
            )

    def _require_texts_of_each_class(self, parts: int) -> None:
        counts = self.class_counts()
        small = [name for name, count in counts.items() if count < parts]
        if small:
            first, *others = small
            more = f", and {len(others):,} more such" if others else ""
            meant = did_you_mean(first, (name for name in counts if name not in small))
            raise InvalidInputError(
                f"Each class needs at least {parts} different texts, one for each part of the "
                f"split. Received: class {first!r} with {counts[first]}{more}.{meant}"
            )

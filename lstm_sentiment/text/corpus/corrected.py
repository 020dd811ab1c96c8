"""Applies corrections to labelled texts, in memory or in files."""

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.checks import did_you_mean
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.corrections import (
    DROP,
    Correction,
    Corrections,
    text_digest,
    unguarded,
)
from lstm_sentiment.text.corpus.duplicates import are_in
from lstm_sentiment.text.corpus.label_names import known_names, label_ids
from lstm_sentiment.text.corpus.near_duplicates import text_key

# Spreadsheets cut long cells.
_COMPARED_CHARACTERS = 1_000
_SHOWN_CHARACTERS = 40


@dataclass(frozen=True)
class Corrected:
    """What corrections did to a corpus, or to several.

    Attributes:
        matched: Which corrections found a text, `(corrections,)`.
        changed: Number of texts by their former and their new label.
        dropped: Number of texts left out.
        kept: Number of texts whose label a correction confirms.
    """

    matched: NDArray[np.bool_]
    changed: Mapping[tuple[str, str], int] = field(default_factory=dict)
    dropped: int = 0
    kept: int = 0

    def __add__(self, other: "Corrected") -> "Corrected":
        """Sums what the same corrections did to two corpora."""
        return Corrected(
            self.matched | other.matched,
            Counter(self.changed) + Counter(other.changed),
            self.dropped + other.dropped,
            self.kept + other.kept,
        )

    def summary(self) -> str:
        """Words the numbers in a sentence."""
        changes = sum(self.changed.values())
        listed = "; ".join(
            f"{former} to {label} {count:,}"
            for (former, label), count in sorted(
                self.changed.items(), key=lambda change: (-change[1], change[0])
            )
        )
        unmatched = int((~self.matched).sum())
        return (
            f"Corrections: {_counted(changes, 'label')} changed{f' ({listed})' if listed else ''}, "
            f"{_counted(self.dropped, 'text')} dropped, {self.kept:,} kept as labelled"
            + (f"; {unmatched:,} of {len(self.matched):,} match no text" if unmatched else "")
        )


def apply_corrections(
    corpus: Corpus, corrections: Corrections, label_names: Sequence[str] | None = None
) -> tuple[Corpus, Corrected]:
    """Applies corrections to all texts with their digests; the corpus itself stays as it is.

    Args:
        corpus: Labelled texts, with their duplicates.
        corrections: What is to be corrected. Those of other texts change nothing.
        label_names: The classes of the result in id order, among which its labels must be. `None`
            takes the labels that occur then, and a correction may only name labels of `corpus`.

    Returns:
        The corrected corpus, and what was done.

    Raises:
        InvalidInputError: If a label is unknown, or a correction shows another text than that of
            its digest.
    """
    if label_names is None:
        _check_labels(corrections, corpus.label_names)
    rows = _spelled_as(corpus.label_names, corrections.rows)
    names = tuple(dict.fromkeys([*corpus.label_names, *(row.label for row in rows if row.label)]))
    positions = np.flatnonzero(are_in(corpus.exact_digests, corrections.digests))
    numbers = np.searchsorted(corrections.digests, corpus.exact_digests[positions])
    labels = np.array(corpus.labels, np.int32)
    kept = np.ones(len(corpus), np.bool_)
    changed: Counter[tuple[str, str]] = Counter()
    for position, number in zip(positions.tolist(), numbers.tolist(), strict=True):
        row, former = rows[number], names[labels[position]]
        _check_text(row, corpus.texts, position)
        if row.action == DROP:
            kept[position] = False
        elif row.label and row.label != former:
            labels[position] = names.index(row.label)
            changed[former, row.label] += 1
    matched = np.zeros(len(rows), np.bool_)
    matched[numbers] = True
    dropped = len(corpus) - int(kept.sum())
    done = Corrected(matched, changed, dropped, len(positions) - dropped - changed.total())
    part = corpus.select(np.flatnonzero(kept))
    return _relabelled(part, labels[kept], names, label_names), done


def _relabelled(
    corpus: Corpus,
    ids: NDArray[np.int32],
    names: tuple[str, ...],
    label_names: Sequence[str] | None,
) -> Corpus:
    """Returns the texts with the labels `names[ids]`, which get the ids of the classes in use."""
    occurring = np.unique(ids)
    order, ids_of_names = label_ids([names[label] for label in occurring], label_names)
    new_ids = np.zeros(len(names), np.int32)
    new_ids[occurring] = [ids_of_names[names[label]] for label in occurring]
    labels = new_ids[ids]
    in_files = isinstance(corpus.labels, array)
    return corpus.with_labels(
        array("i", labels.tobytes()) if in_files else tuple(labels.tolist()), order
    )


def _spelled_as(names: Sequence[str], rows: Sequence[Correction]) -> list[Correction]:
    """Returns corrections with labels spelled as the classes: a spreadsheet writes TRUE."""
    known = known_names({row.label for row in rows}, names)
    return [replace(row, label=known.get(row.label, row.label)) for row in rows]


def _check_labels(corrections: Corrections, names: Sequence[str]) -> None:
    known = known_names({row.label for row in corrections.rows}, names)
    for row in corrections.rows:
        if row.label and row.label not in known:
            raise InvalidInputError(
                f"{row.place}: the label must be one of the texts' labels: {', '.join(names)}. "
                f"Received: {row.label!r}.{did_you_mean(row.label, names)}"
            )


def _check_text(row: Correction, texts: Sequence[str], position: int) -> None:
    """Checks that a row shows the text of its digest, but for what spreadsheets change."""
    if not row.text or row.digest in (text_digest(row.text), text_digest(unguarded(row.text))):
        return
    text = texts[position]
    key, shown = (text_key(each[:_COMPARED_CHARACTERS]) for each in (text, row.text))
    if key[: len(shown)] != shown:
        raise InvalidInputError(
            f"{row.place}: a row must show the text of its digest, {_cut(text)}. "
            f"Received: {_cut(row.text)}."
        )


def _cut(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}...")


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"

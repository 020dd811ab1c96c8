"""The texts of a pool that can be chosen: those without a label, each once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.corpus.duplicates import are_in, distinct, exact_digests, first_of_each
from lstm_sentiment.text.corpus.file_texts import FileTexts, taken
from lstm_sentiment.text.corpus.near_duplicates import near_digests
from lstm_sentiment.text.corpus.tables.cells import clean_text


@dataclass(frozen=True)
class PoolCounts:
    """Numbers of texts in a pool.

    Attributes:
        given: All texts.
        empty: Those that hold nothing but whitespace.
        repeated: Those that repeat an earlier one but for spaces, punctuation, letter case or
            character width.
        labelled: Those that have a label already, or differ from one that has in such ways alone.
        left: The others, which can be chosen.
    """

    given: int
    empty: int
    repeated: int
    labelled: int
    left: int

    def told(self) -> str:
        """Returns the numbers in one sentence, without zeros."""
        reasons = [
            f"{number:,} {reason}"
            for number, reason in (
                (self.labelled, "with a label"),
                (self.repeated, "repeated"),
                (self.empty, "empty"),
            )
            if number
        ]
        left_out = f"; left out: {', '.join(reasons)}" if reasons else ""
        return f"{self.left:,} of {self.given:,} texts can be chosen{left_out}"


@dataclass(frozen=True)
class Pool:
    """The texts that can be chosen.

    Attributes:
        texts: Different texts without surrounding whitespace: a tuple or `FileTexts`.
        positions: Their positions in the pool that was given, `(texts,)`, ascending.
        counts: How many texts there were, and why some were left out.
    """

    texts: Sequence[str]
    positions: NDArray[np.int64]
    counts: PoolCounts


def unlabelled_pool(
    texts: Sequence[str], labelled: Sequence[str], seen: NDArray[np.uint64] | None
) -> Pool:
    """Leaves out the texts that are empty, repeat another one, or have a label.

    Args:
        texts: The pool: a tuple or list, or `FileTexts`.
        labelled: Texts that have a label.
        seen: `near_digests` of other texts that have one; `None` for none.

    Raises:
        InvalidInputError: If `texts` is one string.
    """
    if isinstance(texts, str):
        raise InvalidInputError(f"`pool` must be a list of texts. Received: {texts!r}.")
    if not isinstance(texts, FileTexts):
        texts = tuple(map(clean_text, texts))
    filled = np.flatnonzero(~are_in(exact_digests(texts), exact_digests([""])))
    near = near_digests(taken(texts, filled))
    with_label = distinct(near_digests(labelled), np.zeros(0, np.uint64) if seen is None else seen)
    is_new = ~are_in(near, with_label)
    filled_new, near_new = filled[is_new], near[is_new]
    positions = filled_new[first_of_each(near_new)]
    counts = PoolCounts(
        given=len(texts),
        empty=len(texts) - len(filled),
        repeated=len(filled_new) - len(positions),
        labelled=len(filled) - len(filled_new),
        left=len(positions),
    )
    return Pool(taken(texts, positions), positions, counts)

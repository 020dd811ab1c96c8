"""Near digests that were computed before, found again by the exact digests of their texts."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.array_files import DamagedFileError, read_arrays, write_arrays
from lstm_sentiment.progress import Advance, Progress, ignore
from lstm_sentiment.text.corpus.duplicates import are_in
from lstm_sentiment.text.corpus.file_texts import taken
from lstm_sentiment.text.corpus.near_duplicates import near_digests

Digests = NDArray[np.uint64]

_EXACT, _NEAR, _UNICODE = "exact", "near", "unicode"


def _none() -> Digests:
    return np.zeros(0, np.uint64)


@dataclass(frozen=True, eq=False)
class KnownDigests:
    """Near digests of texts by their exact digests.

    A text that was changed has another exact digest, so its near digest is computed anew.

    Attributes:
        exact: `exact_digest` of each text, `(texts,)`, ascending.
        near: The near digest of each text, `(texts,)`.
        source: The file that they were read from.
    """

    exact: Digests = field(default_factory=_none)
    near: Digests = field(default_factory=_none)
    source: Path | None = None

    @classmethod
    def of(cls, parts: Iterable[tuple[Digests, Digests]]) -> "KnownDigests":
        """Joins parts of exact and near digests, each `(texts,)`."""
        exact, near = (np.concatenate([_none(), *found]) for found in zip(*parts, strict=True))
        order = np.argsort(exact)
        return cls(exact[order], near[order])

    @classmethod
    def load(cls, path: Path, progress: Progress) -> "KnownDigests":
        """Reads digests that `save` has written; none where there is no such file.

        Where the file is damaged, or of a Python with other tables of Unicode, `progress` is told
        so in one line.
        """
        try:
            arrays = read_arrays(path)
            if arrays[_UNICODE].tobytes() == unicodedata.unidata_version.encode():
                return cls(arrays[_EXACT], arrays[_NEAR], path)
            what = "of another version of Python"
        except FileNotFoundError:
            return cls()
        except (DamagedFileError, KeyError):
            what = "damaged"
        progress.say(f"Comparison of texts: {path} is {what}, all texts are compared again")
        return cls()

    def save(self, path: Path) -> None:
        """Writes the digests as a whole or not at all.

        Raises:
            OSError: If the file cannot be written.
        """
        unicode = np.frombuffer(unicodedata.unidata_version.encode(), np.uint8)
        write_arrays(path, {_EXACT: self.exact, _NEAR: self.near, _UNICODE: unicode})

    def unknown(self, exact: Digests) -> NDArray[np.int64]:
        """Returns the positions of the texts whose near digests are not known, ascending."""
        return np.flatnonzero(~are_in(exact, self.exact))

    def near_digests(
        self, texts: Sequence[str], exact: Digests, advance: Advance = ignore
    ) -> Digests:
        """Returns the near digest of each text, `(texts,)`, and computes only unknown ones.

        Args:
            texts: The texts, of which those with an unknown digest are read.
            exact: `exact_digest` of each text, `(texts,)`.
            advance: Called with the number of texts computed since the last call.
        """
        unknown = self.unknown(exact)
        if len(unknown) == len(texts):
            return near_digests(texts, advance)
        places = np.searchsorted(self.exact, exact)
        places[unknown] = 0
        digests = self.near[places]
        if len(unknown):
            digests[unknown] = near_digests(taken(texts, unknown), advance)
        return digests


NONE_KNOWN = KnownDigests()
"""The digests of no text."""

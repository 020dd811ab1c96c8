"""The words of a text, and a small set of the words that training knows.

Words here need no tokenizer, so that they are the same at the export, in the server and for every
version: runs of letters and digits, and in scripts without spaces each two neighbouring characters.
"""

import hashlib
import re
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.unicode import UNSPACED_SCRIPTS

_RUNS = re.compile(rf"([{UNSPACED_SCRIPTS}]+)|(?:(?![{UNSPACED_SCRIPTS}])[^\W_])+")
_LONGEST_WORD = 40
_MOST_CHARACTERS = 20_000
_HASHES = 6
_BITS_A_WORD = 10


def words_of(text: str) -> set[str]:
    """Returns the words of a text, each once.

    Args:
        text: Any text; its first 20,000 characters count.

    Returns:
        Words in Unicode's NFKC form and without case, at most 40 characters of each. In scripts
        without spaces a word is two neighbouring characters, or a character that has no neighbour.
    """
    found: set[str] = set()
    folded = unicodedata.normalize("NFKC", text[:_MOST_CHARACTERS]).casefold()
    for run in _RUNS.finditer(folded):
        characters = run.group()
        if run.group(1) is None:
            found.add(characters[:_LONGEST_WORD])
        else:
            ends = range(2, max(2, len(characters)) + 1)
            found.update(characters[end - 2 : end] for end in ends)
    return found


class WordSet:
    """A Bloom filter: a set of words in about 10 bits a word.

    Each word of the set is found; of other words, about 1 in 100 is found too.
    """

    def __init__(self, bits: NDArray[np.uint8]) -> None:
        """Makes a set of its bits.

        Args:
            bits: uint8 `(bytes,)`; at least one.
        """
        self._bits = bits

    @classmethod
    def of(cls, words: Iterable[str]) -> "WordSet":
        """Makes a set of words."""
        chosen = list(words)
        bits = np.zeros(max(1, -(-len(chosen) * _BITS_A_WORD // 8)), np.uint8)
        for word in chosen:
            for place in _places(word, len(bits) * 8):
                bits[place >> 3] |= 1 << (place & 7)
        return cls(bits)

    @classmethod
    def from_base64(cls, encoded: str) -> "WordSet":
        """Reads a set that `to_base64` wrote.

        Raises:
            ValueError: If it is not in base64, or empty.
        """
        bits = np.frombuffer(b64decode(encoded, validate=True), np.uint8)
        if not len(bits):
            raise ValueError("an empty set of words")
        return cls(bits)

    def to_base64(self) -> str:
        """Returns the set as ASCII characters."""
        return b64encode(self._bits.tobytes()).decode("ascii")

    def __contains__(self, word: str) -> bool:
        """True for a word of the set, and for about 1 in 100 others."""
        places = _places(word, len(self._bits) * 8)
        return all(self._bits[place >> 3] >> (place & 7) & 1 for place in places)


def _places(word: str, bits: int) -> list[int]:
    digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=16).digest()
    first, second = (int.from_bytes(digest[at : at + 8], "little") for at in (0, 8))
    # Double hashing: Kirsch and Mitzenmacher 2006, https://doi.org/10.1007/11841036_42
    return [(first + number * (second | 1)) % bits for number in range(_HASHES)]

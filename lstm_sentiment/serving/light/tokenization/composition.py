"""Unicode's normalization forms C and KC as tensorflow-text has them, whatever Python knows.

Source: Unicode Standard Annex 15 (https://unicode.org/reports/tr15/).
"""

import re
import unicodedata
from itertools import chain
from operator import itemgetter
from typing import Literal

from lstm_sentiment.light_twin.unicode_tables import UnicodeTables
from lstm_sentiment.serving.light.tokenization.character_classes import (
    PLACEHOLDER,
    CharacterClass,
    CharacterSearch,
    Exempt,
)

# ASCII and the ideographs of Unicode 1 have no decomposition and compose with nothing before them:
# a segment that begins with one of them is normalized as it is alone.
_INERT = rf"\x00-\x7f\u4e00-\u9fa5{PLACEHOLDER}"
_SEGMENT = re.compile(f"[{_INERT}]?[^{_INERT}]+")

# Frequent in Chinese texts. A text without characters that change is known as such at a glance, and
# a character may be decomposed before all others.
_FREQUENT = "，！：？；）（…～．－\u3000"
_DECOMPOSED = tuple((each, unicodedata.normalize("NFKD", each)) for each in _FREQUENT)

# Python sorts the marks of a character by insertion, in quadratic time: 400,000 take a minute, in
# which no other thread of the process runs.
_MANY_MARKS = 256
_LONG_TEXT = 2048


class Composition:
    """Composes texts.

    Python does it for the characters that TensorFlow knows too. The newer ones are composed by the
    tables, and characters that are not in the tables are left as they are.
    """

    def __init__(self, form: Literal["NFC", "NFKC"], tables: UnicodeTables) -> None:
        """Compiles the tables."""
        newer = CharacterClass.of(tables.newer)
        one_newer = re.compile(f"[{newer.whole}]")
        decompositions = tables.nfd if form == "NFC" else tables.nfkd
        in_tables = chain(
            *decompositions.items(), tables.combining_classes, *tables.compositions.items()
        )
        self._form = form
        self._decompositions = decompositions
        self._combining_classes = tables.combining_classes
        self._compositions = tables.compositions
        self._of_tables = frozenset(one_newer.findall("".join(in_tables)))
        self._has_newer = CharacterSearch(newer)
        self._others = Exempt(newer, but=self._of_tables)
        self._many_marks = re.compile(f"{CharacterClass.of(tables.marks).one}{{{_MANY_MARKS}}}")

    def __call__(self, text: str) -> str:
        """Composes a text."""
        if self._has_newer(text):
            return self._others.convert(text, self._by_segments)
        if len(text) >= _LONG_TEXT and self._many_marks.search(text):
            return self._by_segments(text)
        if self._form == "NFKC":
            for character, decomposed in _DECOMPOSED:
                if character in text:
                    text = text.replace(character, decomposed)
        return unicodedata.normalize(self._form, text)

    def _by_segments(self, text: str) -> str:
        return _SEGMENT.sub(lambda segment: self._segment(segment[0]), text)

    def _segment(self, text: str) -> str:
        if len(text) < _MANY_MARKS and self._of_tables.isdisjoint(text):
            return unicodedata.normalize(self._form, text)
        return "".join(self._composed(self._decomposed(text)))

    def _decomposed(self, text: str) -> list[tuple[int, str]]:
        """Decomposes a text to combining classes and characters, in canonical order."""
        decomposed: list[tuple[int, str]] = []
        marks: list[tuple[int, str]] = []
        for part in chain.from_iterable(map(self._decomposition, text)):
            combining = self._combining_class(part)
            if combining:
                marks.append((combining, part))
                continue
            decomposed += sorted(marks, key=_first)
            decomposed.append((0, part))
            marks = []
        return decomposed + sorted(marks, key=_first)

    def _decomposition(self, character: str) -> str:
        if character in self._of_tables:
            return self._decompositions.get(character, character)
        return unicodedata.normalize("NFD" if self._form == "NFC" else "NFKD", character)

    def _combining_class(self, character: str) -> int:
        if character in self._of_tables:
            return self._combining_classes.get(character, 0)
        return unicodedata.combining(character)

    def _composed(self, characters: list[tuple[int, str]]) -> list[str]:
        """Composes characters in canonical order (Unicode Standard, section 3.11, D117)."""
        composed: list[str] = []
        starter = None  # position in `composed`
        last_class = 0  # of the last character in `composed`
        for combining, character in characters:
            if starter is not None and (starter == len(composed) - 1 or last_class < combining):
                primary = self._primary_composite(composed[starter], character)
                if primary is not None:
                    composed[starter] = primary
                    continue
            if combining == 0:
                starter = len(composed)
            last_class = combining
            composed.append(character)
        return composed

    def _primary_composite(self, first: str, second: str) -> str | None:
        if not self._of_tables.isdisjoint(first + second):
            return self._compositions.get(first + second)
        composed = unicodedata.normalize("NFC", first + second)
        return composed if len(composed) == 1 else None


_first = itemgetter(0)

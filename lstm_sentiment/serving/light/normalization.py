"""Unicode normalization as the TensorFlow graph does it, whatever Python's version of Unicode."""

import re
import sys
import unicodedata
from collections.abc import Iterable
from operator import itemgetter
from typing import Final, Literal

from lstm_sentiment.serving.errors import LightEngineRefusedError
from lstm_sentiment.serving.light.character_classes import CharacterClass, NewerCharacters
from lstm_sentiment.serving.light.letter_case import Lowercase
from lstm_sentiment.unicode import WIDTH_FORMS, ordinary_width
from lstm_sentiment.unicode_tables import UnicodeTables

_Form = Literal["NFC", "NFKC"]

_FORMS: Final[dict[str, _Form | None]] = {"none": None, "width": "NFC", "nfkc": "NFKC"}

_ORDINARY_WIDTH = {code: ordinary_width(code) for code in WIDTH_FORMS}
_WIDTH_FORM = re.compile(f"[{chr(WIDTH_FORMS[0])}-{chr(WIDTH_FORMS[-1])}]")

# ASCII and the ideographs of Unicode 1 have no decomposition and compose with nothing before them:
# a segment that begins with one of them is normalized as it is alone.
_INERT = r"\x00-\x7f\u4e00-\u9fa5"
_SEGMENT = re.compile(f"[{_INERT}]?[^{_INERT}]+")

# Python sorts the marks of a character by insertion, in quadratic time: 400,000 take a minute, in
# which no other thread of the process runs.
_MANY_MARKS = 256
_LONG_TEXT = 2048


class Normalizer:
    """Normalizes texts: see `lstm_sentiment.text.normalization.normalize_texts`.

    Python's own normalization is exact for characters that TensorFlow knows too. Texts with newer
    ones are normalized by the tables of the version.
    """

    def __init__(
        self, normalization: str, tables: UnicodeTables, *, lowercase: bool = False
    ) -> None:
        """Compiles the tables.

        Args:
            normalization: `none`, `width` or `nfkc`.
            tables: Those of the version.
            lowercase: Converts normalized texts to lower case.

        Raises:
            LightEngineRefusedError: If Python lacks characters that it must know for these tables.
        """
        _check_known(tables)
        self._form = _FORMS[normalization]
        self._folds_width = normalization == "width"
        self._lowercase = Lowercase(tables) if lowercase else None
        self._tables = tables
        self._newer = NewerCharacters(tables.newer)
        spaces = CharacterClass.of(tables.spaces)
        self._spaces = re.compile(f"[{spaces.whole}]+")
        self._words = re.compile(f"[^{spaces.whole}]+")
        self._many_marks = re.compile(f"{CharacterClass.of(tables.marks).one}{{{_MANY_MARKS}}}")

    def __call__(self, text: str) -> str:
        """Normalizes a text: each run of whitespace and control characters is one space."""
        return self._spaces.sub(" ", self._converted(text))

    def words(self, text: str) -> list[str]:
        """Normalizes a text and splits it at whitespace and control characters."""
        return self._words.findall(self._converted(text))

    def spellings(self, tokens: Iterable[str]) -> list[str]:
        """Normalizes tokens, each on one line, and strips spaces."""
        # Nothing composes across a line break, nor does a word go on after it.
        lines = self._converted("\n".join(tokens)).split("\n")
        if self._spaces.search("".join(lines)):
            lines = [self._spaces.sub(" ", line).strip(" ") for line in lines]
        return lines

    def split(self, text: str) -> list[str]:
        """Splits a text at whitespace and control characters, but normalizes nothing."""
        return self._words.findall(text)

    def _converted(self, text: str) -> str:
        """Normalizes a text, but leaves whitespace and control characters as they are."""
        if self._form is not None and not text.isascii():
            text = self._composed(text, self._form)
        return text if self._lowercase is None else self._lowercase(text)

    def _composed(self, text: str, form: _Form) -> str:
        if self._folds_width and _WIDTH_FORM.search(text):
            text = text.translate(_ORDINARY_WIDTH)
        if self._is_for_python(text):
            return unicodedata.normalize(form, text)
        return _SEGMENT.sub(lambda segment: self._composed_segment(segment[0], form), text)

    def _composed_segment(self, segment: str, form: _Form) -> str:
        if self._is_for_python(segment):
            return unicodedata.normalize(form, segment)
        return "".join(self._compose(self._decompose(segment, form)))

    def _is_for_python(self, text: str) -> bool:
        if self._newer.found_in(text):
            return False
        return len(text) < _LONG_TEXT or self._many_marks.search(text) is None

    def _decompose(self, text: str, form: _Form) -> list[tuple[int, str]]:
        """Decomposes a text to characters with their combining classes, in canonical order."""
        decomposed: list[tuple[int, str]] = []
        marks: list[tuple[int, str]] = []
        for character in text:
            for part in self._decomposition(character, form):
                combining = self._combining_class(part)
                if combining:
                    marks.append((combining, part))
                    continue
                decomposed += sorted(marks, key=_first)
                decomposed.append((0, part))
                marks = []
        return decomposed + sorted(marks, key=_first)

    def _decomposition(self, character: str, form: _Form) -> str:
        if self._newer.pattern.match(character):
            table = self._tables.nfd if form == "NFC" else self._tables.nfkd
            return table.get(character, character)
        return unicodedata.normalize("NFD" if form == "NFC" else "NFKD", character)

    def _combining_class(self, character: str) -> int:
        if self._newer.pattern.match(character):
            return self._tables.combining_classes.get(character, 0)
        return unicodedata.combining(character)

    def _compose(self, characters: list[tuple[int, str]]) -> list[str]:
        """Composes characters in canonical order (Unicode Standard, section 3.11, D117)."""
        composed: list[str] = []
        starter = None  # position in `composed`
        last_class = 0  # of the characters after the starter
        for combining, character in characters:
            if starter is not None and (last_class < combining or starter == len(composed) - 1):
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
        pair = first + second
        if self._newer.found_in(pair):
            return self._tables.compositions.get(pair)
        composed = unicodedata.normalize("NFC", pair)
        return composed if len(composed) == 1 else None


_first = itemgetter(0)


def _check_known(tables: UnicodeTables) -> None:
    """Checks that Python knows all characters but the newer ones.

    Those of a version of Unicode that Python lacks would lie next to characters that are newer.
    """
    for first, last in tables.newer:
        for code in (first - 1, last + 1):
            if code <= sys.maxunicode and unicodedata.category(chr(code)) == "Cn":
                raise LightEngineRefusedError(
                    "Python must know the characters that TensorFlow knew when the version was "
                    f"exported. Received: U+{code:04X}, which is not in Unicode "
                    f"{unicodedata.unidata_version}."
                )

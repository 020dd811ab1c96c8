"""Normalization of texts as the TensorFlow graph does it."""

import re
import sys
import unicodedata
from collections.abc import Iterable

from lstm_sentiment.light_twin.unicode_tables import UnicodeTables
from lstm_sentiment.serving.errors import LightEngineRefusedError
from lstm_sentiment.serving.light.tokenization.character_classes import CharacterClass
from lstm_sentiment.serving.light.tokenization.composition import Composition
from lstm_sentiment.serving.light.tokenization.letter_case import Lowercase
from lstm_sentiment.unicode import WIDTH_FORMS, ordinary_width

_ORDINARY_WIDTH = {code: ordinary_width(code) for code in WIDTH_FORMS}
_WIDTH_FORM = re.compile(f"[{chr(WIDTH_FORMS[0])}-{chr(WIDTH_FORMS[-1])}]")


class Normalizer:
    """Normalizes texts: see `lstm_sentiment.text.normalization.normalize_texts`."""

    def __init__(
        self, normalization: str, tables: UnicodeTables, *, lowercase: bool = False
    ) -> None:
        """Compiles the tables.

        Args:
            normalization: `none`, `width` or `nfkc`.
            tables: Those of the version.
            lowercase: Converts normalized texts to lower case.

        Raises:
            LightEngineRefusedError: If Python lacks characters that TensorFlow knows.
        """
        _check_known(tables)
        self._compose = (
            None
            if normalization == "none"
            else Composition("NFC" if normalization == "width" else "NFKC", tables)
        )
        self._folds_width = normalization == "width"
        self._lower = Lowercase(tables) if lowercase else None
        spaces = CharacterClass.of(tables.spaces).whole
        self._spaces = re.compile(f"[{spaces}]+")
        self._words = re.compile(f"[^{spaces}]+")

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
        if self._compose is not None and not text.isascii():
            if self._folds_width and _WIDTH_FORM.search(text):
                text = text.translate(_ORDINARY_WIDTH)
            text = self._compose(text)
        return text if self._lower is None else self._lower(text)


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

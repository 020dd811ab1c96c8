"""Lower case as `tf.strings.lower` has it, whatever Python's version of Unicode."""

import re

from lstm_sentiment.light_twin.unicode_tables import UnicodeTables
from lstm_sentiment.serving.light.tokenization.character_classes import (
    CharacterClass,
    CharacterSearch,
    Exempt,
)

_CAPITAL_SIGMA = "Σ"


class Lowercase:
    """Converts texts to lower case, without regard to a language.

    Python's own conversion is exact for characters that each Python and TensorFlow know. The tables
    have the lower case of the newer ones; those that are not in the tables stay as they are. The
    tables also decide if a capital sigma ends a word.
    """

    def __init__(self, tables: UnicodeTables) -> None:
        """Compiles the tables."""
        newer = CharacterClass.of(tables.newer)
        self._has_newer = CharacterSearch(newer)
        self._newer = Exempt(newer)
        self._lower_of_newer = str.maketrans(dict(tables.lowercase))
        ignorable = CharacterClass.of(tables.case_ignorable)
        cased = CharacterClass.of(tables.cased)
        self._then_cased = re.compile(f"[{ignorable.whole}]*[{cased.whole}]")

    def __call__(self, text: str) -> str:
        """Converts a text."""
        if _CAPITAL_SIGMA in text:
            text = self._with_small_sigmas(text)
        if text.isascii() or not self._has_newer(text):
            return text.lower()
        return self._newer.convert(text, str.lower).translate(self._lower_of_newer)

    def _with_small_sigmas(self, text: str) -> str:
        """Replaces each capital sigma by a small one, or by the form for the end of a word."""
        backwards = text[::-1]
        characters = list(text)
        for place, character in enumerate(text):
            if character == _CAPITAL_SIGMA:
                ends_word = self._then_cased.match(
                    backwards, len(text) - place
                ) and not self._then_cased.match(text, place + 1)
                characters[place] = "ς" if ends_word else "σ"
        return "".join(characters)

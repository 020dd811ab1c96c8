"""Lower case as `tf.strings.lower` has it, whatever Python's version of Unicode."""

import re

from lstm_sentiment.unicode_tables import UnicodeTables, in_character_class

_CAPITAL_SIGMA = "Σ"
# A character for private use: it has no case, nor is it case-ignorable, in any version of Unicode.
_PLACEHOLDER = "\ue000"


class Lowercase:
    """Converts texts to lower case, without regard to a language.

    Python's own conversion is exact for characters that TensorFlow knows too; the others stay as
    they are. Whether a capital sigma ends a word is decided by the tables of the version.
    """

    def __init__(self, tables: UnicodeTables) -> None:
        """Compiles the tables."""
        self._newer = re.compile(f"[{in_character_class(tables.newer)}]")
        self._kept = re.compile(f"[{_PLACEHOLDER}{in_character_class(tables.newer)}]")
        self._then_cased = re.compile(
            f"[{in_character_class(tables.case_ignorable)}]*[{in_character_class(tables.cased)}]"
        )

    def __call__(self, text: str) -> str:
        """Converts a text."""
        if _CAPITAL_SIGMA in text:
            text = self._with_small_sigmas(text)
        if text.isascii() or not self._newer.search(text):
            return text.lower()
        kept = iter(self._kept.findall(text))
        lowered = self._kept.sub(_PLACEHOLDER, text).lower()
        return re.sub(_PLACEHOLDER, lambda _: next(kept), lowered)

    def _with_small_sigmas(self, text: str) -> str:
        """Replaces each capital sigma by a small one, or by the form for the end of a word."""
        backwards = text[::-1]
        characters = list(text)
        for place, character in enumerate(text):
            if character == _CAPITAL_SIGMA:
                is_last = self._then_cased.match(
                    backwards, len(text) - place
                ) and not self._then_cased.match(text, place + 1)
                characters[place] = "ς" if is_last else "σ"
        return "".join(characters)

r"""Words and symbols of a text, as the `whitespace` tokenizer's patterns of RE2 find them.

Python's `re` has no classes such as `\p{L}`, and would take those of its own version of Unicode.
"""

import re

from lstm_sentiment.light_twin.unicode_tables import UnicodeTables
from lstm_sentiment.serving.light.tokenization.character_classes import ASTRAL, CharacterClass


class WordPattern:
    """Splits normalized text: see `lstm_sentiment.text.tokenizer.WhitespaceTokenizer`."""

    def __init__(self, tables: UnicodeTables) -> None:
        """Compiles the tables."""
        letter = CharacterClass.of(tables.letters)
        mark = CharacterClass.of(tables.marks)
        of_word = letter + mark + CharacterClass.of(tables.numbers) + CharacterClass(r"'\u200d", "")
        word = rf"(?:[{of_word.basic}]+|(?=[{ASTRAL}])[{of_word.astral}]+)+"
        modifier = mark + CharacterClass("", r"\U0001f3fb-\U0001f3ff")
        base = rf"(?:[^{of_word.basic} {ASTRAL}]|(?=[{ASTRAL}])[^{of_word.astral}])"
        sign = f"{base}{modifier.one}*"
        flag = r"[\U0001f1e6-\U0001f1ff]{2}"
        self._apostrophe = re.compile(f"({letter.one})['’]({letter.one})")
        # No symbol begins with a character of a word: their order makes no difference.
        self._tokens = re.compile(rf"{word}|{flag}|{sign}(?:\u200d{sign})*")

    def split(self, text: str) -> list[str]:
        """Returns words and symbols in order."""
        if "'" in text or "’" in text:
            text = self._apostrophe.sub(r"\1 '\2", text)
        return self._tokens.findall(text)

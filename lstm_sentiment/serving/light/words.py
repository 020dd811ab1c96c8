r"""Words and symbols of a text, as the `whitespace` tokenizer's patterns of RE2 find them.

Python's `re` has no classes such as `\p{L}`, and would take those of its own version of Unicode.
"""

import re

from lstm_sentiment.unicode_tables import UnicodeTables, in_character_class


class WordPattern:
    """Splits normalized text: see `lstm_sentiment.text.tokenizer.WhitespaceTokenizer`."""

    def __init__(self, tables: UnicodeTables) -> None:
        """Compiles the tables."""
        letter, mark, number = (
            in_character_class(code_points)
            for code_points in (tables.letters, tables.marks, tables.numbers)
        )
        of_word = rf"{letter}{mark}{number}'\u200d"
        sign = rf"[^{of_word} ][{mark}\U0001f3fb-\U0001f3ff]*"
        flag = r"[\U0001f1e6-\U0001f1ff]{2}"
        self._apostrophe = re.compile(f"([{letter}])['’]([{letter}])")
        # No symbol begins with a character of a word: the order of the two makes no difference.
        self._tokens = re.compile(rf"[{of_word}]+|{flag}|{sign}(?:\u200d{sign})*")

    def split(self, text: str) -> list[str]:
        """Returns words and symbols in order."""
        if "'" in text or "’" in text:
            text = self._apostrophe.sub(r"\1 '\2", text)
        return self._tokens.findall(text)

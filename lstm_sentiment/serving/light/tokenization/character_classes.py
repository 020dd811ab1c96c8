"""Character classes for patterns of `re`, from the Unicode tables of a version.

`re` looks a character up in a bitmap of the first 65,536 code points, and then compares it with one
range of code points beyond those after the other. The patterns here do the latter for the rare
characters beyond alone, which Unicode calls astral.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Final

from lstm_sentiment.light_twin.unicode_tables import CodePoints

_FIRST_ASTRAL: Final = 0x10000
ASTRAL: Final = r"\U00010000-\U0010ffff"
"""All astral characters, to stand in square brackets."""


@dataclass(frozen=True)
class CharacterClass:
    """A set of characters.

    Attributes:
        basic: Its characters of the first 65,536 code points, to stand in square brackets.
        astral: Its astral characters, to stand in square brackets.
    """

    basic: str
    astral: str

    @classmethod
    def of(cls, code_points: CodePoints) -> "CharacterClass":
        """Converts code points, none of whose ranges goes across the border."""
        # Large ranges first: `re` goes through the astral ones in this order.
        ordered = sorted(code_points, key=lambda ends: ends[0] - ends[1])
        basic = [_range(*ends) for ends in ordered if ends[0] < _FIRST_ASTRAL]
        astral = [_range(*ends) for ends in ordered if ends[0] >= _FIRST_ASTRAL]
        return cls("".join(basic), "".join(astral))

    def __add__(self, other: "CharacterClass") -> "CharacterClass":
        """Unites two classes."""
        return CharacterClass(self.basic + other.basic, self.astral + other.astral)

    @property
    def whole(self) -> str:
        """All characters, to stand in square brackets."""
        return self.basic + self.astral

    @property
    def one(self) -> str:
        """Pattern of one character."""
        return rf"(?:[{self.basic}]|(?=[{ASTRAL}])[{self.astral}])"


class CharacterSearch:
    """Finds characters of a class, fast where there are none."""

    def __init__(self, characters: CharacterClass) -> None:
        """Compiles the class."""
        self._basic_or_astral = re.compile(f"[{characters.basic}{ASTRAL}]")
        self._whole = re.compile(f"[{characters.whole}]")

    def __call__(self, text: str) -> bool:
        """Checks if a text holds a character of the class."""
        suspects = self._basic_or_astral.findall(text)
        return bool(suspects) and self._whole.search("".join(suspects)) is not None


PLACEHOLDER: Final = "\ue000"
"""A character for private use: in every version of Unicode it has no case, is not case-ignorable,
and is neither decomposed nor composed nor moved."""


class Exempt:
    """Characters that conversions of a text leave as they are, whatever Python knows of them."""

    def __init__(self, characters: CharacterClass, but: Iterable[str] = ()) -> None:
        """Compiles a class.

        Args:
            characters: The class.
            but: Characters of the class that are converted.
        """
        # A placeholder that a text itself holds comes back as the others do.
        self._pattern = re.compile(rf"[{PLACEHOLDER}{characters.whole}](?<![\x00{''.join(but)}])")

    def convert(self, text: str, conversion: Callable[[str], str]) -> str:
        """Converts a text but for the characters."""
        kept = self._pattern.findall(text)
        converted = conversion(self._pattern.sub(PLACEHOLDER, text)).split(PLACEHOLDER)
        return "".join(chain.from_iterable(zip(converted, [*kept, ""], strict=True)))


def _range(first: int, last: int) -> str:
    return rf"\U{first:08x}-\U{last:08x}"

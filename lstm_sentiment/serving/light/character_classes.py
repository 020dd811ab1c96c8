"""Character classes for patterns of `re`, from the Unicode tables of a version.

`re` looks a character up in a bitmap of the first 65,536 code points, and then compares it with one
range of code points beyond those after the other. The patterns here do the latter for the rare
characters beyond alone, which Unicode calls astral.
"""

import re
from dataclasses import dataclass
from typing import Final

from lstm_sentiment.unicode_tables import CodePoints

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
        basic = [_range(*ends) for ends in code_points if ends[0] < _FIRST_ASTRAL]
        astral = [_range(*ends) for ends in code_points if ends[0] >= _FIRST_ASTRAL]
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


def _range(first: int, last: int) -> str:
    return rf"\U{first:08x}-\U{last:08x}"


class NewerCharacters:
    """The characters that TensorFlow may not know.

    Attributes:
        pattern: Pattern of one of them.
    """

    def __init__(self, code_points: CodePoints) -> None:
        """Compiles the patterns of some code points."""
        newer = CharacterClass.of(code_points)
        self.pattern = re.compile(f"[{newer.whole}]")
        self._basic_or_astral = re.compile(f"[{newer.basic}{ASTRAL}]")

    def found_in(self, text: str) -> bool:
        """Checks if a text holds one of them."""
        suspects = self._basic_or_astral.findall(text)
        return bool(suspects) and self.pattern.search("".join(suspects)) is not None

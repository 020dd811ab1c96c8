"""Rules for characters, without TensorFlow: valid UTF-8, and the ordinary width."""

import unicodedata
from typing import Final

WIDTH_FORMS: Final = range(0xFF00, 0xFFF0)
"""Unicode's block "Halfwidth and Fullwidth Forms"."""


def replace_surrogates(text: str) -> str:
    r"""Makes a string encodable as UTF-8.

    A surrogate pair that was read as two code points becomes the character that it stands for;
    each surrogate without a partner becomes U+FFFD. Strings with neither come back as they are.

    Args:
        text: Any string, for example one read from JSON, where `"\ud800"` is legal.

    Returns:
        The string without surrogates.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        pass
    else:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def ordinary_width(code: int) -> int:
    """Returns the ordinary code point of a full- or half-width form; of another, itself."""
    kind, _, ordinary = unicodedata.decomposition(chr(code)).partition(" ")
    return int(ordinary, 16) if kind in ("<wide>", "<narrow>") else code

"""Rules for characters, without TensorFlow: valid UTF-8, ordinary width, scripts without spaces."""

import unicodedata
from typing import Final

UNSPACED_SCRIPTS: Final = (
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
    r"\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff"
)
"""Characters of scripts without spaces between words, for a class of a regular expression: Han;
Thai and Lao, Tibetan, Burmese, Khmer; Japanese kana."""

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

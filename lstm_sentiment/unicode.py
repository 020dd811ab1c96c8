"""Rules for characters, without TensorFlow: valid UTF-8, ordinary width, what one line may hold."""

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


# Controls, which move a terminal's cursor or end a line; formats, which turn the direction of what
# follows or cannot be seen; surrogates, which no encoding has; separators of lines.
_UNFIT_CATEGORIES: Final = frozenset(["Cc", "Cf", "Cs", "Zl", "Zp"])
# Embeddings, overrides and isolates, and their ends.
_DIRECTIONS: Final = frozenset(["LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"])
# They join and part letters: emoji of several people, words of Persian.
_JOINERS: Final = "\u200c\u200d"


def escaped_line(value: object) -> str:
    r"""Returns text of others as it may stand in one line of a log, a terminal or a page.

    Characters that end a line, that a terminal obeys, that turn the direction of what follows or
    that cannot be seen become what a Python string shows of them: a newline `\n`, the character
    that begins terminal codes `\x1b`, U+202E `\u202e`. All others stay, backslashes too, so that
    text that went through here once stays as it is.

    Args:
        value: A string, or anything whose `str` is meant: a path, an error.
    """
    text = str(value)
    if text.isprintable():
        return text
    return "".join(map(_escaped, text))


def escaped_lines(text: str) -> str:
    """Returns lines of our own whose parts may be others', each as `escaped_line` returns it."""
    if text.isprintable():
        return text
    return "\n".join(map(escaped_line, text.split("\n")))


def escaped_controls(text: str) -> str:
    """Returns a text with what `has_controls` finds escaped; marks that cannot be seen stay."""
    if not has_controls(text):
        return text
    return "".join(_escape(c) if _is_control(c) else c for c in text)


def has_controls(text: str) -> bool:
    """Returns whether a text has what no name may have, since `escaped_line` must change it.

    That is what ends a line, what a terminal obeys, what turns the direction of all that follows,
    and what no encoding has. What cannot be seen, such as the marks of direction that spreadsheets
    add to words, is no such character.

    Args:
        text: A name that is declared: of a model, of a version, of a class.
    """
    return not text.isprintable() and any(map(_is_control, text))


def _escaped(character: str) -> str:
    return _escape(character) if _is_unfit(character) else character


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _is_unfit(character: str) -> bool:
    if character.isprintable() or character in _JOINERS:
        return False
    return unicodedata.category(character) in _UNFIT_CATEGORIES


def _is_control(character: str) -> bool:
    category = unicodedata.category(character)
    if category == "Cf":
        return unicodedata.bidirectional(character) in _DIRECTIONS
    return category in _UNFIT_CATEGORIES

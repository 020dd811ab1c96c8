"""Cuts a text into its tokens and what lies between them, so that tokens can be shown in place."""

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple


class Piece(NamedTuple):
    """A part of a text.

    Attributes:
        text: The characters as they are in the text.
        token: Index of the token that it is; `None` between tokens.
        is_unread: Whether it lies behind the last token and is not only whitespace.
    """

    text: str
    token: int | None
    is_unread: bool = False


def pieces(text: str, tokens: Sequence[str]) -> list[Piece] | None:
    """Finds the tokens in their text, although they were normalized (NFKC, lower case).

    The web page does the same: see `pieces` of `serving/rest_api/ui/tokens.js`.

    Args:
        text: The text.
        tokens: Its tokens in order, the first ones if the text is longer than the model reads.

    Returns:
        Parts that make up the text, without empty ones; `None` if a token is not in the text.
    """
    plain, starts = _normalized(text)
    found: list[Piece] = []
    at = 0
    for index, token in enumerate(tokens):
        wanted, _ = _normalized(token)
        start = plain.find(wanted, at) if wanted else -1
        if start < 0:
            return None
        found.append(Piece(text[starts[at] : starts[start]], None))
        at = start + len(wanted)
        found.append(Piece(text[starts[start] : starts[at]], index))
    rest = text[starts[at] :]
    found.append(Piece(rest, None, bool(rest.strip())))
    return [piece for piece in found if piece.text]


def _normalized(text: str) -> tuple[str, list[int]]:
    """Returns the text as a tokenizer may have seen it, and where each character began."""
    plain: list[str] = []
    starts: list[int] = []
    for place, character in enumerate(text):
        changed = unicodedata.normalize("NFKC", character).lower()
        plain.append(changed)
        starts += [place] * len(changed)
    return "".join(plain), [*starts, len(text)]

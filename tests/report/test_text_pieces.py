"""Tokens are found in their text as the web page finds them."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.report.text_pieces import Piece, pieces

TEXTS = st.text("aBcＡ①ﬁ好差 \n，!", max_size=20)


def test_a_normalized_token_is_found_as_it_was_written() -> None:
    assert pieces("ＷｉＦｉ ①好!", ["wifi", "1", "好"]) == [
        Piece("ＷｉＦｉ", 0),
        Piece(" ", None),
        Piece("①", 1),
        Piece("好", 2),
        Piece("!", None, is_unread=True),
    ]


def test_a_token_that_is_not_there_leaves_no_pieces() -> None:
    assert pieces("好", ["差"]) is None
    assert pieces("好", ["[UNK]"]) is None
    assert pieces("好", [""]) is None


def test_a_text_without_tokens_was_not_read() -> None:
    assert pieces("", []) == []
    assert pieces(" \n", []) == [Piece(" \n", None)]
    assert pieces("好", []) == [Piece("好", None, is_unread=True)]


@given(TEXTS, st.integers(0, 20))
def test_pieces_make_up_the_text(text: str, read: int) -> None:
    tokens = unicodedata.normalize("NFKC", text[:read]).lower().split()
    found = pieces(text, tokens)
    if found is not None:
        assert "".join(piece.text for piece in found) == text
        numbers = [piece.token for piece in found if piece.token is not None]
        assert numbers == sorted(numbers)
        assert all(piece.text for piece in found)

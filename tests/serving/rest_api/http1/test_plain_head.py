"""What is taken for plain must be what h11, which knows the whole of RFC 9112, makes of it."""

from typing import Any

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.serving.rest_api.http1.plain_head import (
    MAX_PLAIN_BODY_BYTES,
    MAX_PLAIN_HEAD_BYTES,
    PlainHead,
    parse_plain_head,
)

_HOST = b"Host: me\r\n"

_names = st.sampled_from(
    [
        *[b"Host", b"host", b"Content-Length", b"content-length", b"Connection", b"Expect"],
        *[b"Transfer-Encoding", b"Upgrade", b"X-Y", b"Accept", b"x y", b"", b"X\x00", b" X"],
        *[b"TE", b"Trailer", b"Content-Encoding", b"X\xc3"],
    ]
)
_values = st.sampled_from(
    [
        *[b"", b"me", b"0", b"5", b"05", b"+5", b"5, 5", b"65536", b"65537", b"99999", b"-1"],
        *[b"keep-alive", b"Close", b"close, x", b"Upgrade", b"chunked", b"h2c", b"100-continue"],
        *[b"\xe5\xa5\xbd", b"a\x00b", b"a\tb", b"a\rb", b"a\nb", b"\x0b", b"\x7f", b"a b", b"gzip"],
    ]
)
_ends = st.sampled_from([b"\r\n"] * 8 + [b"\n", b"\r", b"\r\n ", b""])
_spaces = st.sampled_from([b"", b" ", b"\t", b"  "])
_starts = st.sampled_from(
    [
        *[b"POST /v1/models/m:predict HTTP/1.1", b"GET /?a=%20 HTTP/1.1", b"HEAD / HTTP/1.1"],
        *[
            b"PUT / HTTP/1.1",
            b"GET * HTTP/1.1",
            b"GET / HTTP/1.0",
            b"GET / HTTP/2.0",
            b"get / HTTP/1.1",
        ],
        *[b"GET  / HTTP/1.1", b"GET /\x7f HTTP/1.1", b"GET /\xff HTTP/1.1", b"GET / x HTTP/1.1"],
        *[b"GET http://a/ HTTP/1.1", b"GET / HTTP/1.1 ", b"", b"GET /"],
    ]
)


@st.composite
def _heads(draw: st.DrawFn) -> bytes:
    head = draw(_starts) + draw(_ends)
    if draw(st.booleans()):
        head += _HOST
    for _ in range(draw(st.integers(0, 4))):
        before, after = draw(_spaces), draw(_spaces)
        head += draw(_names) + b":" + before + draw(_values) + after + draw(_ends)
    return head + draw(_ends)


def _by_h11(data: bytes) -> tuple[Any, int, bool]:
    """The request, the length of its body and whether the connection stays open, as h11 has it."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    request = connection.next_event()
    assert isinstance(request, h11.Request)
    length = 0
    while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
        if isinstance(event, h11.Data):
            length += len(event.data)
    assert connection.client_is_waiting_for_100_continue is False
    return request, length, connection.their_state is not h11.MUST_CLOSE


@given(_heads())
def test_a_plain_head_is_what_h11_reads(data: bytes) -> None:
    head = parse_plain_head(data)
    if head is None:
        return
    assert data[: head.head_bytes].endswith(b"\r\n\r\n")
    body = b"x" * head.body_bytes
    request, length, stays_open = _by_h11(data[: head.head_bytes] + body)
    assert (head.method.encode(), head.target) == (request.method, request.target)
    assert head.headers == [(name, value) for name, value in request.headers]
    assert (head.body_bytes, head.keep_alive) == (length, stays_open)


@pytest.mark.parametrize(
    "fields",
    [
        b"Host: a\r\nUser-Agent: python-requests/2.32\r\nAccept-Encoding: gzip, deflate\r\n"
        b"Accept: */*\r\nConnection: keep-alive\r\nContent-Length: 3\r\n",
        b"host:a\r\ncontent-type:application/json\r\ncontent-length:3\r\n",
        b"Host: a\r\nAuthorization: Bearer t\r\nContent-Length: 3\r\nConnection: close\r\n",
    ],
)
def test_what_clients_send_is_plain(fields: bytes) -> None:
    head = parse_plain_head(b"POST /v1/models/m:predict HTTP/1.1\r\n" + fields + b"\r\n{}")
    assert isinstance(head, PlainHead)
    assert head.body_bytes == 3
    assert head.keep_alive is (b"close" not in fields)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (MAX_PLAIN_BODY_BYTES + 1),
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * MAX_PLAIN_HEAD_BYTES + b"\r\n\r\n",
    ],
)
def test_what_is_not_plain_is_left_to_h11(data: bytes) -> None:
    assert parse_plain_head(data) is None

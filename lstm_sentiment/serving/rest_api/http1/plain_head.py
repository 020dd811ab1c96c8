"""Parses the heads of plain requests, the ones that almost every client sends.

RFC 9112 has many other forms. What is no plain head is left to h11, which knows them all.
"""

import re
from typing import NamedTuple

MAX_PLAIN_HEAD_BYTES = 16384
"""A longer head is left to h11."""

MAX_PLAIN_BODY_BYTES = 65536
"""A request with a longer body is left to h11, which does not read on before it is wanted."""

# Possessive quantifiers: no head can make the expression look twice at a byte.
_HEAD = re.compile(
    rb"(GET|POST|HEAD) (/[!-~]*+) HTTP/1\.1\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[\t\x20-\x7e\x80-\xff]*+\r\n)++)\r\n"
)
_LENGTH = re.compile(rb"[0-9]{1,5}")

_KEEP_ALIVE, _CLOSE = b"keep-alive", b"close"
# Headers that change how a request is framed or answered.
_NOT_PLAIN = frozenset({b"transfer-encoding", b"expect", b"upgrade", b"trailer", b"te"})


class PlainHead(NamedTuple):
    """The head of a plain request.

    Attributes:
        method: `GET`, `POST` or `HEAD`.
        target: Path and query, as they were sent.
        headers: Names in lower case with their values, in the order in which they were sent.
        body_bytes: Length of the body, in bytes.
        keep_alive: `False` where the client asks that the connection is closed after the answer.
        head_bytes: Length of the head itself, in bytes.
    """

    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body_bytes: int
    keep_alive: bool
    head_bytes: int


def parse_plain_head(data: bytes) -> PlainHead | None:
    """Parses the head of a plain request.

    Plain is an HTTP/1.1 request of method GET, POST or HEAD for a path, with one `Host`, a body of
    at most 64 KiB whose length is announced, and nothing that changes how it is framed.

    Args:
        data: What a connection received, from the beginning of a request on.

    Returns:
        The head; `None` for a request that is not plain, or whose head is not complete.
    """
    match = _HEAD.match(data, 0, MAX_PLAIN_HEAD_BYTES)
    if match is None:
        return None
    method, target, fields = match.groups()
    headers, length, hosts, keep_alive = [], None, 0, True
    for line in fields[:-2].split(b"\r\n"):
        name, _, value = line.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        headers.append((name, value))
        if name == b"host":
            hosts += 1
        elif name == b"content-length":
            if length is not None or not _LENGTH.fullmatch(value):
                return None
            length = int(value)
        elif name == b"connection":
            value = value.lower()
            if value not in (_KEEP_ALIVE, _CLOSE):
                return None
            keep_alive = keep_alive and value != _CLOSE
        elif name in _NOT_PLAIN:
            return None
    if hosts != 1 or (length or 0) > MAX_PLAIN_BODY_BYTES:
        return None
    return PlainHead(method.decode(), target, headers, length or 0, keep_alive, match.end())

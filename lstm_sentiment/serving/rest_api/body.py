"""Reads the body of a REST request, up to the limit."""

import zlib

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.asgi import Headers, Receive
from lstm_sentiment.serving.inference.bytes_in_flight import HeldBytes
from lstm_sentiment.serving.inference.limits import RequestLimits

# TensorFlow Serving's own, `tensorflow_serving/util/net_http/compression/gzip_zlib.h`.
_MAX_UNCOMPRESSED_BYTES = 100 << 20
_GZIP = 16 + zlib.MAX_WBITS


# Whether a body of each coding is packed.
_CODINGS = {"gzip": True, "x-gzip": True, "identity": False, "": False}
_MAX_QUOTED_CODING = 40


class UnsupportedCodingError(InvalidInputError):
    """The body of a request is packed by a coding that is not served."""


class ClientLeftError(Exception):
    """The client left before its request was there."""


def header(headers: Headers, name: bytes) -> bytes:
    """Returns the value of the first header of a name, in lower case; empty for none."""
    return next((value for found, value in headers if found == name), b"")


async def read_body(
    receive: Receive, headers: Headers, limits: RequestLimits, held: HeldBytes
) -> bytes:
    """Receives a body as it was sent.

    Args:
        receive: The ASGI channel of the request.
        headers: Headers of the request.
        limits: The limit `max_request_bytes`.
        held: The bytes of this request in flight; takes what comes.

    Raises:
        RequestTooLargeError: If the body is longer, as soon as that is known.
        ResourceExhaustedError: If it does not fit beside those of other requests, as soon as that
            is known.
        ClientLeftError: If the client leaves first.
    """
    announced = header(headers, b"content-length")
    if announced.isdigit():
        limits.check_request_bytes(int(announced))
        held.check(int(announced))
    body, more_body = b"", True
    chunks, length = [], 0
    while more_body:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeftError
        body, more_body = message.get("body", b""), message.get("more_body", False)
        length += len(body)
        limits.check_request_bytes(length)
        held.take(len(body))
        chunks.append(body)
    return body if len(chunks) == 1 else b"".join(chunks)


def is_packed(headers: Headers) -> bool:
    """Returns whether a body was sent with `Content-Encoding: gzip`.

    Raises:
        UnsupportedCodingError: If it was sent with another coding.
    """
    coding = header(headers, b"content-encoding")
    if not coding:
        return False
    name = coding.decode("latin-1").strip().lower()
    if name not in _CODINGS:
        raise UnsupportedCodingError(
            f"Content-Encoding must be gzip or identity. Received: {name[:_MAX_QUOTED_CODING]}."
        )
    return _CODINGS[name]


def unpacked_body(body: bytes, limits: RequestLimits) -> bytes:
    """Decompresses a body that was sent as gzip.

    Args:
        body: The body as it was sent.
        limits: The limit `max_request_bytes` of the decompressed body; 100 MiB without one.

    Raises:
        RequestTooLargeError: If the decompressed body is longer.
        InvalidInputError: If the body is not gzip.
    """
    limit = limits.max_request_bytes or _MAX_UNCOMPRESSED_BYTES
    unpacker = zlib.decompressobj(_GZIP)
    try:
        # One byte beyond the limit shows that the body is too long.
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise InvalidInputError("a body sent as gzip must be gzip.") from None
    RequestLimits(max_request_bytes=limit).check_request_bytes(len(unpacked))
    if not unpacker.eof or unpacker.unused_data:
        raise InvalidInputError("a body sent as gzip must be one gzip file, complete.")
    return unpacked

"""Reads the body of a REST request, never more of it than is allowed."""

import zlib

from starlette.datastructures import Headers
from starlette.requests import Request

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.inference.limits import RequestLimits

# TensorFlow Serving's own, `tensorflow_serving/util/net_http/compression/gzip_zlib.h`.
_MAX_UNCOMPRESSED_BYTES = 100 << 20
_GZIP = 16 + zlib.MAX_WBITS


async def read_body(request: Request, max_request_bytes: int | None) -> bytes:
    """Receives a body as it was sent.

    Args:
        request: The request.
        max_request_bytes: The most bytes taken; `None` for no limit.

    Returns:
        All of it.

    Raises:
        RequestTooLargeError: If the body is longer, as soon as that is known.
        ClientDisconnect: If the client goes away first.
    """
    limits = RequestLimits(max_request_bytes=max_request_bytes)
    announced = request.headers.get("content-length", "")
    if announced.isdecimal():
        limits.check_request_bytes(int(announced))
    chunks, length = [], 0
    async for chunk in request.stream():
        length += len(chunk)
        limits.check_request_bytes(length)
        chunks.append(chunk)
    return b"".join(chunks)


def decoded_body(body: bytes, headers: Headers, max_request_bytes: int | None) -> bytes:
    """Unpacks a body that was sent with `Content-Encoding: gzip`.

    Args:
        body: As it was sent.
        headers: What was sent with it.
        max_request_bytes: The most bytes taken, unpacked; `None` for 100 MiB.

    Returns:
        The body itself where it is not packed.

    Raises:
        RequestTooLargeError: If it is longer.
        InvalidInputError: If it is not gzip.
    """
    if "gzip" not in headers.get("content-encoding", ""):
        return body
    limit = max_request_bytes or _MAX_UNCOMPRESSED_BYTES
    unpacker = zlib.decompressobj(_GZIP)
    try:
        # One byte more than is taken tells a longer one.
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise InvalidInputError("a body sent as gzip must be gzip.") from None
    RequestLimits(max_request_bytes=limit).check_request_bytes(len(unpacked))
    if not unpacker.eof or unpacker.unused_data:
        raise InvalidInputError("a body sent as gzip must be one gzip file, complete.")
    return unpacked

"""Reads the body of a REST request, up to the limit."""

import zlib

from starlette.datastructures import Headers
from starlette.requests import Request

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.inference.limits import RequestLimits

# TensorFlow Serving's own, `tensorflow_serving/util/net_http/compression/gzip_zlib.h`.
_MAX_UNCOMPRESSED_BYTES = 100 << 20
_GZIP = 16 + zlib.MAX_WBITS


async def read_body(request: Request, limits: RequestLimits) -> bytes:
    """Receives a body as it was sent.

    Args:
        request: The request.
        limits: The limit `max_request_bytes`.

    Raises:
        RequestTooLargeError: If the body is longer, as soon as that is known.
        ClientDisconnect: If the client goes away first.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal():
        limits.check_request_bytes(int(announced))
    chunks, length = [], 0
    async for chunk in request.stream():
        length += len(chunk)
        limits.check_request_bytes(length)
        chunks.append(chunk)
    return b"".join(chunks)


def decoded_body(body: bytes, headers: Headers, limits: RequestLimits) -> bytes:
    """Decompresses a body that was sent with `Content-Encoding: gzip`; returns others unchanged.

    Args:
        body: The body as it was sent.
        headers: Headers of the request.
        limits: The limit `max_request_bytes` of the decompressed body; 100 MiB without one.

    Raises:
        RequestTooLargeError: If the decompressed body is longer.
        InvalidInputError: If the body is not gzip.
    """
    if "gzip" not in headers.get("content-encoding", ""):
        return body
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

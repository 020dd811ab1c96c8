"""Answers of requests that are refused before anything of them is looked at."""

import json

from lstm_sentiment.serving.asgi import Header, Send


async def send_refusal(send: Send, status: int, message: str, *headers: Header) -> None:
    """Answers `{"error": message}`.

    Args:
        send: Sends the answer.
        status: The HTTP status.
        message: What is wrong, in one line.
        headers: Further headers.
    """
    body = json.dumps({"error": message}).encode()
    start = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})

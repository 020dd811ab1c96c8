"""An application whose every request is answered, also where it fails."""

from dataclasses import dataclass

from lstm_sentiment.serving.access.refusal import send_refusal
from lstm_sentiment.serving.asgi import AsgiApp, Message, Receive, Scope, Send
from lstm_sentiment.serving.log_lines import get_logger

logger = get_logger(__name__)

_FAILED = "the server failed; its log has the reason."
_CLOSE = (b"connection", b"close")


@dataclass(frozen=True)
class AnsweredApp:
    """Answers 500 in JSON for an application that fails, where uvicorn would send plain text."""

    app: AsgiApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request.

        Raises:
            Exception: What the application raises after the beginning of its answer.
        """
        is_begun = False

        async def noting_send(message: Message) -> None:
            nonlocal is_begun
            await send(message)
            is_begun = True

        try:
            await self.app(scope, receive, noting_send)
        except Exception:
            if is_begun:
                raise
            logger.exception("a request failed")
        if not is_begun:  # to a client that has left, nothing is sent
            await send_refusal(send, 500, _FAILED, _CLOSE)

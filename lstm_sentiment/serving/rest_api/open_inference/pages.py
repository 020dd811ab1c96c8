"""The Open Inference Protocol's questions to the server itself, which ask no model."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

from lstm_sentiment import __version__
from lstm_sentiment.serving.asgi import Scope
from lstm_sentiment.serving.open_inference.models import SERVER_NAME
from lstm_sentiment.serving.rest_api.pages import PageHandler
from lstm_sentiment.serving.rest_api.responses import Response, json_response


@dataclass(frozen=True)
class OpenInferencePages:
    """Answers whether the server is live and ready, and what it is.

    Attributes:
        is_ready: Decides what the readiness is.
    """

    is_ready: Callable[[], bool]

    def handlers(self) -> dict[str, PageHandler]:
        """Returns what answers each page, by the `operation_id` of its route."""
        return {
            "serverLive": self._live,
            "serverReady": self._ready,
            "serverMetadata": self._metadata,
        }

    async def _live(self, scope: Scope) -> Response:
        return json_response(json.dumps({"live": True}))

    async def _ready(self, scope: Scope) -> Response:
        ready = await asyncio.to_thread(self.is_ready)
        # The specification's text says `live` here too; its servers say `ready`.
        document = json.dumps({"live": True, "ready": ready})
        return json_response(document, 200 if ready else 503)

    async def _metadata(self, scope: Scope) -> Response:
        document = {"name": SERVER_NAME, "version": __version__, "extensions": []}
        return json_response(json.dumps(document))

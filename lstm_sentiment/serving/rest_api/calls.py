"""A request to a model, for the handler of its route."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import unquote

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.asgi import Headers
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.inference.bytes_in_flight import HeldBytes
from lstm_sentiment.serving.inference.results import ModelSpec
from lstm_sentiment.serving.monitoring.request_notes import RequestNotes
from lstm_sentiment.serving.rest_api.responses import Response
from lstm_sentiment.serving.rest_api.routing.route import RestTarget
from lstm_sentiment.version_folder import parse_version


@dataclass(slots=True)
class RestCall:
    """A request, as a handler receives it.

    Attributes:
        target: Its route, with the parameters of its path.
        headers: Its headers.
        body: Its body, decompressed.
        notes: Its notes.
        caller: The caller who waits for the answer.
        held: Its bytes in flight.
        query: What follows the `?` behind the path.
    """

    target: RestTarget
    headers: Headers
    body: bytes
    notes: RequestNotes
    caller: Caller
    held: HeldBytes
    query: bytes = b""

    def model_spec(self) -> ModelSpec:
        """Returns the model and version that the path names, and notes them.

        Raises:
            InvalidInputError: If there is no name, or the version is beyond 64 bits.
        """
        parameters = self.target.match.groupdict()
        name = parameters["model"]
        if name is None:
            raise InvalidInputError("Missing model name in request.")
        version, label = parameters.get("version"), parameters.get("label")
        spec = ModelSpec(
            unquote(name),
            version=None if version is None else _version_number(version),
            label=None if label is None else unquote(label),
        )
        self.notes.model_name, self.notes.label = spec.name, spec.label
        return spec


Handler = Callable[[RestCall], Awaitable[Response]]
"""Answers the requests of one route.

Raises an error of `lstm_sentiment` if a request cannot be answered.
"""


def _version_number(text: str) -> int:
    version = parse_version(text)
    if version is None:
        raise InvalidInputError(f"Failed to convert version: {text} to numeric.")
    return version

"""The way in to a version over a server's REST, by the standard library alone."""

import json
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from lstm_sentiment.errors import (
    InvalidInputError,
    LstmSentimentError,
    ServableNotFoundError,
    ServableUnavailableError,
)
from lstm_sentiment.version_folder import ExampleAnswer
from lstm_sentiment.versions.verification.answers import Answers, Expectation, answers_from
from lstm_sentiment.versions.verification.transports import padded_ids

_NOT_FOUND = 404
_LONGEST_QUOTE = 200


class RestTransport:
    """A server's REST."""

    name = "rest"

    def __init__(
        self,
        address: str,
        model_name: str,
        *,
        version: int | None,
        label: str | None,
        timeout_seconds: float,
    ) -> None:
        """Prepares to ask.

        Args:
            address: `host:port`.
            model_name: The model's name on the server.
            version: To ask for, by its URL.
            label: To ask for instead. With neither, the server takes the highest version.
            timeout_seconds: How long one request may take.
        """
        choice = "" if label is None else f"/labels/{quote(label, safe='')}"
        choice = choice if version is None else f"/versions/{version}"
        self._address = address
        self._url = f"http://{address}/v1/models/{quote(model_name, safe='')}{choice}"
        self._asked_version = version
        self._timeout_seconds = timeout_seconds

    def ask(self, signature: str, expected: Expectation) -> Answers:
        """Asks for all examples at once, see `Transport.ask`."""
        is_classify = signature == "classify"
        key, instances = _instances(signature, expected.examples)
        answer = self._request(
            ":classify" if is_classify else ":predict",
            {"signature_name": signature, key: instances},
        )
        try:
            if is_classify:
                rows = answer["results"]
                columns = {
                    "classes": [[str(name) for name, _ in row] for row in rows],
                    "scores": [[score for _, score in row] for row in rows],
                }
            else:
                rows = answer["predictions"]
                columns = {name: [row[name] for row in rows] for name in rows[0]}
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise self._unexpected(json.dumps(answer, ensure_ascii=False)) from error
        if len(rows) != len(expected.examples):
            raise self._unexpected(f"{len(rows)} answers to {len(expected.examples)} texts")
        return answers_from(signature, columns, expected.temperature, self._version())

    def _version(self) -> int | None:
        """The version that answers; REST's answers do not tell, its status does."""
        if self._asked_version is not None:
            return self._asked_version
        answer = self._request("", None)
        try:
            statuses = answer["model_version_status"]
            available = [int(s["version"]) for s in statuses if s["state"] == "AVAILABLE"]
        except (KeyError, TypeError, ValueError) as error:
            raise self._unexpected(json.dumps(answer, ensure_ascii=False)) from error
        return max(available, default=None)

    def _request(self, verb: str, body: Mapping[str, Any] | None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self._url + verb, data, {"Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=self._timeout_seconds) as response:
                return json.load(response)
        except HTTPError as error:
            raise self._refusal(error) from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or repr(error)
            raise ServableUnavailableError(
                f"{self._address}: cannot be asked: {reason}."
            ) from error
        except ValueError as error:
            raise self._unexpected(f"no JSON: {error}") from error

    def _refusal(self, error: HTTPError) -> LstmSentimentError:
        with error:
            text = error.read().decode("utf-8", "replace")
        try:
            reason = str(json.loads(text)["error"])
        except (ValueError, KeyError, TypeError):
            reason = f"status {error.code}"
        kind = ServableNotFoundError if error.code == _NOT_FOUND else InvalidInputError
        return kind(f"{self._address}: {reason}")

    def _unexpected(self, received: str) -> InvalidInputError:
        shown = received if len(received) <= _LONGEST_QUOTE else f"{received[:_LONGEST_QUOTE]}…"
        return InvalidInputError(
            f"{self._address}: must answer as TensorFlow Serving's REST API does. "
            f"Received: {shown}."
        )


def _instances(signature: str, examples: Sequence[ExampleAnswer]) -> tuple[str, list[Any]]:
    """Inputs in JSON's row format, one for each example, and the key that they stand under."""
    if signature == "classify":
        return "examples", [{"text": example.text} for example in examples]
    if signature == "serving_default":
        return "instances", padded_ids(examples).tolist()
    if signature == "tokens":
        return "instances", [" ".join(example.tokens) for example in examples]
    return "instances", [example.text for example in examples]

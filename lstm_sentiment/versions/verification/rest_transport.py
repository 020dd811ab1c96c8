"""The transport to a version over a server's REST API."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from lstm_sentiment.client.rest_client import RestClient
from lstm_sentiment.version_folder import (
    CLASSIFY,
    EXPLAIN,
    ExampleAnswer,
)
from lstm_sentiment.versions.verification.answers import Answers, Expectation, answers_from
from lstm_sentiment.versions.verification.transports import IDS_SIGNATURES, padded_ids

REST_RULE = "must answer as TensorFlow Serving's REST API does"
"""The rule for answers of `RestClient`."""


class RestTransport:
    """Calls to a server over REST."""

    name = "rest"

    def __init__(
        self,
        client: RestClient,
        model_name: str,
        *,
        version: int | None,
        version_label: str | None,
    ) -> None:
        """Prepares the URL of the version to verify.

        Args:
            client: A client of the server, with `REST_RULE`.
            model_name: The model's name on the server.
            version: The version to ask for, by its URL.
            version_label: The version label to ask for instead. Without either, the highest version
                answers.
        """
        choice = "" if version_label is None else f"/labels/{quote(version_label, safe='')}"
        choice = choice if version is None else f"/versions/{version}"
        self._client = client
        self._path = f"/v1/models/{quote(model_name, safe='')}{choice}"
        self._asked_version = version

    def ask(self, signature: str, expected: Expectation) -> Answers:
        """Sends all examples, see `Transport.ask`."""
        examples = expected.examples
        parts = [[one] for one in examples] if signature == EXPLAIN else [examples]
        answers = [self._columns(signature, part) for part in parts]
        columns = {
            name: [row for columns in answers for row in columns.get(name, ())]
            for name in answers[0]
        }
        return answers_from(signature, columns, expected.temperature, self.version())

    def _columns(self, signature: str, examples: Sequence[ExampleAnswer]) -> dict[str, list[Any]]:
        """Returns the outputs of one request by name, a row for each example."""
        is_classify = signature == CLASSIFY
        key, instances = _instances(signature, examples)
        answer = self._client.post(
            self._path + (":classify" if is_classify else ":predict"),
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
            raise self._client.unexpected(json.dumps(answer, ensure_ascii=False)) from error
        if len(rows) != len(examples):
            raise self._client.unexpected(f"{len(rows)} answers to {len(examples)} texts")
        return columns

    def version(self) -> int | None:
        """Returns the version that answers; only the model's status names it.

        Raises:
            LstmSentimentError: If the server does not tell it.
        """
        if self._asked_version is not None:
            return self._asked_version
        answer = self._client.get(self._path)
        try:
            statuses = answer["model_version_status"]
            available = [int(s["version"]) for s in statuses if s["state"] == "AVAILABLE"]
        except (KeyError, TypeError, ValueError) as error:
            raise self._client.unexpected(json.dumps(answer, ensure_ascii=False)) from error
        return max(available, default=None)


def _instances(signature: str, examples: Sequence[ExampleAnswer]) -> tuple[str, list[Any]]:
    """Returns the key of the request's body and the inputs, one for each example."""
    if signature == CLASSIFY:
        return "examples", [{"text": example.text} for example in examples]
    if signature in IDS_SIGNATURES:
        return "instances", padded_ids(examples).tolist()
    if signature == "tokens":
        return "instances", [" ".join(example.tokens) for example in examples]
    return "instances", [example.text for example in examples]

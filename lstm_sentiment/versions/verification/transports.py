"""Transports to a version: the saved model in this process, and a server's gRPC."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.client.predict_client import PredictClient, Prediction
from lstm_sentiment.protocol.example_pb2 import Example
from lstm_sentiment.text.padding import pad_token_ids
from lstm_sentiment.version_folder import (
    CLASSIFY,
    DEFAULT_SIGNATURE_KEY,
    EXPLAIN,
    IDS,
    TEXT,
    TOKENS,
    ExampleAnswer,
    probabilities_of,
)
from lstm_sentiment.versions.loading import load_servable
from lstm_sentiment.versions.verification.answers import Answers, Expectation, answers_from

LIGHT_TWIN = "light twin"
"""Name of the transport to the light engine in results."""

SIGNATURES = (TEXT, TOKENS, DEFAULT_SIGNATURE_KEY, IDS, CLASSIFY, EXPLAIN)
"""The signatures that are verified if a version has them."""


IDS_SIGNATURES = (DEFAULT_SIGNATURE_KEY, IDS)
"""Those of them that take token ids."""


class Transport(Protocol):
    """A connection to a version, over which its signatures are called."""

    @property
    def name(self) -> str:
        """The name in results."""
        ...

    def ask(self, signature: str, expected: Expectation) -> Answers:
        """Sends all examples at once to one of `SIGNATURES`; to `explain` of a server, one by one.

        In versions of earlier releases, the shape of an explanation depends on the texts.
        TensorFlow Serving can fail where it splits a request to such a version.

        Raises:
            LstmSentimentError: If there is no answer, or the answer is malformed.
        """
        ...


class LocalTransport:
    """Calls to a version loaded into this process by one engine.

    Attributes:
        name: `saved model` for TensorFlow, `light twin` for the light engine.
    """

    def __init__(self, version_dir: Path, engine: Literal["light", "tensorflow"]) -> None:
        """Loads the version.

        Raises:
            ServableUnavailableError: If the version cannot be loaded.
            MissingExtraError: If the engine is not installed.
        """
        self.name = LIGHT_TWIN if engine == "light" else "saved model"
        self._servable = load_servable(version_dir, engine)

    @property
    def signatures(self) -> tuple[str, ...]:
        """The version's signatures that are among `SIGNATURES`.

        The default one is among them where it is of token ids; else it is the same as `text`.
        """
        found = [key for key in SIGNATURES if key in self._servable.signatures]
        if IDS in found:
            found.remove(DEFAULT_SIGNATURE_KEY)
        return tuple(found)

    def ask(self, signature: str, expected: Expectation) -> Answers:
        """Sends all examples at once, see `Transport.ask`."""
        outputs = self._servable.run(signature, _arrays(signature, expected.examples))
        columns = {name: _as_json(array) for name, array in outputs.items()}
        return answers_from(signature, columns, expected.temperature)


class GrpcTransport:
    """Calls to a server over gRPC."""

    name = "grpc"

    def __init__(self, client: PredictClient) -> None:
        """Stores a client of the version to verify; its owner closes it."""
        self._client = client

    def ask(self, signature: str, expected: Expectation) -> Answers:
        """Sends all examples, see `Transport.ask`."""
        if signature in IDS_SIGNATURES:
            scored = self._client.predict_ids(padded_ids(expected.examples), signature=signature)
            logits = [row.predict_scores for row in scored]
            return Answers(
                probabilities_of(logits, expected.temperature).tolist(),
                classifications=[row.predict_classification for row in scored],
                version=scored[0].model_version,
            )
        if signature == EXPLAIN:
            # One by one: see `Transport.ask`.
            explained = [self._client.explain([one.text])[0] for one in expected.examples]
            return Answers(
                [row.probabilities for row in explained],
                labels=[row.label for row in explained],
                tokens=[row.tokens for row in explained],
                version=explained[0].model_version,
            )
        predicted = self._predictions(signature, expected.examples)
        return Answers(
            [row.probabilities for row in predicted],
            labels=[row.label for row in predicted],
            classifications=[row.classification for row in predicted],
            version=predicted[0].model_version,
        )

    def _predictions(self, signature: str, examples: Sequence[ExampleAnswer]) -> list[Prediction]:
        texts = [example.text for example in examples]
        if signature == CLASSIFY:
            return self._client.classify(texts)
        if signature == TOKENS:
            segmented = [" ".join(example.tokens) for example in examples]
            return self._client.predict(segmented, signature=TOKENS)
        return self._client.predict(texts)


def padded_ids(examples: Sequence[ExampleAnswer]) -> NDArray[np.int64]:
    """Returns the token ids of all examples, padded with 0 on the right: int64 `(batch, time)`."""
    ids = [example.token_ids for example in examples]
    return pad_token_ids(ids, max(1, *map(len, ids))).astype(np.int64)


def _arrays(signature: str, examples: Sequence[ExampleAnswer]) -> dict[str, NDArray[Any]]:
    """Returns the inputs of a signature, by name."""
    if signature in IDS_SIGNATURES:
        return {"input_sentence": padded_ids(examples)}
    if signature == CLASSIFY:
        values = [_serialized(example.text) for example in examples]
        return {"inputs": np.array(values, dtype=object)}
    if signature == TOKENS:
        segmented = [" ".join(example.tokens).encode() for example in examples]
        return {"tokens": np.array(segmented, dtype=object)}
    return {"text": np.array([example.text.encode() for example in examples], dtype=object)}


def _serialized(text: str) -> bytes:
    example = Example()
    example.features.feature["text"].bytes_list.value.append(text.encode())
    serialized: bytes = example.SerializeToString()
    return serialized


def _as_json(array: NDArray[Any]) -> Any:
    """Converts an array to nested lists, and bytes to strings."""
    if array.dtype.kind in "OS":
        decoded = [value.decode("utf-8", "replace") for value in array.ravel()]
        return np.array(decoded, dtype=object).reshape(array.shape).tolist()
    return array.tolist()

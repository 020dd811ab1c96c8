"""Compares the answers of the light engine with those of training, in the version's card."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.dtypes import dtype_of_array
from lstm_sentiment.protocol.example_pb2 import Example
from lstm_sentiment.serving.inference.examples import TEXT_FEATURE
from lstm_sentiment.serving.light.servable import LightServable
from lstm_sentiment.serving.servable import Array, Servable, TensorInfo
from lstm_sentiment.version_folder import (
    CLASSIFY,
    DEFAULT_SIGNATURE_KEY,
    EXPLAIN,
    IDS,
    TEXT,
    TEXT_STATISTICS,
    TOKENS,
    example_answers,
    ids_signature,
    load_card,
    probabilities_of,
)

TOLERANCE = 1e-4
"""Largest difference of a probability."""


def check_signatures(servable: Servable) -> None:
    """Asks every signature an empty text; compares names, dtypes and shapes with the signature.

    Raises:
        InvalidInputError: If a signature is unknown to the light engine, or has other outputs, as
            in a version of another release.
    """
    example = Example()
    example.features.feature[TEXT_FEATURE].bytes_list.value.append(b"")
    values = {
        ids_signature(servable.signatures): np.zeros((1, 1), np.int64),
        CLASSIFY: np.array([example.SerializeToString()], object),
        **dict.fromkeys((TEXT, TOKENS, EXPLAIN, TEXT_STATISTICS), np.array([b""], object)),
    }
    if IDS in servable.signatures:
        values[DEFAULT_SIGNATURE_KEY] = values[TEXT]
    for key, signature in servable.signatures.items():
        try:
            answer = servable.run(key, dict.fromkeys(signature.inputs, values[key]))
        except KeyError as error:
            raise InvalidInputError(
                f"the light engine must know signature {key!r}. Received: an unknown {error}."
            ) from error
        for name, array in answer.items():
            _check_output(f"output {name!r} of {key!r}", array, signature.outputs[name])


def _check_output(name: str, array: Array, declared: TensorInfo) -> None:
    if dtype_of_array(array.dtype) != declared.dtype:
        raise InvalidInputError(
            f"{name} must have dtype {declared.dtype}. Received: {array.dtype}."
        )
    shape = declared.shape
    if shape is not None and (
        len(shape) != array.ndim
        or any(size not in (None, own) for size, own in zip(shape, array.shape, strict=True))
    ):
        raise InvalidInputError(f"{name} must have shape {shape}. Received: {array.shape}.")


def check_card(servable: LightServable, version_dir: Path, temperature: float) -> None:
    """Asks the texts and ids of a version's card and compares the answers.

    Args:
        servable: The version, loaded by the light engine.
        version_dir: The version's folder.
        temperature: Divisor of the logits before the softmax.

    Raises:
        InvalidInputError: If an answer is another, or the card has no examples.
    """
    examples = example_answers(version_dir, load_card(version_dir))
    if not examples:
        raise InvalidInputError(
            "the version's card must hold examples, to check the light engine's answers. "
            "Received: none."
        )
    expected = np.array([example.probabilities for example in examples])
    texts = [example.text.encode() for example in examples]
    answer = servable.run(TEXT, {"text": np.array(texts, object)})
    _compare(TEXT, answer["probabilities"], expected)
    # One by one: single texts are computed by another network than batches.
    scores = [_scores_of(servable, example.token_ids) for example in examples]
    probabilities = probabilities_of(np.concatenate(scores), temperature)
    _compare(ids_signature(servable.signatures), probabilities, expected)
    by_vectors = servable.scores_by_vectors([example.token_ids for example in examples])
    _compare(EXPLAIN, probabilities_of(by_vectors, temperature), expected)


def _scores_of(servable: Servable, token_ids: Sequence[int]) -> Array:
    key = ids_signature(servable.signatures)
    answer = servable.run(key, {"input_sentence": np.array([token_ids], np.int64)})
    return answer["predict_scores"]


def _compare(signature: str, probabilities: Array, expected: Array) -> None:
    difference = float(np.abs(probabilities - expected).max())
    if not difference <= TOLERANCE:
        raise InvalidInputError(
            f"the light engine's answers by {signature!r} must differ from the card's by at most "
            f"{TOLERANCE}. Received: {difference:.2g}."
        )

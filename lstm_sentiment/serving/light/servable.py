"""A version that answers without TensorFlow, by its light twin."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.light_twin.description import LightTwin
from lstm_sentiment.protocol.saved_model import signature_defs
from lstm_sentiment.protocol.signature_pb2 import SignatureDef
from lstm_sentiment.serving.caller import ANYBODY, Caller
from lstm_sentiment.serving.checked_inputs import check_shapes, checked_inputs
from lstm_sentiment.serving.errors import SignatureNotFoundError
from lstm_sentiment.serving.light.examples import texts_from_examples
from lstm_sentiment.serving.light.explanation import LightAttributions
from lstm_sentiment.serving.light.network import LightNetwork
from lstm_sentiment.serving.light.ngrams import load_views, mixed
from lstm_sentiment.serving.light.text_counts import text_counts
from lstm_sentiment.serving.light.tokenization.tokenizer import load_tokenizer
from lstm_sentiment.serving.servable import Array, Signature, read_signatures
from lstm_sentiment.serving.thread_priority import rest
from lstm_sentiment.version_folder import (
    CLASSIFY,
    DEFAULT_SIGNATURE_KEY,
    EXPLAIN,
    IDS,
    LABELS,
    OOV_ID,
    PAD_ID,
    TEXT,
    TEXT_STATISTICS,
    TOKENS,
    VOCABULARY,
)

Ids = NDArray[np.int32]

_EMPTY_TEXT = np.array([OOV_ID], np.int32)


class LightServable:
    """A version loaded from its light twin; see `export.signatures.ServableModule`. Thread-safe.

    Attributes:
        signatures: The signatures, by key.
        quick_signatures: Those of them that run a short text in about a millisecond.
    """

    quick_signatures = frozenset({DEFAULT_SIGNATURE_KEY, IDS, TEXT, TOKENS, CLASSIFY})

    def __init__(self, version_dir: Path, folder: Path, twin: LightTwin) -> None:
        """Loads the files of a version that `check_digests` has checked.

        Args:
            version_dir: The version's folder.
            folder: The folder of its light twin.
            twin: The twin's description.

        Raises:
            Exception: Nearly any, if a file does not match its description.
        """
        self._signature_defs = signature_defs(version_dir)
        rest()
        self._twin = twin
        self._tokenizer = load_tokenizer(folder, twin.tokenizer, version_dir / VOCABULARY)
        rest()
        self._network = LightNetwork(folder, twin)
        rest()
        self._views = load_views(folder, twin)
        labels = (version_dir / LABELS).read_bytes().splitlines()
        self._labels = np.array(labels, object)
        self.signatures = read_signatures(self._signature_defs)
        self._default = TEXT if IDS in self.signatures else DEFAULT_SIGNATURE_KEY
        self._explained_width = _static_width(self.signatures.get(EXPLAIN))

    @property
    def signature_defs(self) -> Mapping[str, SignatureDef]:
        """The message of each signature, by key."""
        return self._signature_defs

    def run(
        self,
        signature_key: str,
        inputs: Mapping[str, Array],
        *,
        caller: Caller = ANYBODY,
        with_counts: bool = False,
    ) -> dict[str, Array]:
        """Runs a signature, see `Servable.run`.

        A caller's deadline and leaving are noticed between texts, or groups of a few.
        """
        signature = self.signatures.get(signature_key)
        if signature is None:
            raise SignatureNotFoundError(signature_key)
        checked = checked_inputs(signature, inputs)
        check_shapes(checked)
        (values,) = checked.values()
        if signature_key == DEFAULT_SIGNATURE_KEY:
            signature_key = self._default
        if signature_key not in _ANSWERS_TO_TEXTS:
            outputs = _ANSWERS[signature_key](self, values, caller)
            return {name: outputs[name] for name in signature.outputs}
        texts = values.tolist()
        if signature_key == CLASSIFY:
            texts = texts_from_examples(texts)
        rows = self._tokenizer.encode(texts)
        read = [self._read(row) for row in rows]
        outputs = _ANSWERS_TO_TEXTS[signature_key](self, texts, read, caller)
        answer = {name: outputs[name] for name in signature.outputs}
        return answer | text_counts(texts, rows, self._twin.max_length) if with_counts else answer

    def _of_ids(self, token_ids: Array, caller: Caller) -> dict[str, Array]:
        self._check_known(token_ids)
        rows = [row[row != PAD_ID].astype(np.int32) for row in token_ids]
        logits = self._logits([self._read(row) for row in rows], caller)
        return {"predict_classification": logits.argmax(axis=1), "predict_scores": logits}

    def _of_texts(
        self, texts: Sequence[bytes], rows: Sequence[Ids], caller: Caller
    ) -> dict[str, Array]:
        return self._answer(rows, caller)

    def _of_tokens(self, texts: Array, caller: Caller) -> dict[str, Array]:
        rows = self._tokenizer.encode_tokens(texts.tolist())
        return self._answer([self._read(row) for row in rows], caller)

    def _of_examples(
        self, texts: Sequence[bytes], rows: Sequence[Ids], caller: Caller
    ) -> dict[str, Array]:
        scores = self._answer(rows, caller)["probabilities"]
        return {"classes": np.tile(self._labels, (len(scores), 1)), "scores": scores}

    def _explanations(
        self, texts: Sequence[bytes], rows: Sequence[Ids], caller: Caller
    ) -> dict[str, Array]:
        answer = self._answer(rows, caller)
        width = self._explained_width or max(map(len, rows), default=1)
        tokens = np.full((len(rows), width), b"", object)
        attributions = np.zeros((len(rows), width), np.float32)
        cut = self._tokenizer.tokenize(texts)
        for place, (row, chosen) in enumerate(zip(rows, answer["classification"], strict=True)):
            caller.check_waits()
            read = [token.encode() for token in cut[place][: self._twin.max_length]]
            tokens[place, : len(read)] = read
            attributions[place, : len(row)] = self._attributions_of(row, int(chosen))
        return {**answer, "tokens": tokens, "attributions": attributions}

    def _statistics(self, texts: Array, _: Caller) -> dict[str, Array]:
        counts = self._tokenizer.statistics(texts.tolist(), self._twin.max_length)
        return dict(counts)

    def _read(self, row: Ids) -> Ids:
        """Returns the ids that the model reads."""
        return row[: self._twin.max_length] if len(row) else _EMPTY_TEXT

    def _check_known(self, token_ids: Array) -> None:
        """Refuses ids beyond the vocabulary, worded as by TensorFlow's `Gather`."""
        size = self._twin.vocabulary_size
        unknown = (token_ids < 0) | (token_ids >= size)
        if unknown.any():
            row, step = np.argwhere(unknown)[0]
            raise InvalidInputError(
                f"indices[{row},{step}] = {token_ids[row, step]} is not in [0, {size})"
            )

    def _answer(self, rows: Sequence[Ids], caller: Caller) -> dict[str, Array]:
        logits = self._logits(rows, caller)
        classification = logits.argmax(axis=1)
        scaled = logits / np.float32(self._twin.temperature)
        powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return {
            "label": self._labels[classification],
            "classification": classification,
            "probabilities": powers / powers.sum(axis=1, keepdims=True),
        }

    def _logits(self, rows: Sequence[Ids], caller: Caller) -> NDArray[np.float32]:
        return mixed(self._views, rows, self._network.logits(rows, caller=caller))

    def scores_by_vectors(self, token_ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Computes the scores of texts by the weights that explanations are of."""
        rows = [self._read(np.array(row, np.int32)) for row in token_ids]
        return mixed(self._views, rows, self._network.logits_by_vectors(rows))

    @cached_property
    def _attributions(self) -> LightAttributions:
        return LightAttributions(self._twin.model, self._network.weights())

    def _attributions_of(self, row: Ids, chosen: int) -> Array:
        credits = self._attributions(self._network.vectors(row), chosen)
        of_lstm = credits * (1 - sum(view.share for view in self._views))
        return of_lstm + sum(view.share * view.attributions(row, chosen) for view in self._views)


def _static_width(explain: Signature | None) -> int | None:
    """Returns the width of explanations; `None` if it is that of the longest text of a request.

    Versions of earlier releases declare no width.
    """
    shape = (
        None
        if explain is None or "tokens" not in explain.outputs
        else explain.outputs["tokens"].shape
    )
    return shape[1] if shape is not None and len(shape) == 2 else None


# Not an attribute: methods that refer to the servable would keep it in memory for long.
_ANSWERS: dict[str, Callable[[LightServable, Array, Caller], dict[str, Array]]] = {
    DEFAULT_SIGNATURE_KEY: LightServable._of_ids,
    IDS: LightServable._of_ids,
    TOKENS: LightServable._of_tokens,
    TEXT_STATISTICS: LightServable._statistics,
}
_ANSWERS_TO_TEXTS: dict[
    str,
    Callable[[LightServable, Sequence[bytes], Sequence[Ids], Caller], dict[str, Array]],
] = {
    TEXT: LightServable._of_texts,
    CLASSIFY: LightServable._of_examples,
    EXPLAIN: LightServable._explanations,
}

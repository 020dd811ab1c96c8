"""A model that was trained outside of `fit`, as an export takes it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.display_names import NO_NAMES, DisplayNames
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.export.finite_weights import check_finite_weights
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.text.corpus.duplicates import distinct
from lstm_sentiment.text.corpus.near_duplicates import near_digests
from lstm_sentiment.text.corpus.python_values import labels_of, texts_of
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.training.fit_result import FitResult

_EXAMPLES = 20
_WORDS = 5


@dataclass(frozen=True)
class OwnModel:
    """A trained model with what a version needs beside it; attributes as of `FitResult`.

    Attributes:
        model: A copy, whose word vectors have the precision that a version keeps.
        tokenizer: The tokenizer that the model was trained with.
        label_names: The classes in id order.
        temperature: Divisor of the logits before the softmax.
        examples: Texts whose answers the version keeps.
        texts_seen: Digests of the texts that were learned; `None` if they are unknown.
        data: Fingerprints of texts by name.
        display_names: What people see in the place of the labels.
    """

    model: SentimentModel
    tokenizer: Tokenizer
    label_names: tuple[str, ...]
    temperature: float = 1.0
    examples: tuple[str, ...] = ()
    texts_seen: NDArray[np.uint64] | None = None
    data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    display_names: DisplayNames = NO_NAMES


def to_export(
    result: object,
    *,
    tokenizer: Tokenizer | None,
    label_names: Sequence[Any] | None,
    temperature: float,
    trained_on: Iterable[Any] | None,
) -> FitResult | OwnModel:
    """Returns a classifier as an export takes it; the arguments are those of `export_servable`.

    Raises:
        InvalidInputError: If `result` is nothing that can be exported, has a weight that is not
            finite, or what a model needs beside it is missing or does not fit it.
    """
    if isinstance(result, FitResult):
        if tokenizer is not None or label_names is not None or trained_on is not None:
            raise InvalidInputError(
                "`tokenizer`, `label_names` and `trained_on` must be given with a SentimentModel "
                "alone; a FitResult has its own."
            )
        check_finite_weights(result.model)
        return result
    if not isinstance(result, SentimentModel):
        raise InvalidInputError(_cannot_take(result))
    if not isinstance(tokenizer, Tokenizer):
        raise InvalidInputError(
            "`tokenizer` must be the tokenizer of this package that the model was trained with, "
            "such as UnigramTokenizer: others cannot be part of a version. "
            f"Received: {type(tokenizer).__name__}."
        )
    if label_names is None:
        raise InvalidInputError("`label_names` must name the model's classes in id order.")
    if len(tokenizer.vocabulary) != result.vocabulary_size:
        raise InvalidInputError(
            f"The model must have a word vector for each of the tokenizer's "
            f"{len(tokenizer.vocabulary):,} ids. Received: {result.vocabulary_size:,}."
        )
    check_finite_weights(result)
    learned = None if trained_on is None else texts_of(trained_on, "trained_on")
    model = result.without_cudnn()
    model.embedding.round_to(model.config.embedding_storage)
    return OwnModel(
        model,
        tokenizer,
        tuple(labels_of(label_names, "label_names")),
        temperature,
        _examples(tokenizer, learned),
        None if learned is None else distinct(near_digests(learned)),
    )


def _examples(tokenizer: Tokenizer, learned: Sequence[str] | None) -> tuple[str, ...]:
    """Returns some of the texts; where they are unknown, texts of the vocabulary's first words."""
    texts = [text for text in learned or () if text.strip()][:_EXAMPLES]
    if texts:
        return tuple(texts)
    words = tokenizer.vocabulary.tokens[: _EXAMPLES * _WORDS]
    between = " " if tokenizer.kind == "whitespace" else ""
    parts = (words[start : start + _WORDS] for start in range(0, len(words), _WORDS))
    return tuple(between.join(part) for part in parts)


def _cannot_take(result: object) -> str:
    """Returns what can be exported, and what to do with what was given."""
    kind = type(result).__name__
    hints = {
        "TextClassifier": " Call its method `save`.",
        "PipelineResult": " Its version is in `version_dir`; export its `fit` for another.",
    }
    return (
        "`export_servable` must be given a FitResult, or a SentimentModel with `tokenizer` and "
        "`label_names`. It cannot take other Keras models, functional or sequential, models of "
        "other libraries, or files: signatures are made of the layers of SentimentModel."
        f" Received: {kind}.{hints.get(kind, '')}"
    )

"""Makes the model that is to be trained, with its first weights."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import keras

from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.model.ngram_view import NgramWeights
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.text.vectors.word_vectors import WordVectors
from lstm_sentiment.training.config import ClassWeights, Precision
from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.version_folder import OOV_ID

_RANDOM_EMBEDDING_DIM = 200
_FREQUENT = 2  # in the training texts: one occurrence teaches a word's row nothing but that text


def make_network(
    tokenizer: Tokenizer,
    vectors: WordVectors | None,
    config: ModelConfig,
    num_classes: int,
    *,
    seed: int,
    train_ids: TokenRows,
    ngrams: NgramWeights | None = None,
) -> SentimentModel:
    """Makes the model; call it in the scope of the strategy that is to train it.

    Args:
        tokenizer: Says which token has which id.
        vectors: Pretrained word vectors; `None` begins with random ones, all of which training
            moves.
        config: Sizes and switches.
        num_classes: Number of classes.
        seed: For the rows of tokens that have no vector.
        train_ids: The training texts: a token that has no vector and
            is frequent in them gets a row that training moves.
        ngrams: The n-grams' view, if there is to be one; its share is 0.

    Returns:
        The model, its table of word vectors filled.
    """
    vocabulary = tokenizer.vocabulary
    num_ngrams = 0 if ngrams is None else len(ngrams.keys)
    if vectors is None:
        config = replace(config, trainable_embeddings=True)
        network = SentimentModel(
            len(vocabulary), _RANDOM_EMBEDDING_DIM, num_classes, config, num_ngrams=num_ngrams
        )
    else:
        trained_ids = _ids_to_train(tokenizer, vectors, config, train_ids)
        network = SentimentModel(
            len(vocabulary),
            vectors.dim,
            num_classes,
            config,
            num_trained_rows=len(trained_ids),
            num_ngrams=num_ngrams,
        )
        matrix = vectors.embedding_matrix(vocabulary, spell=tokenizer.spellings, seed=seed)
        network.embedding.load_matrix(matrix, trained_ids)
    if network.ngram_view is not None and ngrams is not None:
        network.ngram_view.load_ngrams(ngrams)
    return network


def _ids_to_train(
    tokenizer: Tokenizer, vectors: WordVectors, config: ModelConfig, train_ids: TokenRows
) -> list[int]:
    """The tokens whose rows training moves: the frequent ones, or those of them without a vector.

    Where all may move, the other rows would not either, or only for one text; but Adam would visit
    all of them in every step.
    """
    vocabulary = tokenizer.vocabulary
    counts = train_ids.counts(len(vocabulary))
    candidates = (
        range(OOV_ID, len(vocabulary))
        if config.trainable_embeddings
        else vectors.ids_without_vector(vocabulary, spell=tokenizer.spellings)
    )
    return [token_id for token_id in candidates if counts[token_id] >= _FREQUENT]


@contextmanager
def precision_scope(precision: Precision) -> Iterator[None]:
    """Makes layers built within compute in `precision`."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def class_weights_of(
    labels: Sequence[int], num_classes: int, kind: ClassWeights
) -> list[float] | None:
    """What a text of each class weighs in the loss.

    Args:
        labels: The training texts' label ids.
        num_classes: Number of classes.
        kind: `balanced` gives each class the same weight in total, and the texts 1 on average;
            `none` gives `None`.
    """
    if kind == "none":
        return None
    counts = Counter(labels)
    return [
        len(labels) / (len(counts) * counts[label]) if counts[label] else 1.0
        for label in range(num_classes)
    ]

"""The model to train, with its first weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import keras

from lstm_sentiment.model.character_view import CharacterWeights
from lstm_sentiment.model.ngram_view import NgramWeights
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.text.vectors.word_vectors import WordVectors
from lstm_sentiment.training.characters import settled_character_ngrams
from lstm_sentiment.training.config import Precision
from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.training.run import TrainingRun
from lstm_sentiment.version_folder import OOV_ID

_RANDOM_EMBEDDING_DIM = 200
_FREQUENT = 2  # occurrences in the training texts: with fewer, a row would only memorize a text


def make_network(
    run: TrainingRun,
    train_ids: TokenRows,
    views: tuple[NgramWeights | None, CharacterWeights | None],
) -> SentimentModel:
    """Makes a run's model; must be called in the scope of the strategy that trains it.

    Without pretrained vectors, all rows of word vectors are random and trained. With them, rows are
    trained for frequent tokens of `train_ids` that have no vector. The linear views of `fit_views`
    begin with a share of 0.
    """
    vocabulary, vectors = run.tokenizer.vocabulary, run.vectors
    config = settled_character_ngrams(run.model, run.tokenizer)
    ngrams, characters = views
    trained_ids: list[int] = []
    if vectors is None:
        config = replace(config, trainable_embeddings=True)
    else:
        trained_ids = _ids_to_train(run, vectors, train_ids)
    network = SentimentModel(
        len(vocabulary),
        _RANDOM_EMBEDDING_DIM if vectors is None else vectors.dim,
        len(run.train.label_names),
        config,
        num_trained_rows=len(trained_ids),
        num_ngrams=0 if ngrams is None else len(ngrams.keys),
        character_sizes=None if characters is None else characters.sizes,
    )
    if vectors is not None:
        spell, seed = run.tokenizer.spellings, run.orders.training.seed
        matrix = vectors.embedding_matrix(vocabulary, spell=spell, seed=seed)
        network.embedding.load_matrix(matrix, trained_ids)
    if network.ngram_view is not None and ngrams is not None:
        network.ngram_view.load_ngrams(ngrams)
    if network.character_view is not None and characters is not None:
        network.character_view.load_characters(characters)
    return network


def _ids_to_train(run: TrainingRun, vectors: WordVectors, train_ids: TokenRows) -> list[int]:
    """Returns the tokens whose rows are trained: the frequent ones without a vector, or all.

    Rare tokens never get such a row, even where all may: it would learn from one text alone, and
    Adam would update it in every step.
    """
    vocabulary = run.tokenizer.vocabulary
    counts = train_ids.counts(len(vocabulary))
    candidates = (
        range(OOV_ID, len(vocabulary))
        if run.model.trainable_embeddings
        else vectors.ids_without_vector(vocabulary, spell=run.tokenizer.spellings)
    )
    return [token_id for token_id in candidates if counts[token_id] >= _FREQUENT]


@contextmanager
def precision_scope(precision: Precision) -> Iterator[None]:
    """Sets the Keras dtype policy of layers that are built within."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)

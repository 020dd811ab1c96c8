"""Trains a classifier on a corpus in memory, by the steps of a run but without its files."""

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.pipeline.corpora import clean_corpus, without_near_duplicates
from lstm_sentiment.pipeline.run_texts import load_given_vectors
from lstm_sentiment.pipeline.words import make_words
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.sample import sampled_texts
from lstm_sentiment.text.vectors.word_vectors import WordVectors
from lstm_sentiment.training import fit as training_fit
from lstm_sentiment.training.fit_result import FitResult
from lstm_sentiment.training.folds import number_of_folds


def fit_corpus(
    config: PipelineConfig,
    corpus: Corpus,
    *,
    vectors: WordVectors | None = None,
    dev_fraction: float = 0.1,
    progress: Progress = SILENT,
) -> FitResult:
    """Cleans and splits a corpus, makes the tokenizer and the word vectors, and trains.

    Empty, repeated and contradictory texts are left out, as are training texts that differ from a
    dev text in punctuation alone. There is no test set: hold texts out before, and give them to
    `FitResult.evaluate`.

    Args:
        config: Settings of model, training, tokenizer and vectors; those of files are not used,
            but for `vectors` and `dictionary`.
        corpus: Labelled texts.
        vectors: Word vectors in memory, in the place of those of `config.vectors`.
        dev_fraction: Share of each class in the dev set, which decides when to stop.
        progress: Reports every long step, and what is dropped and chosen.

    Raises:
        InvalidInputError: If every text is empty, there are fewer than two classes, a class has too
            few texts, or a setting breaks its rule.
    """
    corpus.require_classes()
    if not any(corpus.texts):
        raise InvalidInputError(
            f"Some texts must not be empty. Received: {len(corpus):,} empty texts."
        )
    if not 0 < dev_fraction < 1:
        raise InvalidInputError(
            f"`dev_fraction` must be above 0 and below 1. Received: {dev_fraction}."
        )
    train, dev, _ = clean_corpus(corpus, progress).split(
        seed=config.training.seed if config.split_seed is None else config.split_seed,
        dev_fraction=dev_fraction,
        test_fraction=0.0,
    )
    train = without_near_duplicates(train, "training", (dev,), progress)
    if vectors is None:
        vectors = load_given_vectors(config, progress)
    folds = number_of_folds(
        config.training.cross_validation, train_texts=len(train), dev_texts=len(dev)
    )
    texts = sampled_texts(
        train.texts,
        dev.texts if folds else (),
        most_texts=config.vector_training.most_texts,
        most_characters=config.vector_training.most_characters,
        seed=config.training.seed,
        progress=progress,
    )
    tokenizer, vectors = make_words(config, texts, vectors, None, cache_dir=None, progress=progress)
    return training_fit.fit(
        train,
        dev,
        tokenizer=tokenizer,
        vectors=vectors,
        model=config.model,
        training=config.training,
        progress=progress,
    )

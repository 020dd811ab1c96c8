"""Building a vocabulary from a corpus, where no pretrained vectors bring one."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import SILENT, Progress, in_parts
from lstm_sentiment.text.scripts import spread
from lstm_sentiment.text.tokenizer import Tokenizer, make_tokenizer
from lstm_sentiment.text.tokenizer_options import DEFAULT_NORMALIZATION, TokenizerKind
from lstm_sentiment.text.vocabulary import Vocabulary
from lstm_sentiment.unicode import UNSPACED_SCRIPTS
from lstm_sentiment.version_folder import OOV_ID

_UNSPACED_CHARACTER = re.compile(f"[{UNSPACED_SCRIPTS}]")
# A run of other letters and digits, or any one character.
_WORD_OF_A_RUN = re.compile(rf"(?:(?![{UNSPACED_SCRIPTS}])[^\W_])+|.", re.DOTALL)
_TEXTS_AT_ONCE = 2_000


def build_vocabulary(
    texts: Sequence[str],
    kind: TokenizerKind,
    *,
    min_count: int = 2,
    normalization: str = DEFAULT_NORMALIZATION,
    word_counts: Mapping[str, float] | None = None,
    progress: Progress = SILENT,
) -> Vocabulary:
    """Builds a vocabulary of the words in training texts, the most frequent first.

    For `unigram`, texts are segmented by jieba's dictionary of Chinese (rjieba), or by
    `word_counts`. In scripts that the dictionary does not cover, such as kana or Thai, each
    character counts as a word, so use pretrained word vectors for these languages. For `whitespace`
    and `characters`, texts are segmented by the tokenizer itself.

    After the words of `unigram` come characters of scripts without spaces that occur `min_count`
    times, but only inside of words. So a rarer word is read as its characters.

    Args:
        texts: Training texts only: a word of a test text must stay unknown.
        kind: The tokenizer that will use the vocabulary.
        min_count: Rarer words are left out, and so share the row of unknown tokens.
        normalization: The tokenizer's normalization.
        word_counts: For `unigram`, a dictionary to segment by: see `load_word_counts`.
        progress: Counts the texts.

    Raises:
        InvalidInputError: If no word occurs `min_count` times, or rjieba is not installed.
    """
    # Only the tokenizer's normalization and segmentation are used, so any vocabulary will do.
    rule = make_tokenizer(
        kind, Vocabulary(["."]), normalization=normalization, word_counts=word_counts
    )
    known = _dictionary_words(rule)
    counts: Counter[str] = Counter()
    for part in in_parts(texts, _TEXTS_AT_ONCE, "Counting words", progress):
        if kind == "unigram" and word_counts is None:
            counts.update(_cut_by_jieba(rule, part))
        else:
            counts.update(_cut_by_rule(rule, part, known))
    words = [word for word, count in counts.most_common() if count >= min_count]
    if kind == "unigram":
        words += _characters_of(counts, words, min_count)
    if not words:
        raise InvalidInputError(
            f"At least one word must occur {min_count} times in the training texts. "
            f"Received: {len(texts)} texts with {len(counts)} different words."
        )
    return Vocabulary(words)


def _characters_of(counts: Mapping[str, int], words: Sequence[str], min_count: int) -> list[str]:
    """Returns the characters of scripts without spaces that a vocabulary of words still lacks.

    Rarer words are then read as their characters.
    """
    characters: Counter[str] = Counter()
    for word, count in counts.items():
        for character in _UNSPACED_CHARACTER.findall(word):
            characters[character] += count
    known = set(words)
    return [
        character
        for character, count in characters.most_common()
        if count >= min_count and character not in known
    ]


class UnknownTokens(NamedTuple):
    """The tokens of texts that are not in the vocabulary.

    Attributes:
        frequent: Those that occur often, the most frequent first.
        known_share: Share of all tokens that are in the vocabulary, from 0 to 1.
    """

    frequent: list[str]
    known_share: float


def frequent_unknown_tokens(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    *,
    min_count: int = 5,
    progress: Progress = SILENT,
) -> list[str]:
    """Returns `find_unknown_tokens(...).frequent`."""
    return find_unknown_tokens(tokenizer, texts, min_count=min_count, progress=progress).frequent


def find_unknown_tokens(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    *,
    min_count: int = 5,
    progress: Progress = SILENT,
) -> UnknownTokens:
    """Finds the tokens that occur at least `min_count` times but are not in the vocabulary.

    Args:
        tokenizer: For example with the vocabulary of pretrained word vectors.
        texts: Training texts only.
        min_count: Occurrences in `texts`.
        progress: Counts the texts.

    Returns:
        The tokens, and the share of them that is in the vocabulary.
    """
    known = _dictionary_words(tokenizer)
    counts: Counter[str] = Counter()
    all_tokens = all_unknown = 0
    for part in in_parts(texts, _TEXTS_AT_ONCE, "Counting words", progress):
        tokens = tokenizer.segment(tokenizer.normalize(tf.constant(part)))
        unknown = tokenizer.look_up(tokens).flat_values == OOV_ID
        found = tf.boolean_mask(tokens.flat_values, unknown)
        all_tokens += len(tokens.flat_values)
        all_unknown += len(found)
        counts.update(_words_of(found, tokenizer.kind, known))
    frequent = [
        token
        for token, count in counts.most_common()
        if count >= min_count and token not in tokenizer.vocabulary
    ]
    return UnknownTokens(frequent, 1 - all_unknown / max(1, all_tokens))


def dictionary_share(tokenizer: Tokenizer, texts: Sequence[str]) -> float:
    """Returns the share of the characters of texts that words of the dictionary make up.

    Up to 2,000 texts, spread evenly, are looked at.

    Args:
        tokenizer: With a dictionary, which is its `word_counts`.
        texts: Valid Unicode.
    """
    known = _dictionary_words(tokenizer)
    sample = list(spread(texts))
    tokens = tokenizer.segment(tokenizer.normalize(tf.constant(sample))).flat_values.numpy()
    lengths = [(len(word), word in known) for word in (token.decode() for token in tokens)]
    covered = sum(length for length, is_known in lengths if is_known)
    return covered / max(1, sum(length for length, _ in lengths))


def _dictionary_words(tokenizer: Tokenizer) -> frozenset[str]:
    """Returns the normalized words of the tokenizer's dictionary, if any."""
    return frozenset(tokenizer.spellings(list(tokenizer.options().get("word_counts") or ())))


def _cut_by_rule(
    tokenizer: Tokenizer, texts: Sequence[str], known: frozenset[str]
) -> Iterator[str]:
    tokens = tokenizer.segment(tokenizer.normalize(tf.constant(texts)))
    return _words_of(tokens.flat_values, tokenizer.kind, known)


def _cut_by_jieba(tokenizer: Tokenizer, texts: Sequence[str]) -> Iterator[str]:
    try:
        import rjieba
    except ImportError as error:
        raise InvalidInputError(
            "Finding the words of texts written without spaces needs the `vectors` extra: "
            "pip install 'lstm-sentiment[vectors]' (or give word vectors with `--vectors`, a "
            "dictionary with `--set dictionary=FILE`, or `--tokenizer characters`)."
        ) from error
    for text in tokenizer.normalize(tf.constant(texts)).numpy():
        yield from (word for word in rjieba.cut(text.decode(), False) if word.strip())


def _words_of(tokens: tf.Tensor, kind: TokenizerKind, known: frozenset[str]) -> Iterator[str]:
    """Yields the words of tokens: an unknown token of `unigram` is a run of several words."""
    for token in (token.decode() for token in tokens.numpy()):
        if kind != "unigram" or token in known:
            yield token
        else:
            yield from _WORD_OF_A_RUN.findall(token)

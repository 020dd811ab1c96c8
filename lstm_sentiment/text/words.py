"""Which words a corpus has: the vocabulary where no pretrained vectors bring one."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import tensorflow as tf

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.tokenizer import TokenizerKind, make_tokenizer
from lstm_sentiment.text.vocabulary import Vocabulary

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_OTHER_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff]"
    # Thai, Lao, Tibetan, Burmese, Khmer, Japanese kana
)
_LETTER = re.compile(r"[^\W\d_]")
_SAMPLE = 2_000
_UNSPACED_SHARE = 0.3


def unspaced_share(texts: Sequence[str]) -> float:
    """The share of letters that belong to scripts written without spaces.

    Chinese, Japanese, Thai, Lao, Tibetan, Burmese and Khmer are; Korean is not.

    Args:
        texts: Up to 2,000 of them are looked at, spread evenly.

    Returns:
        From 0 to 1; 0 where there are no letters.
    """
    sample = _sample(texts)
    letters = len(_LETTER.findall(sample))
    unspaced = len(_HAN.findall(sample)) + len(_OTHER_UNSPACED.findall(sample))
    return min(1.0, unspaced / letters) if letters else 0.0


def choose_tokenizer(texts: Sequence[str]) -> TokenizerKind:
    """`unigram` for texts written without spaces between words, else `whitespace`."""
    return "unigram" if unspaced_share(texts) >= _UNSPACED_SHARE else "whitespace"


def build_vocabulary(
    texts: Sequence[str],
    kind: TokenizerKind,
    *,
    min_count: int = 2,
    progress: Progress = SILENT,
) -> Vocabulary:
    """Finds the words of training texts, the most frequent first.

    For `unigram`, texts are cut by jieba's dictionary of Chinese (rjieba); of a script that it does
    not know, such as kana or Thai, each character counts as a word, and word vectors of that
    language serve better. For `whitespace` and `characters`, the tokenizer's own rule tells.

    Args:
        texts: Training texts only: a word of a test text must stay unknown.
        kind: The tokenizer that will use the vocabulary.
        min_count: Rarer words are left out, and so share the trained OOV row.
        progress: Told how far the counting is.

    Returns:
        The vocabulary.

    Raises:
        InvalidInputError: If no word occurs `min_count` times, or rjieba is not installed.
    """
    segment = _segmenter(kind)
    counts: Counter[str] = Counter()
    with progress.step("Counting words", len(texts)) as advance:
        for start in range(0, len(texts), _SAMPLE):
            part = texts[start : start + _SAMPLE]
            counts.update(segment(part))
            advance(len(part))
    words = [word for word, count in counts.most_common() if count >= min_count]
    if not words:
        raise InvalidInputError(
            f"At least one word must occur {min_count} times in the training texts. "
            f"Received: {len(texts)} texts with {len(counts)} different words."
        )
    return Vocabulary(words)


Segmenter = Callable[[Sequence[str]], Iterable[str]]


def _segmenter(kind: TokenizerKind) -> Segmenter:
    """What cuts raw texts into words, before there is a vocabulary."""
    # Normalizing and splitting need no vocabulary; a tokenizer without one cannot be made.
    tokenizer = make_tokenizer(kind, Vocabulary(["."]))
    if kind != "unigram":

        def by_rule(part: Sequence[str]) -> Iterable[str]:
            tokens = tokenizer.segment(tokenizer.normalize(tf.constant(part)))
            return (token.decode() for token in tokens.flat_values.numpy())

        return by_rule

    def by_words(part: Sequence[str]) -> Iterable[str]:
        normalized = tokenizer.normalize(tf.constant(part)).numpy()
        return (
            word for text in normalized for word in _dictionary_words(text.decode()) if word.strip()
        )

    return by_words


def _dictionary_words(text: str) -> list[str]:
    try:
        import rjieba
    except ImportError as error:
        raise InvalidInputError(
            "Finding the words of texts written without spaces needs the `vectors` extra: "
            "pip install 'lstm-sentiment[vectors]' (or give word vectors with `--vectors`, or "
            "`--tokenizer characters`)."
        ) from error
    words: list[str] = rjieba.cut(text, False)
    return words


def _sample(texts: Sequence[str]) -> str:
    return "".join(texts[:: max(1, len(texts) // _SAMPLE)])

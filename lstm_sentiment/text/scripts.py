"""Detects the scripts of texts and chooses the tokenizer; imports no TensorFlow."""

import re
from collections.abc import Sequence
from typing import Literal

from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.tokenizer_options import TokenizerKind
from lstm_sentiment.unicode import UNSPACED_SCRIPTS

_UNSPACED_CHARACTER = re.compile(f"[{UNSPACED_SCRIPTS}]")
_LETTER = re.compile(r"[^\W\d_]")
_SAMPLE = 2_000
_UNSPACED_SHARE = 0.3


def unspaced_share(texts: Sequence[str]) -> float:
    """Returns the share of letters in scripts written without spaces, 0 without any letter.

    Such scripts are Chinese, Japanese, Thai, Lao, Tibetan, Burmese and Khmer; Korean is not. Up to
    2,000 texts, spread evenly, are counted.
    """
    sample = "".join(spread(texts))
    letters = len(_LETTER.findall(sample))
    unspaced = len(_UNSPACED_CHARACTER.findall(sample))
    return min(1.0, unspaced / letters) if letters else 0.0


def choose_tokenizer(texts: Sequence[str]) -> TokenizerKind:
    """Returns `unigram` for texts written without spaces between words, else `whitespace`."""
    return "unigram" if unspaced_share(texts) >= _UNSPACED_SHARE else "whitespace"


def tokenizer_kind(
    name: TokenizerKind | Literal["auto"], texts: Sequence[str], progress: Progress = SILENT
) -> TokenizerKind:
    """Returns `name`, or for `auto` the choice of `choose_tokenizer`, reported to `progress`."""
    if name != "auto":
        return name
    kind = choose_tokenizer(texts)
    progress.say(
        f"Tokenizer: {kind}, as {unspaced_share(texts):.0%} of the letters belong to "
        "scripts written without spaces"
    )
    return kind


def spread(texts: Sequence[str]) -> Sequence[str]:
    """Returns some 2,000 to 4,000 of the texts, spread evenly, or all of fewer."""
    return texts[:: max(1, len(texts) // _SAMPLE)]

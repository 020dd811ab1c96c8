"""Options of a tokenizer, without TensorFlow, so that flags are checked before its import."""

from typing import Literal, cast, get_args

from lstm_sentiment.checks import one_of

TokenizerKind = Literal["unigram", "whitespace", "characters"]
"""See `UnigramTokenizer`, `WhitespaceTokenizer` and `CharacterTokenizer`."""

Normalization = Literal["none", "width", "nfkc"]
"""See `normalize_texts`."""

Unknown = Literal["run", "character"]
"""See `UnigramTokenizer`."""

DEFAULT_NORMALIZATION: Normalization = "nfkc"
DEFAULT_UNKNOWN: Unknown = "run"


def check_kind(kind: str) -> TokenizerKind:
    """Returns `kind`, or raises `InvalidInputError` if no tokenizer has this name."""
    one_of(get_args(TokenizerKind), tokenizer=kind)
    return cast(TokenizerKind, kind)


def check_normalization(name: str) -> Normalization:
    """Returns `name`, or raises `InvalidInputError` if no normalization has this name."""
    one_of(get_args(Normalization), normalization=name)
    return cast(Normalization, name)


def check_unknown(name: str) -> Unknown:
    """Returns `name`, or raises `InvalidInputError` if it is neither `run` nor `character`."""
    one_of(get_args(Unknown), unknown=name)
    return cast(Unknown, name)

"""What can be chosen of a tokenizer; imports no TensorFlow, so that flags can be checked first."""

from typing import Literal, cast, get_args

from lstm_sentiment.checks import one_of

TokenizerKind = Literal["unigram", "whitespace", "characters"]
"""How text is cut: see `UnigramTokenizer`, `WhitespaceTokenizer` and `CharacterTokenizer`."""

Normalization = Literal["none", "width", "nfkc"]
"""Which spellings count as one: see `normalize_texts`."""

Unknown = Literal["run", "character"]
"""How many OOV a run of unknown characters becomes: see `UnigramTokenizer`."""

DEFAULT_NORMALIZATION: Normalization = "nfkc"
DEFAULT_UNKNOWN: Unknown = "run"


def check_kind(kind: str) -> TokenizerKind:
    """Checks the name of a tokenizer.

    Raises:
        InvalidInputError: If `kind` is none of the choices.
    """
    one_of(get_args(TokenizerKind), tokenizer=kind)
    return cast(TokenizerKind, kind)


def check_normalization(name: str) -> Normalization:
    """Checks the name of a normalization.

    Raises:
        InvalidInputError: If `name` is none of the choices.
    """
    one_of(get_args(Normalization), normalization=name)
    return cast(Normalization, name)


def check_unknown(name: str) -> Unknown:
    """Checks what unknown runs shall become.

    Raises:
        InvalidInputError: If `name` is none of the choices.
    """
    one_of(get_args(Unknown), unknown=name)
    return cast(Unknown, name)

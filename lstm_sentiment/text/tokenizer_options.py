"""What can be chosen of a tokenizer; imports no TensorFlow, so that flags can be checked first."""

from typing import Literal, cast, get_args

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.suggestions import not_among

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
    return cast(TokenizerKind, _checked("tokenizer", get_args(TokenizerKind), kind))


def check_normalization(name: str) -> Normalization:
    """Checks the name of a normalization.

    Raises:
        InvalidInputError: If `name` is none of the choices.
    """
    return cast(Normalization, _checked("normalization", get_args(Normalization), name))


def check_unknown(name: str) -> Unknown:
    """Checks what unknown runs shall become.

    Raises:
        InvalidInputError: If `name` is none of the choices.
    """
    return cast(Unknown, _checked("unknown", get_args(Unknown), name))


def _checked(name: str, choices: tuple[str, ...], received: str) -> str:
    if received not in choices:
        raise InvalidInputError(not_among(name, choices, received))
    return received

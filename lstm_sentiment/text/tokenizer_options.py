"""What can be chosen of a tokenizer; imports no TensorFlow, so that flags can be checked first."""

from typing import Literal, get_args

from lstm_sentiment.errors import InvalidInputError

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
    for choice in get_args(TokenizerKind):
        if choice == kind:
            return choice
    raise _unknown_choice("tokenizer", get_args(TokenizerKind), kind)


def check_normalization(name: str) -> Normalization:
    """Checks the name of a normalization.

    Raises:
        InvalidInputError: If `name` is none of the choices.
    """
    for choice in get_args(Normalization):
        if choice == name:
            return choice
    raise _unknown_choice("normalization", get_args(Normalization), name)


def check_unknown(name: str) -> Unknown:
    """Checks what unknown runs shall become.

    Raises:
        InvalidInputError: If `name` is none of the choices.
    """
    for choice in get_args(Unknown):
        if choice == name:
            return choice
    raise _unknown_choice("unknown", get_args(Unknown), name)


def _unknown_choice(name: str, choices: tuple[str, ...], received: str) -> InvalidInputError:
    return InvalidInputError(
        f"`{name}` must be one of: {', '.join(choices)}. Received: {received!r}."
    )

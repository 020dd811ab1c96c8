"""Counts of a request's texts, which an engine has made while it computed the answer."""

from collections.abc import Mapping
from typing import NamedTuple

from lstm_sentiment.serving.servable import Array, Signature
from lstm_sentiment.version_folder import TokenCounts

NUM_CHARACTERS = "num_characters"

COUNTS = (NUM_CHARACTERS, *TokenCounts.OUTPUTS)
"""Names of the counts among the outputs of `Servable.run(with_counts=True)`, int `(batch,)` each;
those of the signature `text_statistics`."""


class TextCounts(NamedTuple):
    """Counts of texts.

    Attributes:
        characters: Unicode code points of each text, int `(batch,)`; a malformed byte counts as one
            or is part of one.
        tokens: Token counts of each text.
    """

    characters: Array
    tokens: TokenCounts


def take_counts(
    signature: Signature, outputs: Mapping[str, Array]
) -> tuple[Mapping[str, Array], TextCounts | None]:
    """Returns the outputs of a signature, and the counts that were among them.

    Args:
        signature: The signature.
        outputs: What `Servable.run` returned.

    Returns:
        The outputs without counts, and the counts; `None` where the servable has not made any.
    """
    if NUM_CHARACTERS not in outputs or NUM_CHARACTERS in signature.outputs:
        return outputs, None
    characters, *tokens = (outputs[name] for name in COUNTS)
    found = TextCounts(characters, TokenCounts(*tokens))
    return {name: outputs[name] for name in signature.outputs}, found

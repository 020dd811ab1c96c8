"""What the engines are asked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BATCHES = 4
_FIRST_TOKEN = 2  # above the ids of padding and of unknown tokens
_MIXED_TEXTS, _MEDIAN_TOKENS, _SPREAD = 64, 40, 0.8
_FEWEST_TOKENS, _MOST_TOKENS = 5, 200


@dataclass(frozen=True)
class Case:
    """One kind of request.

    Attributes:
        name: Texts and tokens, as printed.
        texts: Of a request.
        is_mixed: Whether the texts' lengths differ.
        batches: Requests that take turns, so that not the same words are looked up each time:
            int64 `(texts, time)`, padded on the right with 0.
    """

    name: str
    texts: int
    is_mixed: bool
    batches: tuple[NDArray[np.int64], ...]


def make_cases(texts: Sequence[int], tokens: int, vocabulary_size: int) -> list[Case]:
    """Draws requests.

    Args:
        texts: Numbers of texts, each a case of its own.
        tokens: Of each text.
        vocabulary_size: Ids are drawn below it, all as often.

    Returns:
        A case for each number of texts, then one of 64 whose lengths are drawn as those of reviews:
        log-normal, half of them of 40 tokens at most, 5 to 200.
    """
    random = np.random.default_rng(0)

    def batch(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        ids = random.integers(_FIRST_TOKEN, vocabulary_size, (len(lengths), lengths.max()))
        return np.where(np.arange(lengths.max()) < lengths[:, np.newaxis], ids, 0)

    def mixed() -> NDArray[np.int64]:
        drawn = np.rint(random.lognormal(np.log(_MEDIAN_TOKENS), _SPREAD, _MIXED_TEXTS))
        return np.clip(drawn.astype(np.int64), _FEWEST_TOKENS, _MOST_TOKENS)

    cases = [
        Case(
            f"{count} text{'s' * (count > 1)} of {tokens} tokens",
            count,
            False,
            tuple(batch(np.full(count, tokens)) for _ in range(_BATCHES)),
        )
        for count in texts
    ]
    batches = tuple(batch(mixed()) for _ in range(_BATCHES))
    return [*cases, Case(f"{_MIXED_TEXTS} texts of mixed lengths", _MIXED_TEXTS, True, batches)]

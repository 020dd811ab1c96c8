"""How training goes."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.model.config import require_positive

StrategyName = Literal["auto", "default", "mirrored"]


@dataclass(frozen=True)
class TrainingConfig:
    """How training goes.

    Attributes:
        epochs: Passes over the training texts, at most.
        batch_size: Texts a step, over all replicas.
        learning_rate: Step size of Adam at the start; it falls to 0 along a cosine.
        gradient_clip_norm: Gradients longer than this are shortened to it.
        patience: Epochs without a lower loss on the dev texts after which training stops.
        seed: Decides initial weights, order and dropout.
        strategy: `auto`, `default` or `mirrored`: see `make_strategy`.
    """

    epochs: int = 8
    batch_size: int = 64
    learning_rate: float = 2e-3
    gradient_clip_norm: float = 1.0
    patience: int = 3
    seed: int = 0
    strategy: str = "auto"

    def __post_init__(self) -> None:
        """Checks every field.

        Raises:
            InvalidInputError: If one is not positive, `seed` is negative, or `strategy` unknown.
        """
        check_strategy(self.strategy)
        for name in ("epochs", "batch_size", "patience"):
            require_positive(name, getattr(self, name))
        for name in ("learning_rate", "gradient_clip_norm"):
            value = getattr(self, name)
            if not (value > 0 and math.isfinite(value)):
                raise InvalidInputError(
                    f"`{name}` must be a positive number. Received: {name}={value}."
                )
        if not 0 <= self.seed < 2**32:
            raise InvalidInputError(
                f"`seed` must be from 0 to 2**32 - 1. Received: seed={self.seed}."
            )


def check_strategy(name: str) -> None:
    """Checks the name of a strategy.

    Raises:
        InvalidInputError: If `name` is none of the choices.
    """
    if name not in get_args(StrategyName):
        raise InvalidInputError(
            f"`strategy` must be one of: {', '.join(get_args(StrategyName))}. Received: {name!r}."
        )

"""The position in a training, and the best epoch so far."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.training.evaluation.epochs import is_as_good


@dataclass
class TrainingState:
    """The position in a training between two steps, but for the variables.

    Attributes:
        step: Steps done, over all epochs.
        sums: Loss, right answers, texts, real tokens and seconds of the current epoch, so far.
        history: Each score's value in each epoch done, by name.
        best: The model's variables at the end of the best epoch.
        best_epoch: The epoch whose weights are kept, from 1; 0 before the first has ended. It is
            the latest one that is as good as that of the lowest dev loss: see `is_as_good`.
        lowest_losses: Cross entropy of each dev text at the end of the epoch with the lowest mean.
    """

    step: int = 0
    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(5))
    history: dict[str, list[float]] = field(default_factory=dict)
    best: list[NDArray[Any]] = field(default_factory=list)
    best_epoch: int = 0
    lowest_losses: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def epochs_done(self) -> int:
        """Number of epochs that have ended."""
        return len(self.history.get("val_loss", ()))

    def judge(self, losses: NDArray[np.float64], variables: list[NDArray[Any]]) -> None:
        """Keeps the model's variables if the epoch that has just ended is as good as the best one.

        Args:
            losses: Cross entropy of each dev text, float `(texts,)`.
            variables: The model's variables.
        """
        is_lowest = not self.best_epoch or losses.mean() < self.lowest_losses.mean()
        if is_lowest or is_as_good(losses, self.lowest_losses):
            self.keep(variables)
        if is_lowest:
            self.lowest_losses = losses

    def keep(self, variables: list[NDArray[Any]]) -> None:
        """Keeps the model's variables as those of the best epoch, which has just ended."""
        self.best, self.best_epoch = variables, self.epochs_done

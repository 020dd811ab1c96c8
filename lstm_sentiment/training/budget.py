"""The training budget: what `auto` means for epochs, batch size and patience."""

from dataclasses import dataclass, replace

from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.training.config import AutoInteger, TrainingConfig

MOST_EPOCHS = 30
"""Most epochs that `auto` chooses: more only memorize the few texts there are."""

# Batch size of `auto` for fewer training texts than the number before it.
_BATCH_SIZES = ((1_500, 8), (2_500, 16), (5_000, 32))
_LARGEST_BATCH = 64
_LEAST_PATIENCE = 3
_PATIENT_SHARE = (3, 8)  # of the epochs: before that, the learning rate is still high


@dataclass(frozen=True)
class Budget:
    """How long a training may last.

    Attributes:
        epochs: Largest number of passes over the training texts.
        batch_size: Global batch size, over all replicas, in texts.
        patience: Epochs without a lower dev loss after which training stops.
    """

    epochs: int
    batch_size: int
    patience: int

    def steps(self, texts: int) -> int:
        """Returns the number of steps with so many training texts."""
        return self.epochs * _batches(texts, self.batch_size)


def budget_for(training: TrainingConfig, texts: int) -> Budget:
    """Returns the training budget for a number of training texts.

    Numbers in `training` are kept. `auto` is chosen in this order: a batch size of 8 for fewer than
    1,500 texts, 16 for fewer than 2,500, 32 for fewer than 5,000, else 64; enough epochs for
    `least_steps` steps, at least `least_epochs` and at most 30, unless `least_epochs` are more; and
    a patience of three eighths of the epochs, at least 3.

    Args:
        training: Settings of training.
        texts: Number of training texts, positive.
    """
    batch_size = _number(training.batch_size, _batch_size(texts))
    enough = -(-training.least_steps // _batches(texts, batch_size))
    epochs = _number(training.epochs, max(training.least_epochs, min(MOST_EPOCHS, enough)))
    part, whole = _PATIENT_SHARE
    patience = _number(training.patience, max(_LEAST_PATIENCE, -(-part * epochs // whole)))
    return Budget(epochs, batch_size, patience)


def settle_budget(
    training: TrainingConfig, texts: int, progress: Progress = SILENT
) -> TrainingConfig:
    """Replaces `auto` in the settings by the numbers of `budget_for`.

    Args:
        training: Settings of training.
        texts: Number of training texts, positive.
        progress: Receives a message with the numbers, if `epochs` or `batch_size` is `auto`.
    """
    budget = budget_for(training, texts)
    if "auto" in (training.epochs, training.batch_size):
        progress.say(
            f"Training budget for {texts:,} training texts: {budget.epochs} epochs of "
            f"{_batches(texts, budget.batch_size):,} batches of {budget.batch_size} texts, "
            f"{budget.steps(texts):,} steps ({_reason(training, budget)})"
        )
    return replace(
        training,
        epochs=budget.epochs,
        batch_size=budget.batch_size,
        patience=budget.patience,
    )


def _reason(training: TrainingConfig, budget: Budget) -> str:
    if training.epochs != "auto":
        return "the batch size follows from the number of texts"
    if budget.epochs == training.least_epochs:
        return (
            f"{training.least_epochs} epochs are the minimum; {training.least_steps:,} steps would "
            "need no more"
        )
    if budget.epochs == MOST_EPOCHS:
        return f"few texts need small batches and many epochs; `auto` goes to {MOST_EPOCHS}"
    return f"as many epochs as {training.least_steps:,} steps take"


def _number(given: AutoInteger, auto: int) -> int:
    return given if isinstance(given, int) else auto


def _batch_size(texts: int) -> int:
    return next((size for most, size in _BATCH_SIZES if texts < most), _LARGEST_BATCH)


def _batches(texts: int, batch_size: int) -> int:
    return -(-texts // batch_size)

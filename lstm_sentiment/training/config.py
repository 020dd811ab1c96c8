"""Settings of training."""

from dataclasses import dataclass
from typing import Literal, get_args

from lstm_sentiment.checks import (
    MAX_SEED,
    in_range,
    one_of,
    positive,
    positive_number,
    positive_number_or_auto,
    positive_or_auto,
    share_below_one,
    share_or_auto,
)
from lstm_sentiment.errors import InvalidInputError

StrategyName = Literal["auto", "default", "mirrored", "multi-worker"]
Schedule = Literal["cosine", "linear", "constant"]
ClassWeights = Literal["auto", "none", "balanced"]
Precision = Literal["float32", "mixed_bfloat16"]
SnapshotUnit = Literal["epochs", "steps"]
AutoInteger = int | Literal["auto"]
"""A positive integer, or `auto`, for which training chooses one."""
AutoNumber = float | Literal["auto"]
"""A positive number, or `auto`, for which training chooses one."""
CrossValidation = Literal["auto", "off"] | int

MOST_FOLDS = 20
_FEWEST_FOLDS = 2


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of training; an `InvalidInputError` names a field that breaks its rule.

    Attributes:
        epochs: Largest number of passes over the training texts. `auto` chooses it from the number
            of training texts: see `budget_for`.
        batch_size: Global batch size, over all replicas, in texts; `auto` as for `epochs`.
        least_steps: Steps for which `auto` epochs are enough, as far as 30 epochs allow.
        least_epochs: Fewest `auto` epochs.
        learning_rate: Peak learning rate of Adam.
        schedule: Decay of the learning rate: to 0 by `cosine` or `linear`, or none (`constant`).
        warmup_share: Share of all steps in which the learning rate rises from 0; at least 0, below
            1.
        gradient_clip_norm: Largest global norm of the gradients; longer ones are scaled down.
        patience: Epochs without a lower dev loss after which training stops; `auto` is three
            eighths of the epochs, at least 3.
        class_weights: `balanced` gives all classes the same total weight in the loss; `none` gives
            all texts the same weight; `auto` chooses: see `choose_class_weights`.
        cross_validation: Number of folds of a cross-validation over training and dev texts: see
            `fit`. `auto` takes 5 where there are fewer than 200 dev texts and at most 3,000
            labelled texts in all, 3 if those with soft labels alone make them more than 3,000, and
            none elsewhere; `off` takes none.
        label_smoothing: Share of each label spread over all classes, at least 0 and below 1.
        average_momentum: Momentum of the moving average of the weights, which is kept in their
            place; at least 0 (no average) and below 1 (https://arxiv.org/abs/1412.6980, section
            7.2).
        precision: `mixed_bfloat16` computes in bfloat16 and keeps the weights in `float32`.
        checkpoint_steps: Steps between checkpoints. `None` writes one at the end of each epoch, and
            one a minute in between.
        teacher_weight: With soft labels, share of the soft label in what is learned of a text that
            has a label too, 0 to 1. `auto` chooses it: see `settle_teacher_weight`.
        teacher_temperature: With soft labels, divisor of the teacher's logits: above 1, the soft
            labels get softer. `auto` fits it on labelled texts: see `settle_teacher`.
        seed: Seed of initial weights, order of the texts and dropout.
        strategy: `auto`, `default`, `mirrored` or `multi-worker`: see `start_workers`.
        logical_devices: Number of logical devices that the CPU is divided into, to try `mirrored`
            without several GPUs. `None` uses the physical devices.
        start_timeout_seconds: Longest wait of a `multi-worker` worker for the others to start.
    """

    epochs: AutoInteger = "auto"
    batch_size: AutoInteger = "auto"
    least_steps: int = 800
    least_epochs: int = 8
    learning_rate: float = 2e-3
    schedule: Schedule = "cosine"
    warmup_share: float = 0.0
    gradient_clip_norm: float = 1.0
    patience: AutoInteger = "auto"
    class_weights: ClassWeights = "auto"
    cross_validation: CrossValidation = "auto"
    label_smoothing: float = 0.0
    average_momentum: float = 0.0
    precision: Precision = "float32"
    checkpoint_steps: int | None = None
    teacher_weight: AutoNumber = "auto"
    teacher_temperature: AutoNumber = "auto"
    seed: int = 0
    strategy: StrategyName = "auto"
    logical_devices: int | None = None
    start_timeout_seconds: float = 300.0

    def __post_init__(self) -> None:
        """Checks all fields."""
        one_of(get_args(StrategyName), strategy=self.strategy)
        one_of(get_args(Schedule), schedule=self.schedule)
        one_of(get_args(ClassWeights), class_weights=self.class_weights)
        one_of(get_args(Precision), precision=self.precision)
        positive_or_auto(epochs=self.epochs, batch_size=self.batch_size, patience=self.patience)
        if self.cross_validation not in ("auto", "off"):
            in_range(_FEWEST_FOLDS, MOST_FOLDS, cross_validation=self.cross_validation)
        positive(
            least_steps=self.least_steps,
            least_epochs=self.least_epochs,
            checkpoint_steps=self.checkpoint_steps,
            logical_devices=self.logical_devices,
        )
        if self.logical_devices is not None and self.strategy not in ("auto", "mirrored"):
            raise InvalidInputError(
                "`logical_devices` must go with the strategy `mirrored`. "
                f"Received: {self.strategy!r}."
            )
        positive_number(
            learning_rate=self.learning_rate,
            gradient_clip_norm=self.gradient_clip_norm,
            start_timeout_seconds=self.start_timeout_seconds,
        )
        share_below_one(
            warmup_share=self.warmup_share,
            label_smoothing=self.label_smoothing,
            average_momentum=self.average_momentum,
        )
        share_or_auto(teacher_weight=self.teacher_weight)
        positive_number_or_auto(teacher_temperature=self.teacher_temperature)
        in_range(0, MAX_SEED, seed=self.seed)


@dataclass(frozen=True)
class SnapshotEvery:
    """Interval between snapshots of the classifier during training.

    Attributes:
        count: Number of units, positive.
        unit: `epochs` or `steps`.
    """

    count: int
    unit: SnapshotUnit = "epochs"

    def __post_init__(self) -> None:
        """Checks both fields."""
        positive(count=self.count)
        one_of(get_args(SnapshotUnit), unit=self.unit)

    def steps(self, steps_an_epoch: int) -> int:
        """Returns the number of steps between two snapshots."""
        return self.count * (steps_an_epoch if self.unit == "epochs" else 1)

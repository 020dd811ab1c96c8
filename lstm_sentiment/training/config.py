"""Settings of training."""

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from lstm_sentiment.checks import one_of
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.ranges import (
    AUTO_EPOCHS,
    BATCH_SIZE,
    CLIP_NORM,
    COUNT,
    EPOCHS,
    LEARNING_RATE,
    SEED,
    SHARE_BELOW_ONE,
    SHARE_OR_AUTO,
    TEMPERATURE,
    TIMEOUT_SECONDS,
    TRAINING_STEPS,
    Range,
    check_fields,
    positive_integers,
)

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

FEWEST_FOLDS, MOST_FOLDS = 2, 20
FOLDS = Range(
    f"an integer from {FEWEST_FOLDS} to {MOST_FOLDS}",
    FEWEST_FOLDS,
    MOST_FOLDS,
    is_integer=True,
    words=("auto", "off"),
)
_LOGICAL_DEVICES = positive_integers(64)


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of training; a value that breaks its rule raises an `InvalidInputError`.

    Attributes:
        epochs: Largest number of passes over the training texts. `auto` chooses it from the number
            of training texts: see `budget_for`.
        batch_size: Global batch size, over all replicas, in texts; `auto` as for `epochs`.
        least_steps: Fewest steps that `auto` epochs reach, unless that takes more than 30 epochs.
        least_epochs: Fewest epochs that `auto` chooses.
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
            `fit`. `auto` uses 5 if there are fewer than 200 dev texts and at most 3,000 labelled
            texts in all, 3 if texts with only a soft label bring their number above 3,000, and
            otherwise none; `off` uses none.
        label_smoothing: Share of each label spread over all classes, at least 0 and below 1.
        average_momentum: Momentum of the moving average of the weights, which is scored and kept
            instead of the weights; at least 0 (no average) and below 1
            (https://arxiv.org/abs/1412.6980, section 7.2).
        precision: `mixed_bfloat16` computes in bfloat16 and keeps the weights in `float32`.
        checkpoint_steps: Steps between checkpoints. `None` writes one at the end of each epoch, and
            once a minute within an epoch.
        teacher_weight: With soft labels, share of the soft label in the target of a text that also
            has a label, 0 to 1. `auto` chooses it: see `settle_teacher_weight`.
        teacher_temperature: With soft labels, divisor of the teacher's logits: above 1, the soft
            labels become softer. `auto` fits it on labelled texts: see `settle_teacher`.
        seed: Seed of initial weights, order of the texts and dropout.
        strategy: `auto`, `default`, `mirrored` or `multi-worker`: see `start_workers`.
        logical_devices: Number of logical devices that the CPU is divided into, to try `mirrored`
            without several GPUs. `None` uses the physical devices.
        start_timeout_seconds: Longest wait of a `multi-worker` worker for the others to start;
            infinity for no limit.
    """

    epochs: Annotated[AutoInteger, AUTO_EPOCHS] = "auto"
    batch_size: Annotated[AutoInteger, BATCH_SIZE] = "auto"
    least_steps: Annotated[int, TRAINING_STEPS] = 800
    least_epochs: Annotated[int, EPOCHS] = 8
    learning_rate: Annotated[float, LEARNING_RATE] = 2e-3
    schedule: Schedule = "cosine"
    warmup_share: Annotated[float, SHARE_BELOW_ONE] = 0.0
    gradient_clip_norm: Annotated[float, CLIP_NORM] = 1.0
    patience: Annotated[AutoInteger, AUTO_EPOCHS] = "auto"
    class_weights: ClassWeights = "auto"
    cross_validation: Annotated[CrossValidation, FOLDS] = "auto"
    label_smoothing: Annotated[float, SHARE_BELOW_ONE] = 0.0
    average_momentum: Annotated[float, SHARE_BELOW_ONE] = 0.0
    precision: Precision = "float32"
    checkpoint_steps: Annotated[int | None, TRAINING_STEPS] = None
    teacher_weight: Annotated[AutoNumber, SHARE_OR_AUTO] = "auto"
    teacher_temperature: Annotated[AutoNumber, TEMPERATURE] = "auto"
    seed: Annotated[int, SEED] = 0
    strategy: StrategyName = "auto"
    logical_devices: Annotated[int | None, _LOGICAL_DEVICES] = None
    start_timeout_seconds: Annotated[float, TIMEOUT_SECONDS] = 300.0

    def __post_init__(self) -> None:
        """Checks all fields."""
        one_of(get_args(StrategyName), strategy=self.strategy)
        one_of(get_args(Schedule), schedule=self.schedule)
        one_of(get_args(ClassWeights), class_weights=self.class_weights)
        one_of(get_args(Precision), precision=self.precision)
        check_fields(self)
        if self.logical_devices is not None and self.strategy not in ("auto", "mirrored"):
            raise InvalidInputError(
                f"`logical_devices` needs the strategy `mirrored`. Received: {self.strategy!r}."
            )


@dataclass(frozen=True)
class SnapshotEvery:
    """Interval between snapshots of the classifier during training.

    Attributes:
        count: Number of units, positive.
        unit: `epochs` or `steps`.
    """

    count: Annotated[int, COUNT]
    unit: SnapshotUnit = "epochs"

    def __post_init__(self) -> None:
        """Checks both fields."""
        check_fields(self)
        one_of(get_args(SnapshotUnit), unit=self.unit)

    def steps(self, steps_an_epoch: int) -> int:
        """Returns the number of steps between two snapshots."""
        return self.count * (steps_an_epoch if self.unit == "epochs" else 1)

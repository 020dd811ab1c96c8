"""How training goes."""

from dataclasses import dataclass
from typing import Literal, get_args

from lstm_sentiment.checks import (
    MAX_SEED,
    in_range,
    one_of,
    positive,
    positive_number,
    share_below_one,
)
from lstm_sentiment.errors import InvalidInputError

StrategyName = Literal["auto", "default", "mirrored", "multi-worker"]
Schedule = Literal["cosine", "linear", "constant"]
ClassWeights = Literal["none", "balanced"]
Precision = Literal["float32", "mixed_bfloat16"]
SnapshotUnit = Literal["epochs", "steps"]


@dataclass(frozen=True)
class TrainingConfig:
    """How training goes.

    Attributes:
        epochs: Passes over the training texts, at most.
        batch_size: Texts a step, over all replicas.
        learning_rate: Step size of Adam at its highest.
        schedule: How the step size falls: to 0 along a `cosine` or `linear`, or not (`constant`).
        warmup_share: Share of all steps in which it first rises from 0, from 0 to below 1.
        gradient_clip_norm: Gradients longer than this are shortened to it.
        patience: Epochs without a lower loss on the dev texts after which training stops.
        class_weights: `balanced` weighs each text by how rare its class is, so that all classes
            weigh alike; `none` weighs all texts alike.
        label_smoothing: Share of each label that is spread over all classes, from 0 to below 1.
        average_momentum: The weights kept are a moving average over the steps with this momentum,
            from 0 (no averaging) to below 1 (https://arxiv.org/abs/1412.6980, section 7.2).
        precision: `mixed_bfloat16` multiplies in bfloat16 and keeps the weights in `float32`.
        checkpoint_steps: Write a checkpoint every so many steps. `None` writes one at the end of
            each epoch, and in between once a minute.
        seed: Decides initial weights, order and dropout.
        strategy: `auto`, `default`, `mirrored` or `multi-worker`: see `start_workers`.
        logical_devices: Train on so many logical devices of the CPU, to try `mirrored` where there
            are not several GPUs. `None` takes the devices there are.
        start_timeout_seconds: For `multi-worker`: how long a worker waits for the others to start.
    """

    epochs: int = 8
    batch_size: int = 64
    learning_rate: float = 2e-3
    schedule: Schedule = "cosine"
    warmup_share: float = 0.0
    gradient_clip_norm: float = 1.0
    patience: int = 3
    class_weights: ClassWeights = "none"
    label_smoothing: float = 0.0
    average_momentum: float = 0.0
    precision: Precision = "float32"
    checkpoint_steps: int | None = None
    seed: int = 0
    strategy: StrategyName = "auto"
    logical_devices: int | None = None
    start_timeout_seconds: float = 300.0

    def __post_init__(self) -> None:
        """Checks every field.

        Raises:
            InvalidInputError: If one breaks its rule.
        """
        one_of(get_args(StrategyName), strategy=self.strategy)
        one_of(get_args(Schedule), schedule=self.schedule)
        one_of(get_args(ClassWeights), class_weights=self.class_weights)
        one_of(get_args(Precision), precision=self.precision)
        positive(
            epochs=self.epochs,
            batch_size=self.batch_size,
            patience=self.patience,
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
        in_range(0, MAX_SEED, seed=self.seed)


@dataclass(frozen=True)
class SnapshotEvery:
    """How often a snapshot of the classifier is taken while it learns.

    Attributes:
        count: Every so many.
        unit: `epochs` or `steps`.
    """

    count: int
    unit: SnapshotUnit = "epochs"

    def __post_init__(self) -> None:
        """Checks both.

        Raises:
            InvalidInputError: If one breaks its rule.
        """
        positive(count=self.count)
        one_of(get_args(SnapshotUnit), unit=self.unit)

    def steps(self, steps_an_epoch: int) -> int:
        """How many steps lie between two snapshots."""
        return self.count * (steps_an_epoch if self.unit == "epochs" else 1)

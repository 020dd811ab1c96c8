"""The learning-rate schedule."""

from typing import Any

import keras
from keras import ops

from lstm_sentiment.training.config import Schedule


@keras.saving.register_keras_serializable(package="lstm_sentiment")
class LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly from 0 to a peak, then falls to 0 or stays."""

    def __init__(
        self, peak: float, total_steps: int, schedule: Schedule = "cosine", warmup_steps: int = 0
    ) -> None:
        """Sets the peak, the number of steps in all, the decay and the steps of the rise."""
        super().__init__()
        self.peak = peak
        self.total_steps = total_steps
        self.schedule = schedule
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> Any:
        """Returns the learning rate at `step`, counted from 0."""
        step = ops.cast(step, "float32")
        falling = max(1, self.total_steps - self.warmup_steps)
        done = ops.clip((step - self.warmup_steps) / falling, 0.0, 1.0)
        share = {
            "cosine": 0.5 * (1 + ops.cos(3.141592653589793 * done)),
            "linear": 1 - done,
            "constant": ops.ones_like(done),
        }[self.schedule]
        risen = ops.minimum(1.0, (step + 1) / max(1, self.warmup_steps))
        return self.peak * share * risen

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "schedule": self.schedule,
            "warmup_steps": self.warmup_steps,
        }

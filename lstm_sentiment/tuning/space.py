"""The search space of hyperparameters; imports neither TensorFlow nor Optuna."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, get_args

from lstm_sentiment.model.config import Pooling
from lstm_sentiment.pipeline.config import PipelineConfig

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


@dataclass(frozen=True)
class Numbers:
    """A range of numbers, bounds included; `log` draws uniformly from the logarithms."""

    low: float
    high: float
    log: bool = False

    def including(self, value: float) -> "Numbers":
        """Returns the range extended to `value`."""
        return replace(self, low=min(self.low, value), high=max(self.high, value))

    def distribution(self) -> "BaseDistribution":
        """Returns Optuna's distribution."""
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, log=self.log)


@dataclass(frozen=True)
class Choices:
    """One of several values."""

    values: tuple[Any, ...]

    def including(self, value: Any) -> "Choices":
        """Returns the choices with `value` among them."""
        return self if value in self.values else Choices((*self.values, value))

    def distribution(self) -> "BaseDistribution":
        """Returns Optuna's distribution."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)


Space = Mapping[str, Numbers | Choices]

SEARCH_SPACE: Space = MappingProxyType(
    {
        "training.learning_rate": Numbers(3e-4, 1e-2, log=True),
        "training.batch_size": Choices(("auto", 16, 32, 64)),
        "training.label_smoothing": Numbers(0.0, 0.2),
        "model.lstm_units": Choices((32, 64, 128)),
        "model.pooling": Choices(get_args(Pooling)),
        "model.embedding_dropout": Numbers(0.0, 0.5),
        "model.dropout": Numbers(0.0, 0.6),
    }
)
"""The searched values, by dotted name of the setting.

`class_weights` is not searched: the dev loss weighs all texts equally, so other weights could only
raise the loss.
"""


def searched_values(config: PipelineConfig) -> dict[str, Any]:
    """Returns a config's values of the searched settings, by dotted name."""
    return {name: reduce(getattr, name.split("."), config) for name in SEARCH_SPACE}


def space_around(config: PipelineConfig) -> Space:
    """Returns `SEARCH_SPACE` extended to the values of a config, which the first trial has."""
    return {
        name: SEARCH_SPACE[name].including(value) for name, value in searched_values(config).items()
    }


def rounded(values: Mapping[str, Any], exact: Mapping[str, Any]) -> dict[str, Any]:
    """Rounds floats to three digits, for readable config files, but not those equal in `exact`."""
    return {
        name: float(f"{value:.3g}") if isinstance(value, float) and value != exact[name] else value
        for name, value in values.items()
    }

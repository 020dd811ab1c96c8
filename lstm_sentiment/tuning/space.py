"""Which settings a search may try; imports neither TensorFlow nor Optuna."""

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
    """All numbers from `low` to `high`, even in their logarithms where `log` says so."""

    low: float
    high: float
    log: bool = False

    def including(self, value: float) -> "Numbers":
        """The same, stretched to `value`."""
        return replace(self, low=min(self.low, value), high=max(self.high, value))

    def distribution(self) -> "BaseDistribution":
        """As Optuna knows it."""
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, log=self.log)


@dataclass(frozen=True)
class Choices:
    """One of several values."""

    values: tuple[Any, ...]

    def including(self, value: Any) -> "Choices":
        """The same, and `value`."""
        return self if value in self.values else Choices((*self.values, value))

    def distribution(self) -> "BaseDistribution":
        """As Optuna knows it."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)


Space = Mapping[str, Numbers | Choices]

SEARCH_SPACE: Space = MappingProxyType(
    {
        "training.learning_rate": Numbers(3e-4, 1e-2, log=True),
        "training.batch_size": Choices((32, 64, 128)),
        "training.label_smoothing": Numbers(0.0, 0.2),
        "model.lstm_units": Choices((32, 64, 128)),
        "model.pooling": Choices(get_args(Pooling)),
        "model.embedding_dropout": Numbers(0.0, 0.5),
        "model.dropout": Numbers(0.0, 0.6),
    }
)
"""What a search tries, by dotted name of the setting.

`class_weights` is not among them: the dev loss counts each text alike, so that weights which do not
could only lose.
"""


def searched_values(config: PipelineConfig) -> dict[str, Any]:
    """What a config holds of the settings that are searched, by dotted name."""
    return {name: reduce(getattr, name.split("."), config) for name in SEARCH_SPACE}


def space_around(config: PipelineConfig) -> Space:
    """`SEARCH_SPACE`, stretched to what the config itself holds, which is tried first."""
    return {
        name: SEARCH_SPACE[name].including(value) for name, value in searched_values(config).items()
    }


def rounded(values: Mapping[str, Any], exact: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers at three digits, as one would write them in a file; those in `exact` stay."""
    return {
        name: float(f"{value:.3g}") if isinstance(value, float) and value != exact[name] else value
        for name, value in values.items()
    }

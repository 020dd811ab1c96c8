"""Estimates of an accuracy, with their confidence interval."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from lstm_sentiment.errors import InvalidInputError


@dataclass(frozen=True)
class Estimate:
    """A number with its confidence interval.

    Attributes:
        value: The number.
        low: Lower end of the interval; at most `value`.
        high: Upper end of the interval; at least `value`.
    """

    value: float
    low: float
    high: float

    def __neg__(self) -> "Estimate":
        """Returns the estimate of the opposite."""
        # Not `-x`, which would turn 0.0 into -0.0.
        return Estimate(0.0 - self.value, 0.0 - self.high, 0.0 - self.low)

    def to_dict(self) -> dict[str, float]:
        """Returns the three numbers for JSON."""
        return {"value": self.value, "low": self.low, "high": self.high}


def estimate_accuracy(right: int, texts: int, *, confidence: float = 0.95) -> Estimate:
    """Computes the share of correct texts, with Wilson's score interval.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of
    the American Statistical Association 22, 1927. Unlike the usual plus and minus it is valid for
    few texts and for shares near 0 and 1.

    Args:
        right: Number of correctly classified texts.
        texts: Number of texts, at least one.
        confidence: Confidence level of the interval, above 0 and below 1.

    Raises:
        InvalidInputError: If an argument breaks a rule.
    """
    check_confidence(confidence)
    if not 0 <= right <= texts or texts < 1:
        raise InvalidInputError(
            "`right` must be from 0 to `texts`, which must be positive. "
            f"Received: right={right}, texts={texts}."
        )
    share, z = right / texts, NormalDist().inv_cdf((1 + confidence) / 2)
    middle = (share + z * z / (2 * texts)) / (1 + z * z / texts)
    reach = z / (1 + z * z / texts)
    reach *= math.sqrt(share * (1 - share) / texts + z * z / (4 * texts * texts))
    return around(share, max(0.0, middle - reach), min(1.0, middle + reach))


def check_confidence(confidence: float) -> None:
    """Checks that a confidence level is above 0 and below 1.

    Raises:
        InvalidInputError: If the level is out of range.
    """
    if not 0 < confidence < 1:
        raise InvalidInputError(
            "`confidence` must be above 0 and below 1, such as 0.95. "
            f"Received: confidence={confidence}."
        )


def around(value: float, low: float, high: float) -> Estimate:
    """Widens an interval to include its value, which rounding or a skewed bootstrap may exclude."""
    return Estimate(value, min(low, value), max(high, value))

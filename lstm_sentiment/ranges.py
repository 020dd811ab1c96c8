"""Ranges of numbers, and what names and paths may hold: declared beside a setting or a flag.

    epochs: Annotated[AutoInteger, EPOCHS] = "auto"

A settings dataclass declares each rule so and calls `check_fields` when it is made. The other flags
have theirs in `cli/flag_rules`, by name. Both are checked before any work.
docs/configuration.md shows the ranges of a run's settings.
"""

import math
import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Protocol, get_args, get_origin, get_type_hints

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.local_paths import endless_refusal, url_refusal
from lstm_sentiment.unicode import has_controls

_LONGEST_SHOWN = 60
_LONGEST_NAME = 255
_LONGEST_HOST = 253
_SERVICE_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Rule(Protocol):
    """What a value must keep."""

    def broken_by(self, value: object) -> str | None:
        """Returns what the value must be; `None` where it keeps the rule."""


@dataclass(frozen=True)
class Range:
    """The values that a number may have.

    Attributes:
        rule: The words of an error message, such as `a positive integer`.
        lowest: Smallest value.
        highest: Largest value.
        too_large: The words for a larger value; empty for `rule`.
        is_integer: Only integers are in the range.
        is_above: `lowest` itself is not in the range.
        is_below: `highest` itself is not in the range.
        words: Values that are no numbers, such as `auto`.
    """

    rule: str
    lowest: float
    highest: float
    too_large: str = ""
    is_integer: bool = False
    is_above: bool = False
    is_below: bool = False
    words: tuple[str, ...] = ()

    def broken_by(self, value: object) -> str | None:
        """Returns what the value must be; `None` where it is in the range."""
        if isinstance(value, str) and value in self.words:
            return None
        kinds = int if self.is_integer else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            unnamed = (repr(word) for word in self.words if repr(word) not in self.rule)
            return " or ".join((self.rule, *unnamed))
        if not (value > self.lowest if self.is_above else value >= self.lowest):
            return self.rule
        if value < self.highest if self.is_below else value <= self.highest:
            return None
        return self.too_large or self.rule

    @property
    def text(self) -> str:
        """The range in words, for documentation, such as `1 to 10000, or auto`."""
        low, high = _number(self.lowest), _number(self.highest)
        if self.highest == math.inf:
            numbers = f"{'above' if self.is_above else 'at least'} {low}"
        elif not self.is_above and not self.is_below:
            numbers = f"{low} to {high}"
        else:
            numbers = (
                f"{'above' if self.is_above else 'at least'} {low}, "
                f"{'below' if self.is_below else 'at most'} {high}"
            )
        return ", or ".join((numbers, *self.words))


@dataclass(frozen=True)
class Name:
    """What names something: a model, a version label, a study.

    Attributes:
        longest: Most characters.
        may_be_empty: An empty name stands for none.
    """

    longest: int = _LONGEST_NAME
    may_be_empty: bool = False

    def broken_by(self, value: object) -> str | None:
        """Returns what the value must be; `None` where it can be a name."""
        if not isinstance(value, str) or not (value or self.may_be_empty):
            return "a name"
        if has_controls(value):
            return "a name without control characters and line ends"
        return f"at most {self.longest} characters" if len(value) > self.longest else None


@dataclass(frozen=True)
class ServiceName:
    """The name of a Kubernetes Service, alone or with its namespace, as in `train.jobs.svc`.

    Kubernetes takes the same names as the `subdomain` of a pod: labels as in RFC 1123.
    """

    def broken_by(self, value: object) -> str | None:
        """Returns what the value must be; `None` where a Service can have the name."""
        labels = (
            value.split(".") if isinstance(value, str) and len(value) <= _LONGEST_HOST else [""]
        )
        if all(_SERVICE_LABEL.fullmatch(label) for label in labels):
            return None
        return (
            "the name of a Service: at most 63 lower-case letters, digits and `-`, with a letter "
            "or digit at both ends"
        )


@dataclass(frozen=True)
class FilePath:
    """The path of a file or folder of this machine, which need not exist, and is no pipe."""

    def broken_by(self, value: object) -> str | None:
        """Returns what the value must be; `None` where it can be a path."""
        text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
        if not isinstance(text, str) or not text:
            return "a path"
        if any(unicodedata.category(character) == "Cc" for character in text):
            return "a path without control characters and line ends"
        try:
            os.fsencode(text)
        except UnicodeEncodeError:
            return "a path of valid Unicode"
        return url_refusal(text) or endless_refusal(text)


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return f"{value:.10g}"


def integers(lowest: int, highest: int) -> Range:
    """Returns the range of the integers from `lowest` to `highest`."""
    rule = f"an integer from {lowest} to {highest}"
    return Range(rule, lowest, highest, is_integer=True)


def positive_integers(highest: int, *words: str) -> Range:
    """Returns the range of the integers from 1 to `highest`, and words that are allowed as well."""
    return Range(
        "a positive integer", 1, highest, f"at most {highest}", is_integer=True, words=words
    )


def positive_numbers(highest: float, *words: str) -> Range:
    """Returns the range above 0, up to `highest`, and words that are allowed as well."""
    too_large = f"at most {_number(highest)}"
    return Range("a positive number", 0, highest, too_large, is_above=True, words=words)


def from_zero(highest: float, *, is_integer: bool = False) -> Range:
    """Returns the range from 0 to `highest`."""
    too_large = f"at most {_number(highest)}"
    return Range("at least 0", 0, highest, too_large, is_integer=is_integer)


def broken_rule(name: str, rule: str, value: object) -> InvalidInputError:
    """Returns the error of an argument: the rule, then what arrived."""
    return InvalidInputError(f"`{name}` must be {rule}. Received: {name}={shown(value)}.")


def shown(value: object) -> str:
    """Returns a value as a message quotes it, shortened."""
    try:
        text = repr(value)
    except ValueError:  # an integer of more digits than Python writes
        return "an integer of too many digits"
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def check_fields(instance: Any) -> None:
    """Checks the fields of a settings dataclass whose annotations declare a rule.

    Args:
        instance: `None` in a field, for a setting left out, passes; of a sequence each value is
            checked.

    Raises:
        InvalidInputError: If a value breaks its rule. The message begins with the field's name.
    """
    kind: Any = type(instance)
    for name, rule in declared_rules(kind).items():
        check_value(name, rule, getattr(instance, name))


def check_value(name: str, rule: Rule, value: object) -> None:
    """Checks one value, or each value of a sequence; `None` passes.

    Raises:
        InvalidInputError: If a value breaks the rule.
    """
    values = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    for one in values:
        if one is not None and (broken := rule.broken_by(one)) is not None:
            raise broken_rule(name, broken, one)


@cache
def declared_rules(kind: Any) -> Mapping[str, Rule]:
    """Returns the rules that a dataclass declares in the annotations of its fields, by name."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: rule for name, hint in hints.items() if (rule := declared_rule(hint)) is not None}


def declared_rule(annotation: object) -> Rule | None:
    """Returns the rule that an annotation declares, `None` if it declares none."""
    extras = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return next((one for one in extras if isinstance(one, Range | Name | FilePath)), None)


NAME = Name()
PATH = FilePath()
SERVICE_NAME = ServiceName()

SHARE = Range("from 0 to 1", 0, 1)
SHARE_OR_AUTO = Range("from 0 to 1 or 'auto'", 0, 1, words=("auto",))
SHARE_BELOW_ONE = Range("at least 0 and below 1", 0, 1, is_below=True)
PROBABILITY = Range("above 0 and below 1", 0, 1, is_above=True, is_below=True)

ALPHA = Range("between 0 and 1", 0, 1, is_above=True, is_below=True)
"""A probability of a false alarm."""

SEED = integers(0, 2**32 - 1)
"""What NumPy and TensorFlow take."""

COUNT = positive_integers(2**31 - 1)
"""Texts, rows, versions, lines: whatever is counted and not computed beforehand."""

BYTES = positive_integers(2**63 - 1)

EPOCHS, AUTO_EPOCHS = positive_integers(10_000), positive_integers(10_000, "auto")
TRAINING_STEPS = positive_integers(10**9)

BATCH_SIZE = positive_integers(2**16, "auto")
"""Texts of a training step."""

TEXT_LENGTH = positive_integers(10**6)
"""Tokens of a text."""

WIDTH = positive_integers(2**14)
"""Units of a layer, numbers of a vector."""

LAYERS = positive_integers(64)
"""Layers of a network, members of an ensemble: each of them is built."""

THREADS = positive_integers(1_024)
"""Requests or operations that are computed at once."""

DEVICES = positive_integers(256)
"""Logical devices, workers, threads: each of them is started."""

LEARNING_RATE = positive_numbers(100.0)
CLIP_NORM = positive_numbers(1e9)
TEMPERATURE = positive_numbers(1e6, "auto")

WAIT_SECONDS = from_zero(366 * 86_400)
"""Seconds between two looks, or of a pause."""

PAUSE_SECONDS = positive_numbers(366 * 86_400)
"""Seconds of a pause that must not be left out."""

TIMEOUT_SECONDS = positive_numbers(math.inf)
"""Infinity is no limit."""

GRACE_SECONDS = from_zero(math.inf)
"""Longest time in which something may end by itself; infinity is no limit."""

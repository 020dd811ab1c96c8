"""The labels that a classifier was given, beside the names by which a version knows them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.corpus.label_names import class_names
from lstm_sentiment.text.corpus.python_values import labels_of, listed, refuse_missing

_PLAIN_KINDS = "bifuU"


@dataclass(frozen=True)
class Classes:
    """Distinct labels, ascending, and their names.

    Attributes:
        labels: `(classes,)`, of the type that was given.
        names: The name of each, by which versions know it.
    """

    labels: NDArray[Any]
    names: tuple[str, ...]

    @classmethod
    def of(cls, labels: Iterable[Any]) -> tuple["Classes", list[str]]:
        """Returns the classes that occur, and the name of the class of each label.

        Raises:
            InvalidInputError: If a label is missing, has several lines or is a fraction, or two
                labels of different types have one name.
        """
        values = listed(labels, "labels")
        refuse_missing(values, "label")
        array = _array(labels, values)
        _refuse_fractions(array)
        named = labels_of(values)
        names = class_names(named)
        found = {label: names[name] for label, name in zip(values, named, strict=True)}
        unique = _sorted(array, found)
        of_unique = tuple(found[label] for label in unique.tolist())
        twice = [name for name, count in Counter(of_unique).items() if count > 1]
        if twice:
            alike = [label for label in found if found[label] == twice[0]]
            raise InvalidInputError(
                f"Labels must differ as text, too. Received: {alike[0]!r} and {alike[1]!r}."
            )
        return cls(unique, of_unique), [found[label] for label in values]

    @classmethod
    def of_version(cls, names: Sequence[str]) -> "Classes":
        """Returns the classes of a version that does not know what type they had: strings."""
        return cls(np.unique(np.array(names, dtype=str)), tuple(sorted(names)))

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Classes":
        """Returns the classes that `to_json` wrote.

        Raises:
            LookupError, TypeError, ValueError: If the content is another.
        """
        labels, names = np.array(content["values"], np.dtype(content["dtype"])), content["names"]
        if labels.shape != (len(names),):
            raise ValueError(f"{len(labels)} labels with {len(names)} names")
        return cls(labels, tuple(map(str, names)))

    def to_json(self) -> dict[str, Any]:
        """Returns the classes for JSON; labels that JSON has no type for are their names."""
        plain = self.labels.dtype.kind in _PLAIN_KINDS
        values = self.labels.tolist() if plain else list(self.names)
        dtype = self.labels.dtype.str if plain else np.array(values).dtype.str
        return {"values": values, "names": list(self.names), "dtype": dtype}


def _array(given: object, values: list[Any]) -> NDArray[Any]:
    """Returns the labels as an array of the type that was given."""
    if isinstance(given, np.ndarray) and given.dtype.kind in _PLAIN_KINDS:
        return given.reshape(-1)
    kinds = {type(value) for value in values}
    if len(kinds) == 1 and kinds <= {str, bool, int, float}:
        return np.array(values)
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _sorted(array: NDArray[Any], names: dict[Any, str]) -> NDArray[Any]:
    """Returns the distinct labels in ascending order; by name if they have no order."""
    if array.dtype.kind != "O":
        return np.unique(array)
    try:
        ordered = sorted(names)
    except TypeError:
        ordered = sorted(names, key=lambda label: names[label])
    unique = np.empty(len(ordered), dtype=object)
    unique[:] = ordered
    return unique


def _refuse_fractions(array: NDArray[Any]) -> None:
    """Refuses numbers that are measured, not counted: there is a class for each of them."""
    if array.dtype.kind == "f" and (array != np.floor(array)).any():
        first = array[array != np.floor(array)].tolist()[0]
        raise InvalidInputError(
            "Labels must be classes; give fractions as text if they are. Unknown label type: "
            f"continuous. Received: {first!r}."
        )

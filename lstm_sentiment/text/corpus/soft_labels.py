"""Soft labels: the probabilities that another classifier, the teacher, gives the classes of texts.

A file of soft labels is a table (`.csv`, `.tsv`) or JSON Lines (`.jsonl`) with a row a text:

- the column of the texts, and one column a class, named as the class or `probability_CLASS`; or
- in JSON Lines the key `probabilities`: an object by class, as in
  `{"text": "房间很干净", "probabilities": {"negative": 0.1, "positive": 0.9}}`, or a list in the
  order of the classes with the likeliest one as `label`, as `score` writes it.

Other columns are not read.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.checks import did_you_mean
from lstm_sentiment.compressed import content_suffix
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.corpus.duplicates import exact_digests
from lstm_sentiment.text.corpus.label_names import known_names
from lstm_sentiment.text.corpus.near_duplicates import near_digests
from lstm_sentiment.text.corpus.record_files import checked_row, read_rows
from lstm_sentiment.text.corpus.tables.cells import clean_text

SUM_TOLERANCE = 0.02
"""Largest difference between 1 and the sum of a text's probabilities, which may be rounded."""

_SUFFIXES = (".csv", ".tsv", ".jsonl")
_TEXT = "text"
_PREFIX = "probability_"
_ROUNDING = 1e-6
_LONGEST_SHOWN = 60


@dataclass(frozen=True, eq=False)
class SoftLabels:
    """Texts and the probabilities of their classes; an `InvalidInputError` names a broken rule.

    Attributes:
        texts: Different texts without surrounding whitespace, none of them empty.
        probabilities: Probability of each class, float32 `(texts, classes)`; each row sums to 1.
        label_names: The classes in the order of the columns, which is that of the corpus.
    """

    texts: tuple[str, ...]
    probabilities: NDArray[np.float32]
    label_names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Checks the shape and the rows; makes each row sum to 1."""
        rows = np.asarray(self.probabilities, np.float64)
        shape = (len(self.texts), len(self.label_names))
        if rows.shape != shape:
            raise InvalidInputError(
                "`probabilities` must have a row a text and a column a class: "
                f"{shape}. Received: {rows.shape}."
            )
        sums = rows.sum(axis=1)
        wrong = ~((rows >= 0).all(axis=1) & (np.abs(sums - 1) <= SUM_TOLERANCE))
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            raise InvalidInputError(
                "`probabilities` must be numbers from 0 to 1, and each row must sum to 1. "
                f"Received: {_shown(rows[first].tolist())} for text {first + 1:,}."
            )
        if len(set(self.texts)) < len(self.texts) or not all(map(str.strip, self.texts)):
            raise InvalidInputError(
                "`texts` must be different from one another and not empty. Received: an empty or "
                "repeated text."
            )
        # Rows that sum to 1 already keep their bits.
        sums[np.abs(sums - 1) < _ROUNDING] = 1
        object.__setattr__(self, "probabilities", (rows / sums[:, None]).astype(np.float32))

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.texts)

    @cached_property
    def exact_digests(self) -> NDArray[np.uint64]:
        """`exact_digest` of each text as a little-endian number, `(texts,)`."""
        return exact_digests(self.texts)

    @cached_property
    def near_digests(self) -> NDArray[np.uint64]:
        """`near_digests` of the texts, `(texts,)`: near duplicates have the same digest."""
        return near_digests(self.texts)

    def select(self, positions: NDArray[np.int64]) -> "SoftLabels":
        """Returns the texts at `positions`, in that order."""
        part = SoftLabels(
            tuple(self.texts[position] for position in positions),
            self.probabilities[positions],
            self.label_names,
        )
        for name in ("exact_digests", "near_digests"):
            if name in self.__dict__:
                part.__dict__[name] = self.__dict__[name][positions]
        return part

    def fingerprint(self) -> dict[str, Any]:
        """Returns the number of `texts`, and the `sha256` of classes, texts and probabilities."""
        digest = hashlib.sha256(json.dumps(self.label_names).encode())
        digest.update(self.exact_digests.astype("<u8").data)
        digest.update(np.ascontiguousarray(self.probabilities, "<f4").data)
        return {"texts": len(self), "sha256": digest.hexdigest()}


def read_soft_labels(
    path: str | os.PathLike[str], label_names: Sequence[str], *, text_column: str = "text"
) -> SoftLabels:
    """Reads a file of soft labels; the module's docstring describes its format.

    Rows with an empty text, and rows that repeat an earlier one, are skipped.

    Args:
        path: A `.csv`, `.tsv` or `.jsonl` file, or a folder of them.
        label_names: The classes of the corpus in id order. Each must have a probability.
        text_column: Column or JSON key of the texts; where a row lacks it, `text`.

    Returns:
        The texts in the order of the file, their probabilities in the order of `label_names`.

    Raises:
        InvalidInputError: If the file is of another kind, cannot be read or holds no text; or if a
            row lacks a class or has one that `label_names` lacks, its probabilities are not numbers
            from 0 to 1 that sum to 1 (within 0.02), or its text has other probabilities in another
            row. The message begins with path and line.
    """
    names, found = tuple(label_names), dict[str, tuple[str, list[float]]]()
    for file in _files(Path(path)):
        for number, row in read_rows(file):
            text, values = _soft_label(file, number, row, names, text_column)
            place, earlier = found.setdefault(text, (f"{file}:{number}", values))
            if text and earlier != values:
                raise InvalidInputError(
                    f"{file}:{number}: a text must have the same probabilities wherever it occurs. "
                    f"Received: {_shown(values)}, but {_shown(earlier)} at {place}."
                )
    found.pop("", None)
    if not found:
        raise InvalidInputError(f"{path}: must hold at least one text. Received: none.")
    rows = np.array([values for _, values in found.values()], np.float32)
    return SoftLabels(tuple(found), rows, names)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if content_suffix(file) in _SUFFIXES)
        if files:
            return files
    elif content_suffix(path) in _SUFFIXES:
        return [path]
    raise InvalidInputError(
        f"{path}: soft labels must be a file with the ending .csv, .tsv or .jsonl, or a folder of "
        f"them. Received: {'another folder' if path.is_dir() else path.suffix or 'no ending'}."
    )


def _soft_label(
    file: Path, number: int, row: Mapping[str, Any], names: tuple[str, ...], text_column: str
) -> tuple[str, list[float]]:
    """Returns a row's text and its probabilities in the order of `names`."""
    place = f"{file}:{number}"
    column = text_column if text_column in row else _TEXT
    if column not in row:
        raise InvalidInputError(
            f"{place}: the column {text_column!r} must exist (name it with `text_column`). "
            f"Received columns: {', '.join(map(str, row))}.{did_you_mean(text_column, row)}"
        )
    text = clean_text(checked_row(file, f":{number}", row[column])[0])
    return text, _probabilities(place, row, names, column) if text else []


def _probabilities(
    place: str, row: Mapping[str, Any], names: tuple[str, ...], text_column: str
) -> list[float]:
    """Returns one row's probabilities in the order of `names`."""
    given = _by_class(place, row, names, text_column)
    known = known_names(map(str, given), names)
    given = {known.get(name, name): value for name, value in given.items()}
    unknown = [name for name in given if name not in names]
    if unknown:
        raise InvalidInputError(
            f"{place}: the classes must be those of the labelled texts: {', '.join(names)}. "
            f"Received: {unknown[0]!r}.{did_you_mean(unknown[0], names)}"
        )
    missing = [name for name in names if name not in given]
    if missing:
        raise InvalidInputError(
            f"{place}: each class must have a probability, in a column named as the class or "
            f"{_PREFIX}CLASS. Received: none for {missing[0]!r}."
        )
    values = [_number(place, name, given[name]) for name in names]
    if abs(sum(values) - 1) > SUM_TOLERANCE:
        raise InvalidInputError(
            f"{place}: the probabilities must sum to 1. Received: {_shown(values)}, "
            f"which sum to {sum(values):.4g}."
        )
    return values


def _by_class(
    place: str, row: Mapping[str, Any], names: tuple[str, ...], text_column: str
) -> Mapping[str, Any]:
    """Returns the values of a row by class; those of other columns only if they name a class."""
    given = row.get("probabilities")
    if isinstance(given, Mapping):
        return given
    if isinstance(given, list):
        return _listed(place, given, row, names)
    prefixed = {
        column.removeprefix(_PREFIX): value
        for column, value in row.items()
        if column.startswith(_PREFIX) and column not in names
    }
    plain = {name: row[name] for name in names if name in row and name != text_column}
    return {**plain, **prefixed}


def _listed(
    place: str, given: list[Any], row: Mapping[str, Any], names: tuple[str, ...]
) -> Mapping[str, Any]:
    """Returns a list of probabilities by class, in the order of the corpus, as `score` writes it.

    The row's `label` shows whether the version has the same classes: it must be the likeliest.
    """
    if len(given) != len(names):
        raise InvalidInputError(
            f"{place}: there must be a probability for each class: {', '.join(names)}. "
            f"Received: {len(given)} numbers."
        )
    values = [_number(place, name, value) for name, value in zip(names, given, strict=True)]
    given_label = str(row.get("label"))
    label = known_names([given_label], names).get(given_label, row.get("label"))
    if label not in names or values[names.index(label)] < max(values):
        raise InvalidInputError(
            f"{place}: `label` must be the class with the highest of the `probabilities`, which "
            f"are in the order {', '.join(names)}. Received: {_shown(label)} for {_shown(values)}."
        )
    return dict(zip(names, values, strict=True))


def _number(place: str, name: str, value: Any) -> float:
    try:
        number = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not 0 <= number <= 1:
        raise InvalidInputError(
            f"{place}: the probability of {name!r} must be a number from 0 to 1. "
            f"Received: {_shown(value)}."
        )
    return number


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."

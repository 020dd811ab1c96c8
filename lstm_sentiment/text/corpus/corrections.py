"""Corrections of labels: which texts get another label than in their file, or are left out.

A file of corrections is a table (`.csv`, `.tsv`) or JSON Lines (`.jsonl`) with these columns:

- `digest`: `text_digest` of the text without surrounding whitespace, 16 hexadecimal digits;
- `action`: `keep` (the label is right), `change` (`label` is the right one) or `drop`;
- `label`: the right label; with `keep` and `drop` it may be empty;
- `text`: for people. It may be missing. Where it is not that of the digest, the row is refused, so
  that a table which was sorted by one column alone changes no label.

Files of texts stay as they are: corrections are applied after reading.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.checks import did_you_mean
from lstm_sentiment.compressed import content_suffix
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.corpus.duplicates import exact_digest
from lstm_sentiment.text.corpus.record_files import checked_row, read_rows
from lstm_sentiment.text.corpus.tables.cells import clean_text

KEEP, CHANGE, DROP = "keep", "change", "drop"
ACTIONS = (KEEP, CHANGE, DROP)
COLUMNS = ("digest", "action", "label", "text")
"""The columns of a file of corrections, in order."""

_SUFFIXES = (".csv", ".tsv", ".jsonl")
_DIGEST = re.compile(r"[0-9a-f]{16}")
_GUARDED = re.compile(r"'[=+\-@\t\r]")


def text_digest(text: str) -> str:
    """Returns the digest by which a correction names a text: 16 hexadecimal digits.

    Args:
        text: Any Unicode; whitespace around it does not count.
    """
    return exact_digest(clean_text(text)).hex()


@dataclass(frozen=True)
class Correction:
    """One row of a file of corrections.

    Attributes:
        digest: `text_digest` of the text.
        action: `keep`, `change` or `drop`.
        label: The right label; empty with `drop`, and with a `keep` that names none.
        text: The text as the row shows it, which may be empty.
        place: File and line, for messages.
    """

    digest: str
    action: str
    label: str = ""
    text: str = ""
    place: str = ""

    @property
    def decision(self) -> tuple[bool, str]:
        """Whether the text is dropped, and its right label: `keep a` and `change a` are one."""
        return self.action == DROP, "" if self.action == DROP else self.label

    @property
    def number(self) -> int:
        """The digest as `Corpus.exact_digests` holds it."""
        return int.from_bytes(bytes.fromhex(self.digest), "little")


@dataclass(frozen=True)
class Corrections:
    """Corrections by the digest of their texts, at most one for each text.

    Attributes:
        rows: The corrections, ascending by `number`.
    """

    rows: tuple[Correction, ...]

    @classmethod
    def from_rows(cls, rows: Sequence[Correction]) -> "Corrections":
        """Sorts corrections and merges equal corrections of the same text.

        Raises:
            InvalidInputError: If two rows say different things of a text.
        """
        found: dict[int, Correction] = {}
        for row in rows:
            earlier = found.setdefault(row.number, row)
            if earlier.decision != row.decision:
                raise InvalidInputError(
                    f"{row.place}: a text must have the same correction wherever it occurs. "
                    f"Received: {_shown(row)}, but {_shown(earlier)} at {earlier.place}."
                )
        return cls(tuple(found[number] for number in sorted(found)))

    def __len__(self) -> int:
        """Number of corrected texts."""
        return len(self.rows)

    @property
    def digests(self) -> NDArray[np.uint64]:
        """The digests as those of a corpus, `(corrections,)`, ascending."""
        return np.array([row.number for row in self.rows], np.uint64)

    def fingerprint(self) -> dict[str, Any]:
        """Returns the number of `texts` and the `sha256` of digests, actions and labels."""
        said = json.dumps([(row.digest, *row.decision) for row in self.rows])
        return {"texts": len(self), "sha256": hashlib.sha256(said.encode()).hexdigest()}


NO_CORRECTIONS = Corrections(())


def read_corrections(paths: Sequence[str | os.PathLike[str]]) -> Corrections:
    """Reads files of corrections; the module's docstring describes their format.

    Args:
        paths: `.csv`, `.tsv` or `.jsonl` files, or a single path.

    Raises:
        InvalidInputError: If a file is of another kind, cannot be read, lacks a column or holds no
            correction; if a digest, an action or a label is malformed; or if two rows about a text
            contradict each other. The message begins with path and line.
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    return Corrections.from_rows([row for path in paths for row in _rows_of(Path(path))])


def _rows_of(path: Path) -> Iterator[Correction]:
    if content_suffix(path) not in _SUFFIXES:
        raise InvalidInputError(
            f"{path}: corrections must be a file with the ending .csv, .tsv or .jsonl. "
            f"Received: {path.suffix or 'no ending'}."
        )
    number = 0
    for number, row in read_rows(path):
        yield _correction(path, number, row)
    if not number:
        raise InvalidInputError(f"{path}: must hold at least one correction. Received: none.")


def _correction(path: Path, number: int, row: Mapping[str, Any]) -> Correction:
    place = f"{path}:{number}"
    for name in ("digest", "action"):
        if name not in row:
            raise InvalidInputError(
                f"{place}: the columns of corrections must be {', '.join(COLUMNS)}. "
                f"Received columns: {', '.join(map(str, row))}."
            )
    action = str(row["action"]).strip().lower()
    if action not in ACTIONS:
        raise InvalidInputError(
            f"{place}: the action must be {KEEP}, {CHANGE} or {DROP}. "
            f"Received: {str(row['action'])!r}.{did_you_mean(action, ACTIONS)}"
        )
    text, label = (row.get(name) or "" for name in ("text", "label"))
    text = clean_text(checked_row(path, f":{number}", text)[0])
    label = unguarded(checked_row(path, f":{number}", text, label)[1]) if label != "" else ""
    if action == CHANGE and not label:
        raise InvalidInputError(f"{place}: a {CHANGE} must name the new label. Received: none.")
    return Correction(_digest(place, row["digest"], text), action, label, text, place)


def _digest(place: str, given: object, text: str) -> str:
    """Returns a row's digest, or that of its text where a spreadsheet took it for a number."""
    digest = str(given).strip().lower()
    as_number = not _DIGEST.fullmatch(digest) or digest.isdigit()
    if as_number and text:
        return text_digest(unguarded(text))
    if not _DIGEST.fullmatch(digest):
        raise InvalidInputError(
            f"{place}: the digest must be 16 hexadecimal digits. Received: {str(given)!r}."
        )
    return digest


def unguarded(text: str) -> str:
    """Returns a text without the apostrophe that keeps spreadsheets from seeing a formula."""
    return text[1:] if _GUARDED.match(text) else text


def _shown(row: Correction) -> str:
    return f"{row.action} {row.label}".strip()

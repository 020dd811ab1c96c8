"""Writes suspects as a CSV file, beside the original columns of their rows."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.labels.issues import LabelIssue, LabelIssues
from lstm_sentiment.labels.labelled_files import LabelledFiles
from lstm_sentiment.system import write_whole
from lstm_sentiment.text.corpus.tables.spreadsheet import guarded

_COLUMNS = (
    "row",
    "kind",
    "given_label",
    "likely_label",
    "score",
    "probability_of_given",
    "probability_of_likely",
)
_LAST_COLUMNS = ("nearest_text", "digest")


def save_suspects(found: LabelIssues, files: LabelledFiles, path: Path) -> None:
    """Writes the suspects, the surest first, for a spreadsheet: UTF-8 with a byte order mark.

    The columns of the files are kept. One that is named as a column of the suspects is named
    `original_NAME`. What a spreadsheet would take for a formula has a space before it. The numbers
    of rows begin with 1 in each file and leave out the header.

    Args:
        found: The suspects.
        files: The files that were checked.
        path: The file, which appears whole or not at all.

    Raises:
        InvalidInputError: If a checked file has changed, or `path` cannot be written.
    """
    originals = files.original_rows([issue.row for issue in found.issues])
    ours = [*(["file"] if len(files.files) > 1 else []), *_COLUMNS, *_LAST_COLUMNS]
    names = _column_names(originals, ours, files.text_column)
    with_text = ours if "text" in names.values() else [*ours, "text"]
    front = [name for name in with_text if name not in _LAST_COLUMNS]
    header = [*front, *names.values(), *_LAST_COLUMNS]
    try:
        with write_whole(path) as file:
            # `detach` at the end: closing the wrapper would close `file` before it is renamed.
            lines = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
            writer = csv.DictWriter(lines, header, restval="")
            writer.writeheader()
            for issue in found.issues:
                original = originals.get(issue.row, {})
                kept = {names[name]: value for name, value in original.items()}
                values = _values(issue, files, with_text) | kept
                writer.writerow({name: guarded(value) for name, value in values.items()})
            lines.detach()
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written: {error.strerror}.") from error


def _column_names(
    originals: Mapping[int, Mapping[str, str]], ours: list[str], text_column: str
) -> dict[str, str]:
    """Returns the name that each original column has among the suspects."""
    columns = dict.fromkeys(name for values in originals.values() for name in values)
    taken = {*ours, *columns} | ({"text"} if text_column != "text" else set())
    names = {}
    for column in columns:
        name = column
        if column in ours or (column == "text" and text_column != "text"):
            name = f"original_{column}"
            while name in taken:
                name = f"original_{name}"
            taken.add(name)
        names[column] = name
    return names


def _values(issue: LabelIssue, files: LabelledFiles, columns: list[str]) -> dict[str, str]:
    file, row = files.place(issue.row)
    values = {
        "row": str(row),
        "file": str(file),
        "kind": issue.kind,
        "given_label": issue.given_label,
        "likely_label": issue.likely_label,
        "score": f"{issue.score:.6f}",
        "probability_of_given": f"{issue.probability_of_given:.6f}",
        "probability_of_likely": f"{issue.probability_of_likely:.6f}",
        "text": issue.text,
        "nearest_text": issue.nearest_text,
        "digest": issue.digest,
    }
    return {name: values[name] for name in columns}

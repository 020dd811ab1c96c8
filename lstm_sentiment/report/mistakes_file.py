"""Writes all mistakes of a version as a table, to be worked through in a spreadsheet."""

import csv
import io
from typing import Final

import numpy as np

from lstm_sentiment.text.corpus.tables.spreadsheet import guarded
from lstm_sentiment.versions.labelled_answers import LabelledAnswers

MISTAKES: Final = "mistakes.csv"
"""Name of the file beside the page."""


def mistakes_table(scores: LabelledAnswers) -> bytes:
    """Returns the misclassified texts as CSV, the most confident mistake first.

    The columns are `text`, `label`, `predicted_label` and `probability_CLASS` for each class.
    Every text is a row, also one that occurs several times. Labels are those of the version, not
    their display names, so that the corrected file can be read again.

    Args:
        scores: The version's answers.

    Returns:
        CSV in UTF-8 with a byte order mark, by which spreadsheets recognize it. A text that a
        spreadsheet would take for a formula has a space before it.
    """
    names = scores.corpus.label_names
    wrong = np.flatnonzero(~scores.is_right)
    wrong = wrong[np.argsort(-scores.confidences[wrong], kind="stable")]
    lines = io.StringIO(newline="")
    # All fields are quoted: an unquoted carriage return would end the row.
    writer = csv.writer(lines, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(
        ["text", "label", "predicted_label", *(f"probability_{name}" for name in names)]
    )
    for place in wrong.tolist():
        cells = (
            scores.corpus.texts[place],
            names[scores.labels[place]],
            names[scores.predicted[place]],
        )
        shares = (f"{share:.6g}" for share in scores.probabilities[place].tolist())
        writer.writerow([*map(guarded, cells), *shares])
    return lines.getvalue().encode("utf-8-sig", "replace")

"""Checks that a report can be written, before anything is computed."""

import os
from importlib.util import find_spec
from pathlib import Path

from lstm_sentiment.errors import InvalidInputError

_LIBRARIES = ("matplotlib", "jinja2")


def check_report_dir(report_dir: Path) -> None:
    """Checks the libraries and the folder that a report needs.

    Raises:
        InvalidInputError: If the extra `report` is not installed, or the folder cannot be written.
    """
    if any(find_spec(name) is None for name in _LIBRARIES):
        raise InvalidInputError(
            "A report needs the `report` extra: pip install 'lstm-sentiment[report]'."
        )
    nearest = next(path for path in (report_dir, *report_dir.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise InvalidInputError(f"{report_dir}: must be a folder that can be written.")

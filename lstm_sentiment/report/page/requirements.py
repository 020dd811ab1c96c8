"""Whether a report can be written at all, told before anything is computed."""

import os
from importlib.util import find_spec
from pathlib import Path

from lstm_sentiment.errors import InvalidInputError

_LIBRARIES = ("matplotlib", "jinja2")


def check_report_dir(report_dir: Path) -> None:
    """Tells before a long evaluation what would be told after it.

    Args:
        report_dir: Where the report is to be.

    Raises:
        InvalidInputError: If the libraries that it needs are not installed, or a file is there.
    """
    if any(find_spec(name) is None for name in _LIBRARIES):
        raise InvalidInputError(
            "A report needs the `report` extra: pip install 'lstm-sentiment[report]'."
        )
    nearest = next(path for path in (report_dir, *report_dir.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise InvalidInputError(f"{report_dir}: must be a folder that can be written.")

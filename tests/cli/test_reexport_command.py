"""`models reexport`: prints where the new versions are, and refuses at once what is no version."""

from collections.abc import Callable
from pathlib import Path

from lstm_sentiment import FitResult
from lstm_sentiment.version_folder import LIGHT
from tests.cli.running import Run
from tests.exported import add_version


def test_the_highest_version_becomes_the_next(run: Run, fitted: FitResult, tmp_path: Path) -> None:
    add_version(tmp_path, 2, fitted)
    outcome = run("models", "reexport", tmp_path)
    assert outcome.code == 0, outcome.err
    assert outcome.out == f"{tmp_path / '3'}\n"
    assert (tmp_path / "3" / LIGHT / "light.json").is_file()


def test_what_is_no_version_is_refused_before_tensorflow_is_imported(
    is_refused_at_once: Callable[..., None],
) -> None:
    is_refused_at_once("none: must be a version's folder", "models", "reexport", "none")

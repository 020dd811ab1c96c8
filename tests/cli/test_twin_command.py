"""`models twin`: prints where the twins are, and refuses at once what is no version."""

import shutil
from collections.abc import Callable
from pathlib import Path

from lstm_sentiment import FitResult
from lstm_sentiment.version_folder import LIGHT
from tests.cli.running import Run, is_one_error_line
from tests.exported import add_version, tiny_version


def test_each_version_gets_its_twin(run: Run, fitted: FitResult, tmp_path: Path) -> None:
    versions = [add_version(tmp_path, version, fitted) for version in (1, 2)]
    for version in versions:
        shutil.rmtree(version / LIGHT)
    outcome = run("models", "twin", *versions)
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines() == [str(version / LIGHT) for version in versions]
    assert all((version / LIGHT / "light.json").is_file() for version in versions)


def test_a_version_of_somebody_elses_is_told_in_one_line(run: Run, tmp_path: Path) -> None:
    outcome = run("models", "twin", tiny_version(tmp_path))
    assert is_one_error_line(outcome), outcome
    assert "must be a version that this release of `fit` wrote" in outcome.err


def test_what_is_no_version_is_refused_before_tensorflow_is_imported(
    is_refused_at_once: Callable[..., None],
) -> None:
    is_refused_at_once("none: must be a version's folder", "models", "twin", "none")

"""`models reexport`: prints where the new versions are, and refuses at once what is no version."""

import json
from collections.abc import Callable
from pathlib import Path

from lstm_sentiment import FitResult
from lstm_sentiment.display_names import load_display_names
from lstm_sentiment.version_digests import check_version
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


def test_labels_get_names_for_people(run: Run, fitted: FitResult, tmp_path: Path) -> None:
    add_version(tmp_path, 2, fitted)
    label = fitted.label_names[0]
    path = tmp_path / "names.json"
    path.write_text(json.dumps({label: {"en": "first", "zh": "第一类"}}), "utf-8")
    outcome = run("models", "reexport", tmp_path, "--label-names", path)
    assert outcome.code == 0, outcome.err
    assert load_display_names(tmp_path / "3").of(label, "zh") == "第一类"
    check_version(tmp_path / "3")
    assert run("models", "reexport", tmp_path / "3").code == 0
    assert load_display_names(tmp_path / "4") == load_display_names(tmp_path / "3")


def test_a_name_for_no_label_is_refused_before_tensorflow_is_imported(
    is_refused_at_once: Callable[..., None], fitted: FitResult, tmp_path: Path
) -> None:
    add_version(tmp_path / "m", 2, fitted)
    (tmp_path / "names.json").write_text('{"best": {"en": "x"}}')
    flags = ("models", "reexport", tmp_path / "m", "--label-names", tmp_path / "names.json")
    is_refused_at_once("must name only labels of the model", *flags)
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["2"]

import json
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import tensorflow as tf

from lstm_sentiment import (
    ExportError,
    FitResult,
    InvalidInputError,
    Vocabulary,
    export_servable,
)
from lstm_sentiment.display_names import as_display_names, load_display_names
from lstm_sentiment.export import servable
from lstm_sentiment.version_digests import check_version


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version takes a moment to write, and holds next to nothing."""
    monkeypatch.setattr(servable, "write_version", _write_little)


def _write_little(result: FitResult, folder: Path, *_: object) -> None:
    (folder / "saved_model.pb").touch()


def test_a_version_is_whole(fitted: FitResult, tmp_path: Path) -> None:
    base = tmp_path / "models" / "sentiment"
    names: dict[str, dict[str, str] | str] = {"neutral": {"zh": "一般"}, "positive": "好评"}
    version_dir = export_servable(fitted, base, test=fitted.dev, display_names=names)
    assert version_dir == base / "1"
    assert Vocabulary.load(version_dir / "assets" / "vocabulary.txt") == fitted.tokenizer.vocabulary
    labels = (version_dir / "assets" / "labels.txt").read_text("utf-8")
    assert labels.splitlines() == ["negative", "neutral", "positive"]
    card = json.loads((version_dir / "assets.extra" / "sentiment.json").read_text("utf-8"))
    assert card["labels"] == ["negative", "neutral", "positive"]
    assert card["tokenizer"] == "unigram"
    assert card["metrics"]["test"]["accuracy"] == fitted.dev.accuracy
    assert card["data"] == fitted.data
    assert card["temperature"] == fitted.temperature
    assert len(card["examples"]) == 20
    for example in card["examples"]:
        assert sum(example["probabilities"]) == pytest.approx(1)
        assert example["label"] in card["labels"]
        assert example["tokens"] == fitted.tokenizer.tokenize(example["text"])[:20]
        assert example["token_ids"] == fitted.tokenizer.encode(example["text"])[:20]
    assert load_display_names(version_dir) == as_display_names(names)
    check_version(version_dir)
    assert (version_dir / "saved_model.pb").is_file()
    assert os.stat(version_dir).st_mode & 0o055 == 0o055


def test_a_name_for_no_label_leaves_no_version(fitted: FitResult, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"^`display_names`: .* Did you mean 'positive'"):
        export_servable(fitted, tmp_path, display_names={"positve": "好评"})
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("quick")
def test_versions_count_up_from_the_highest(fitted: FitResult, tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "saved_model.pb").touch()
    (tmp_path / "not-a-version").mkdir()
    assert export_servable(fitted, tmp_path).name == "8"
    assert export_servable(fitted, tmp_path, version=3).name == "3"
    assert export_servable(fitted, tmp_path).name == "9"


@pytest.mark.usefixtures("quick")
def test_a_taken_version_is_refused_and_kept(fitted: FitResult, tmp_path: Path) -> None:
    taken = tmp_path / "2"
    taken.mkdir()
    (taken / "saved_model.pb").write_bytes(b"mine")
    with pytest.raises(ExportError, match=r"must not exist yet under .*\. Received: version=2"):
        export_servable(fitted, tmp_path, version=2)
    assert (taken / "saved_model.pb").read_bytes() == b"mine"
    assert [entry.name for entry in tmp_path.iterdir()] == ["2"]


@pytest.mark.parametrize("failing", ["saved_model", "rename"])
def test_a_failed_export_leaves_nothing(
    fitted: FitResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def no_space(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    if failing == "saved_model":
        monkeypatch.setattr(tf.saved_model, "save", no_space)
    else:
        monkeypatch.setattr(servable, "write_version", _write_little)
        monkeypatch.setattr(Path, "rename", no_space)
    with pytest.raises(ExportError, match="the version cannot be written: No space left on device"):
        export_servable(fitted, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_being_written_has_no_numeric_name(
    fitted: FitResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def spy(result: FitResult, folder: Path, *_: object) -> None:
        _write_little(result, folder)
        seen.extend(entry.name for entry in tmp_path.iterdir())

    monkeypatch.setattr(servable, "write_version", spy)
    export_servable(fitted, tmp_path)
    assert len(seen) == 1
    assert not seen[0].isdigit()


def test_exports_at_the_same_time_take_different_versions(
    fitted: FitResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    barrier = threading.Barrier(2)

    def meet(result: FitResult, folder: Path, *_: object) -> None:
        (folder / "saved_model.pb").touch()
        barrier.wait()

    monkeypatch.setattr(servable, "write_version", meet)
    threads = [threading.Thread(target=export_servable, args=(fitted, tmp_path)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["1", "2"]


def test_a_base_path_that_is_a_file(fitted: FitResult, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match="file: cannot be written"):
        export_servable(fitted, tmp_path / "file")


def test_a_version_is_no_base_path(fitted: FitResult, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").touch()
    with pytest.raises(InvalidInputError, match="must be a folder that holds the versions"):
        export_servable(fitted, tmp_path / "1")
    assert len(list((tmp_path / "1").iterdir())) == 1


@pytest.mark.usefixtures("quick")
def test_a_version_is_taken_by_any_name_of_its_number(fitted: FitResult, tmp_path: Path) -> None:
    (tmp_path / "002").mkdir()
    with pytest.raises(ExportError, match=r"must not exist yet under .*\. Received: version=2"):
        export_servable(fitted, tmp_path, version=2)
    assert [entry.name for entry in tmp_path.iterdir()] == ["002"]


def test_versions_have_63_bits(fitted: FitResult, tmp_path: Path) -> None:
    with pytest.raises(
        ExportError, match=f"must be at most {2**63 - 1}. Received: version={2**63}"
    ):
        export_servable(fitted, tmp_path, version=2**63)


@pytest.mark.parametrize("version", [0, -1])
def test_versions_are_positive(fitted: FitResult, tmp_path: Path, version: int) -> None:
    with pytest.raises(ExportError, match=f"positive integer. Received: version={version}"):
        export_servable(fitted, tmp_path, version=version)


def test_label_names_must_fit_the_model(fitted: FitResult, tmp_path: Path) -> None:
    bad = [("a", "b"), ("a", "b", "c\nd"), ("a", "b", "c\x1b[2J"), ("a", "b", ""), ("a", "b", "b")]
    for names in bad:
        with pytest.raises(ExportError, match="must be 3 different names, each on one line"):
            export_servable(replace(fitted, label_names=names), tmp_path)
    assert list(tmp_path.iterdir()) == []

"""Versions that were exported without a light twin get theirs."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_sentiment import FitResult, SentimentModel, export_servable
from lstm_sentiment.errors import ExportError, InvalidInputError, ServableNotFoundError
from lstm_sentiment.export.light import version_twin
from lstm_sentiment.export.trained_version import load_model
from lstm_sentiment.serving.light.loader import load_light_servable
from lstm_sentiment.text.tokenizer import make_tokenizer
from lstm_sentiment.version_folder import LIGHT
from lstm_sentiment.versions.light_twins import make_light_twin
from tests.exported import exported, read_card, tiny_version, without_digests, write_card


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def version_dir(fitted: FitResult, tmp_path: Path) -> Path:
    """A version without a twin, to be changed at will."""
    copy = shutil.copytree(exported(fitted), tmp_path / "sentiment" / "1")
    shutil.rmtree(copy / LIGHT)
    return copy


def test_a_twin_is_that_of_the_export(fitted: FitResult, version_dir: Path) -> None:
    before = files_of(version_dir)
    assert make_light_twin(version_dir.parent) == version_dir
    assert files_of(version_dir) == files_of(exported(fitted))
    assert before.items() <= files_of(version_dir).items()


def test_a_damaged_twin_is_replaced(fitted: FitResult, version_dir: Path) -> None:
    (version_dir / LIGHT).mkdir()
    (version_dir / LIGHT / "light.json").write_text("{}")
    make_light_twin(version_dir)
    assert files_of(version_dir) == files_of(exported(fitted))


def test_weights_that_are_not_finite_get_no_twin(
    version_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverged(folder: Path, card: Mapping[str, Any]) -> SentimentModel:
        model = load_model(folder, card)
        model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])
        return model

    monkeypatch.setattr(version_twin, "load_model", diverged)
    with pytest.raises(InvalidInputError, match=r"weights must be finite.*Received: NaN or"):
        make_light_twin(version_dir)
    assert not (version_dir / LIGHT).exists()


@pytest.mark.parametrize("there", ["link to nothing", "file"])
def test_whatever_is_in_the_place_of_a_twin_is_replaced(
    fitted: FitResult, version_dir: Path, there: str
) -> None:
    if there == "file":
        (version_dir / LIGHT).write_text("no twin")
    else:
        (version_dir / LIGHT).symlink_to("nothing")
    make_light_twin(version_dir)
    assert files_of(version_dir) == files_of(exported(fitted))


def test_two_may_make_a_twin_at_once(
    fitted: FitResult, version_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def rename_second(path: Path, target: Path) -> Path:
        if path.name == LIGHT.name and target == version_dir / LIGHT:
            monkeypatch.undo()
            make_light_twin(version_dir)  # another comes first
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", rename_second)
    make_light_twin(version_dir)
    assert files_of(version_dir) == files_of(exported(fitted))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("assets/labels.txt", "labels.txt: cannot be read: No such file or directory"),
        ("assets/vocabulary.txt", "vocabulary.txt: cannot be read: No such file"),
        ("assets.extra/sentiment.json", "a version without 'assets.extra/sentiment.json'"),
        ("variables/variables.index", "Failed to find any matching files"),
    ],
)
def test_a_file_that_is_missing_is_named(version_dir: Path, name: str, reason: str) -> None:
    (without_digests(version_dir) / name).unlink()
    with pytest.raises(InvalidInputError, match=reason):
        make_light_twin(version_dir)


@pytest.mark.parametrize(
    "name",
    ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"],
)
def test_a_damaged_version_is_refused(version_dir: Path, name: str) -> None:
    content = (without_digests(version_dir) / name).read_bytes()
    (version_dir / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(InvalidInputError, match=r"`fit` wrote\. Received: .+\.$") as caught:
        make_light_twin(version_dir)
    assert "\n" not in str(caught.value)


def test_a_dictionary_is_taken_from_the_graph(fitted: FitResult, tmp_path: Path) -> None:
    counts = {"房间很": 9.0, "干净": 2.0, "很干": 40.0}
    tokenizer = make_tokenizer("unigram", fitted.tokenizer.vocabulary, word_counts=counts)
    result = replace(fitted, tokenizer=tokenizer)
    version_dir = export_servable(result, tmp_path)
    written = files_of(version_dir / LIGHT)
    shutil.rmtree(version_dir / LIGHT)
    make_light_twin(version_dir)
    assert files_of(version_dir / LIGHT) == written
    answer = load_light_servable(version_dir).run(
        "explain", {"text": np.array(["房间很干净".encode()], object)}
    )
    tokens = [token.decode() for token in answer["tokens"][0] if token]
    assert tokens == tokenizer.tokenize("房间很干净")


def test_a_twin_that_answers_otherwise_is_not_kept(version_dir: Path) -> None:
    card = read_card(version_dir)
    card["temperature"] *= 3
    write_card(version_dir, card)
    before = files_of(version_dir)
    with pytest.raises(InvalidInputError, match="answers by 'text' must differ"):
        make_light_twin(version_dir)
    assert files_of(version_dir) == before
    assert not (version_dir / LIGHT).exists()


def test_versions_of_others_have_no_twin(tmp_path: Path) -> None:
    other = tiny_version(tmp_path)
    with pytest.raises(
        InvalidInputError, match="must be a version that this release of `fit` wrote"
    ):
        make_light_twin(other)
    with pytest.raises(ServableNotFoundError):
        make_light_twin(tmp_path / "absent")


def test_a_network_too_large_for_its_format_is_refused(
    version_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(version_twin, "MAX_BYTES", 1000)
    with pytest.raises(InvalidInputError, match=r"must have at most 1,000 bytes\. Received: "):
        make_light_twin(version_dir)


def test_a_folder_that_cannot_be_written(
    version_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", no_space)
    with pytest.raises(ExportError, match="light: cannot be written: No space left on device"):
        make_light_twin(version_dir)
    assert not [path for path in version_dir.rglob("*") if "light" in path.name]

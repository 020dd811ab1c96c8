"""The test set of a version: found, moved, changed and gone."""

import json
import shutil
from pathlib import Path

import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.pipeline.run_folder import save_labelled_texts
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.held_out import read_test_texts, with_test_file
from lstm_sentiment.version_folder import CARD

# The class that no test text has must not move the others.
TEXTS = Corpus(["好\r\n的", '"差"', "=1+1"], [2, 0, 2], ("bad", "fair", "good"))


@pytest.fixture
def version_dir(tmp_path: Path) -> Path:
    """A version in `project/models/hotel/3`, whose run is `project/runs/a`."""
    project = tmp_path / "project"
    folder, test_file = project / "models" / "hotel" / "3", project / "runs" / "a" / "test.csv"
    (folder / CARD).parent.mkdir(parents=True)
    test_file.parent.mkdir(parents=True)
    save_labelled_texts(TEXTS, test_file)
    data = with_test_file({"test": TEXTS.fingerprint()}, test_file, folder.parent)
    card = {"labels": list(TEXTS.label_names), "data": data}
    (folder / CARD).write_text(json.dumps(card), "utf-8")
    return folder


def test_the_texts_are_found_after_the_whole_project_has_moved(
    version_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert str(tmp_path) not in (version_dir / CARD).read_text("utf-8")
    (tmp_path / "project").rename(tmp_path / "moved")
    moved = tmp_path / "moved" / "models" / "hotel" / "3"
    for version in (moved, moved / ".." / "3"):
        corpus, path = read_test_texts(version)
        assert (list(corpus.texts), list(corpus.labels)) == (TEXTS.texts, TEXTS.labels)
        assert path == tmp_path / "moved" / "runs" / "a" / "test.csv"
    monkeypatch.chdir(tmp_path / "moved")
    assert read_test_texts(Path("models/hotel/3"))[1] == Path("runs/a/test.csv")


def test_a_copied_version_finds_its_run_below_the_working_folder(
    version_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "elsewhere" / "far" / "away" / "hotel" / "3"
    shutil.copytree(version_dir, copy)
    with pytest.raises(InvalidInputError, match="no such file; was the folder of the run moved"):
        read_test_texts(copy)
    monkeypatch.chdir(tmp_path / "project")
    assert read_test_texts(copy)[0].fingerprint() == TEXTS.fingerprint()


def test_a_base_path_that_is_a_link_has_the_same_run(version_dir: Path, tmp_path: Path) -> None:
    link = tmp_path / "deep" / "er" / "link"
    link.parent.mkdir(parents=True)
    link.symlink_to(version_dir.parent)
    assert read_test_texts(link / "3")[0].fingerprint() == TEXTS.fingerprint()


@pytest.mark.parametrize("labels", [[2, 0, 0], [2, 0]])
def test_other_texts_are_refused(version_dir: Path, labels: list[int]) -> None:
    path = version_dir.parents[2] / "runs" / "a" / "test.csv"
    save_labelled_texts(Corpus(TEXTS.texts[: len(labels)], labels, TEXTS.label_names), path)
    with pytest.raises(InvalidInputError, match=r"unchanged\. Received: other texts or labels"):
        read_test_texts(version_dir)


@pytest.mark.parametrize("card", [{}, {"data": 7}, {"data": {"test": {"file": 3}}, "labels": []}])
def test_a_card_without_the_file_is_told(version_dir: Path, card: object) -> None:
    (version_dir / CARD).write_text(json.dumps(card), "utf-8")
    with pytest.raises(InvalidInputError, match="its card does not name the file of its test set"):
        read_test_texts(version_dir)

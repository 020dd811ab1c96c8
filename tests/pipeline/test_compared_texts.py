"""A run that is resumed takes the comparison of its texts from its folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.fit_preparation import counted
from lstm_sentiment import (
    InvalidInputError,
    ModelConfig,
    PipelineConfig,
    TrainingConfig,
    VectorTrainingConfig,
    resume_pipeline,
    run_pipeline,
)
from lstm_sentiment.pipeline.compared_texts import COMPARED, load_compared, save_compared
from lstm_sentiment.pipeline.run_texts import read_run_texts
from lstm_sentiment.progress import Advance
from lstm_sentiment.training.records.kept_views import VIEWS
from tests.corpora import hotel_like, rows_of, write_csv
from tests.recorder import Recorder

CONFIG = PipelineConfig(
    streaming=True,
    vector_training=VectorTrainingConfig(dim=2, epochs=1, characters=False),
    training=TrainingConfig(cross_validation="off"),
    model=ModelConfig(lstm_units=2, bidirectional=False, ngrams=1),
)


class CutOffError(Exception):
    """Stands for the end of the process."""


class CutOff(Recorder):
    """Ends the run when its training begins."""

    @contextmanager
    def step(self, description: str, total: int) -> Iterator[Advance]:
        if description == "Training":
            raise CutOffError
        with super().step(description, total) as advance:
            yield advance


@pytest.fixture
def config(tmp_path: Path) -> PipelineConfig:
    """The settings of a run that was cut off, on texts in a file."""
    config = replace(
        CONFIG,
        data=[write_csv(tmp_path / "data.csv", rows_of(hotel_like(60)))],
        unlabelled=[tmp_path / "more.txt"],
        model_dir=tmp_path / "models",
        run_dir=tmp_path / "run",
    )
    (tmp_path / "more.txt").write_text("还有一句。\n又一句\n", "utf-8")
    with pytest.raises(CutOffError):
        run_pipeline(config, CutOff())
    return config


def told(progress: Recorder) -> list[str]:
    return [message for message in progress.said if message.startswith("Comparison of")]


def test_no_text_is_compared_again_and_the_split_is_the_same(
    config: PipelineConfig, tmp_path: Path
) -> None:
    progress, path = Recorder(), tmp_path / "run" / COMPARED
    first = read_run_texts(config)
    known = load_compared(tmp_path / "run", progress)
    with counted("sha256") as computed:
        again = read_run_texts(config, progress, known=known)
    assert not computed
    texts = sum(map(len, first.labelled))
    assert told(progress) == [f"Comparison of {texts:,} texts: taken from {path}"]
    assert ("Comparing texts", 0) not in progress.steps
    assert again.labelled == first.labelled
    for ours, theirs in zip(again.labelled, first.labelled, strict=True):
        assert ours.near_digests.tolist() == theirs.near_digests.tolist()
    assert again.unlabelled.near_digests.tolist() == first.unlabelled.near_digests.tolist()
    with pytest.raises(CutOffError):
        resume_pipeline(tmp_path / "run", resumed := CutOff())
    assert told(resumed) == told(progress)


def test_a_changed_text_is_refused(config: PipelineConfig, tmp_path: Path) -> None:
    data = (tmp_path / "data.csv").read_text("utf-8").splitlines(keepends=True)
    data[5] = data[5].replace(",", "了,", 1)
    (tmp_path / "data.csv").write_text("".join(data), "utf-8")
    with pytest.raises(InvalidInputError, match="goes on with the data that it began with"):
        resume_pipeline(tmp_path / "run", CutOff())


@pytest.mark.parametrize("content", [b"", b"half", None])
def test_a_damaged_file_is_told_in_one_line_and_written_anew(
    config: PipelineConfig, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "run" / COMPARED
    if content is None:  # a run of an earlier release
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(CutOffError):
        resume_pipeline(tmp_path / "run", first := CutOff())
    line = f"Comparison of texts: {path} is damaged, all texts are compared again"
    assert told(first) == ([] if content is None else [line])
    with pytest.raises(CutOffError):
        resume_pipeline(tmp_path / "run", second := CutOff())
    assert [message.rpartition(": ")[2] for message in told(second)] == [f"taken from {path}"]


def test_a_file_that_cannot_be_written_does_not_stop_the_run(tmp_path: Path) -> None:
    progress = Recorder()
    texts = read_run_texts(
        replace(CONFIG, data=[write_csv(tmp_path / "data.csv", rows_of(hotel_like(60)))])
    )
    (tmp_path / "run" / COMPARED).mkdir(parents=True)
    save_compared(texts, tmp_path / "run", progress)
    (line,) = told(progress)
    assert "cannot be written: Is a directory" in line


def test_files_that_cannot_be_deleted_do_not_end_a_run_that_is_done(
    config: PipelineConfig, tmp_path: Path
) -> None:
    run_dir = tmp_path / "run"
    for path in (run_dir / COMPARED, run_dir / VIEWS):
        path.unlink(missing_ok=True)
        (path / "below").mkdir(parents=True)
    result = resume_pipeline(run_dir, Recorder())
    assert result.version_dir.is_dir() and (run_dir / "metrics.json").is_file()

"""A run that is resumed takes its n-grams' classifiers from its folder."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_sentiment import (
    Corpus,
    FitResult,
    ModelConfig,
    TrainingConfig,
    Vocabulary,
    fit,
    make_tokenizer,
)
from lstm_sentiment.progress import Advance
from lstm_sentiment.training.records.kept_views import VIEWS
from tests.recorder import Recorder

TOKENIZER = make_tokenizer("unigram", Vocabulary(["好", "差", "很好"]))
CORPUS = Corpus.from_rows(
    [("好" * n, "1") for n in range(1, 8)] + [("差" * n + "很好", "0") for n in range(1, 8)]
)
MODEL = ModelConfig(lstm_units=3, bidirectional=False, pooling="last", ngrams=2, character_ngrams=2)
TRAINING = TrainingConfig(cross_validation="off", epochs=2, batch_size=4, checkpoint_steps=1)
TRAINED = ["Training n-grams", "Training character n-grams"]


class CutOffError(Exception):
    """Stands for the end of the process."""


class CutOff(Recorder):
    """Ends the run in its third step."""

    @contextmanager
    def step(self, description: str, total: int) -> Iterator[Advance]:
        done = 0

        def advance(steps: int = 1, *, status: str = "") -> None:
            nonlocal done
            done += description == "Training" and status != ""
            if done == 3:
                raise CutOffError

        with super().step(description, total):
            yield advance


def run(
    run_dir: Path, progress: Recorder, *, model: ModelConfig = MODEL, resume: bool = False
) -> FitResult:
    return fit(
        CORPUS,
        CORPUS,
        tokenizer=TOKENIZER,
        model=model,
        training=TRAINING,
        run_dir=run_dir,
        resume=resume,
        progress=progress,
    )


def trained(progress: Recorder) -> list[str]:
    return [name for name, _ in progress.steps if "n-grams" in name]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> FitResult:
    return run(tmp_path_factory.mktemp("whole"), Recorder())


@pytest.fixture
def cut_off(tmp_path: Path) -> Path:
    progress = CutOff()
    with pytest.raises(CutOffError):
        run(tmp_path, progress)
    assert trained(progress) == TRAINED
    return tmp_path


def assert_same(ours: FitResult, theirs: FitResult) -> None:
    assert ours.dev == theirs.dev
    for one, other in zip(ours.model.variables, theirs.model.variables, strict=True):
        np.testing.assert_array_equal(np.array(one), np.array(other))


def test_they_are_not_trained_again_and_all_weights_are_the_same(
    whole: FitResult, cut_off: Path
) -> None:
    progress = Recorder()
    assert_same(run(cut_off, progress, resume=True), whole)
    assert trained(progress) == []
    assert f"N-grams: taken from {cut_off / VIEWS}" in progress.said


def _halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[data.index(b"ngrams.kernel") + 200] ^= 1
    path.write_bytes(data)


def _without_weights(path: Path) -> None:
    with np.load(path) as stored:
        kept = {name: stored[name] for name in stored.files if not name.endswith(".kernel")}
    np.savez(path, **kept)


def _with(**changed: float) -> Callable[[Path], None]:
    """The file, whole but with other values in its weights."""

    def change(path: Path) -> None:
        with np.load(path) as stored:
            arrays = dict(stored)
        for name, value in changed.items():
            arrays[f"ngrams.{name}"] = np.full_like(arrays[f"ngrams.{name}"], value)
        np.savez(path, **arrays)

    return change


def _of_one_class(path: Path) -> None:
    with np.load(path) as stored:
        arrays = dict(stored)
    np.savez(path, **{**arrays, "ngrams.kernel": arrays["ngrams.kernel"][:, :1]})


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (_halve, "is damaged, they are trained again"),
        (_flip, "is damaged, they are trained again"),
        (_without_weights, "is damaged, they are trained again"),
        (_with(kernel=np.nan), "is damaged, they are trained again"),
        (_with(keys=2**62), "is damaged, they are trained again"),
        (_of_one_class, "is damaged, they are trained again"),
        (Path.unlink, None),  # a run of an earlier release
    ],
)
def test_a_damaged_file_is_told_in_one_line_and_made_again(
    whole: FitResult, cut_off: Path, damage: Callable[[Path], None], line: str | None
) -> None:
    kept = (cut_off / VIEWS).read_bytes()
    damage(cut_off / VIEWS)
    progress = Recorder()
    assert_same(run(cut_off, progress, resume=True), whole)
    assert trained(progress) == TRAINED
    told = [message for message in progress.said if message.startswith("N-grams")]
    assert told == ([] if line is None else [f"N-grams: {cut_off / VIEWS} {line}"])
    assert len((cut_off / VIEWS).read_bytes()) == len(kept)


def test_those_of_other_settings_are_not_taken(tmp_path: Path) -> None:
    run(tmp_path, Recorder())
    (tmp_path / "checkpoints" / "last.npz").unlink()
    progress = Recorder()
    resumed = run(tmp_path, progress, model=replace(MODEL, ngrams=1), resume=True)
    assert trained(progress) == TRAINED
    assert any("of other texts or settings" in message for message in progress.said)
    assert_same(resumed, run(tmp_path / "new", Recorder(), model=replace(MODEL, ngrams=1)))


def test_a_run_that_is_not_resumed_trains_its_own(cut_off: Path) -> None:
    progress = Recorder()
    run(cut_off, progress)
    assert trained(progress) == TRAINED


def test_a_file_that_cannot_be_written_does_not_stop_the_training(
    whole: FitResult, tmp_path: Path
) -> None:
    (tmp_path / VIEWS).mkdir(parents=True)
    progress = Recorder()
    assert_same(run(tmp_path, progress), whole)
    (told,) = [message for message in progress.said if message.startswith("N-grams")]
    assert "cannot be written: Is a directory" in told

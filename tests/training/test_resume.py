"""A run that is cut off anywhere goes on as if it had not been."""

import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from lstm_sentiment import (
    Corpus,
    FitResult,
    InvalidInputError,
    TrainingConfig,
    TrainingError,
    Vocabulary,
    WordVectors,
    fit,
    make_tokenizer,
)
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.progress import Advance, SilentProgress
from lstm_sentiment.text.corpus.soft_labels import SoftLabels
from lstm_sentiment.training import loop
from lstm_sentiment.training.inputs.encoding import encode_texts
from lstm_sentiment.training.loop import TrainingLoop
from lstm_sentiment.training.records.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from lstm_sentiment.training.steps import Step, make_step
from lstm_sentiment.training.task import TrainingTask
from lstm_sentiment.training.worker_run import CHECKPOINT

TOKENIZER = make_tokenizer("unigram", Vocabulary(["好", "差"]))
CORPUS = Corpus.from_rows(
    [("好" * n, "1") for n in range(1, 8)] + [("差" * n, "0") for n in range(1, 8)]
)
STEPS = 4  # of each epoch
CHECKPOINT_STEPS = 3
# Quickly traced: how the texts are read does not matter here.
MODEL = ModelConfig(lstm_units=3, bidirectional=False, pooling="last", ngrams=0)
CONFIG = TrainingConfig(
    cross_validation="off",
    epochs=3,
    batch_size=4,
    patience=9,
    checkpoint_steps=CHECKPOINT_STEPS,
    average_momentum=0.9,
    warmup_share=0.2,
)


SOFT_LABELS = SoftLabels(
    ("好差", "差好好"), np.array([[0.25, 0.75], [0.5, 0.5]], np.float32), ("0", "1")
)


class CutOffError(Exception):
    """Stands for the end of the process."""


class CutOffAfter(SilentProgress):
    """Ends the run after some steps of training."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    @contextmanager
    def step(self, description: str, total: int) -> Iterator[Advance]:
        def advance(steps: int = 1, *, status: str = "") -> None:
            if description == "Training" and status:
                self.left -= 1
                if self.left == 0:
                    raise CutOffError

        yield advance


def run(
    run_dir: Path,
    *,
    resume: bool = False,
    stop_after: int = -1,
    soft_labels: SoftLabels | None = None,
) -> FitResult:
    return fit(
        CORPUS,
        CORPUS,
        tokenizer=TOKENIZER,
        model=MODEL,
        training=CONFIG,
        soft_labels=soft_labels,
        run_dir=run_dir,
        resume=resume,
        progress=CutOffAfter(stop_after),
    )


@pytest.fixture(scope="module")
def whole_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole")


@pytest.fixture(scope="module")
def whole(whole_dir: Path) -> FitResult:
    return run(whole_dir)


def test_a_run_resumed_again_and_again_ends_with_the_same_bits(
    whole: FitResult, tmp_path: Path
) -> None:
    # Each cut comes before the checkpoint of its own step. What is gone on from: nothing, the midst
    # of the first epoch, its end, the midst of the last.
    done = 0
    for cut, kept in (
        (STEPS, CHECKPOINT_STEPS),
        (STEPS + 1, STEPS),
        (2 * STEPS + 2, 3 * CHECKPOINT_STEPS),
    ):
        with pytest.raises(CutOffError):
            run(tmp_path, resume=True, stop_after=cut - done)
        done = kept
    resumed = run(tmp_path, resume=True)
    for ours, theirs in zip(whole.model.variables, resumed.model.variables, strict=True):
        np.testing.assert_array_equal(np.array(ours), np.array(theirs))
    assert resumed.temperature == whole.temperature
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert resumed.history[name] == whole.history[name]
    rows = (tmp_path / "history.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["epoch", "1", "2", "3"]


def test_a_resumed_run_with_soft_labels_ends_with_the_same_bits(
    whole: FitResult, tmp_path: Path
) -> None:
    taught = run(tmp_path / "whole", soft_labels=SOFT_LABELS)
    with pytest.raises(CutOffError):
        run(tmp_path / "cut", soft_labels=SOFT_LABELS, stop_after=STEPS + 2)
    resumed = run(tmp_path / "cut", resume=True, soft_labels=SOFT_LABELS)
    for ours, theirs in zip(taught.model.variables, resumed.model.variables, strict=True):
        np.testing.assert_array_equal(np.array(ours), np.array(theirs))
    assert taught.history["loss"] != whole.history["loss"]


def test_a_checkpoint_is_written_once_a_minute(tmp_path: Path) -> None:
    seconds = iter(range(0, 10_000, 25))  # each look at the clock finds it 25 seconds on
    ids = encode_texts(TOKENIZER, CORPUS.texts)
    training_loop = TrainingLoop(
        TrainingTask(
            SentimentModel(4, 3, 2, MODEL),
            *(ids, np.array(CORPUS.labels)),
            *(ids, np.array(CORPUS.labels)),
            class_weights=None,
        ),
        TrainingConfig(cross_validation="off", epochs=2, batch_size=2),
        checkpoint_path=tmp_path / "last.npz",
        clock=lambda: next(seconds),
    )
    with pytest.raises(CutOffError):
        training_loop.run(CutOffAfter(5))
    # Three looks a step: the one that decides is 75 seconds after the last checkpoint.
    assert load_checkpoint(tmp_path / "last.npz").values["step"] == 4


def test_a_run_that_has_ended_is_not_trained_on(
    whole: FitResult, whole_dir: Path, tmp_path: Path
) -> None:
    shutil.copytree(whole_dir, tmp_path, dirs_exist_ok=True)
    again = run(tmp_path, resume=True, stop_after=1)
    for ours, theirs in zip(whole.model.variables, again.model.variables, strict=True):
        np.testing.assert_array_equal(np.array(ours), np.array(theirs))


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    save_checkpoint(Checkpoint({"model": [np.zeros(2)]}, {}), tmp_path / CHECKPOINT)
    with pytest.raises(InvalidInputError, match=r"last\.npz: must be a checkpoint of this model"):
        run(tmp_path, resume=True)


def test_a_checkpoint_of_an_earlier_release_is_refused(whole_dir: Path, tmp_path: Path) -> None:
    checkpoint = load_checkpoint(whole_dir / CHECKPOINT)
    values = {name: value for name, value in checkpoint.values.items() if name != "best_epoch"}
    save_checkpoint(Checkpoint(checkpoint.arrays, values), tmp_path / CHECKPOINT)
    with pytest.raises(InvalidInputError, match=r"last\.npz: must be a checkpoint that this rele"):
        run(tmp_path, resume=True)


def test_a_loss_that_is_no_number_stops_with_the_step_and_keeps_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*args: Any, **settings: Any) -> Step:
        step, calls = make_step(*args, **settings), iter(range(1, 100))

        def broken(batches: Any) -> tf.Tensor:
            sums = step(batches)
            return sums * math.nan if next(calls) == STEPS + 2 else sums

        return broken

    monkeypatch.setattr(loop, "make_step", break_down)
    with pytest.raises(TrainingError) as raised:
        run(tmp_path)
    assert "the loss is nan at step 6 (epoch 2)" in str(raised.value)
    assert f"The weights of epoch 1 are in {tmp_path / 'model.keras'}" in str(raised.value)
    best = load_checkpoint(tmp_path / CHECKPOINT).arrays["best"]
    kept = keras.saving.load_model(tmp_path / "model.keras")
    for variable, array in zip(kept.trainable_variables, best, strict=False):
        np.testing.assert_array_equal(np.array(variable), array)


def test_weights_that_are_no_numbers_are_never_saved(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"must be finite: a lower `learning_rate` helps"):
        fit(
            CORPUS,
            CORPUS,
            tokenizer=TOKENIZER,
            vectors=WordVectors(("好", "差"), np.full((2, 2), 3e38, np.float32)),
            model=MODEL,
            training=TrainingConfig(cross_validation="off", epochs=2, batch_size=14),
            run_dir=tmp_path,
        )
    assert not (tmp_path / CHECKPOINT).exists()


def test_without_a_folder_there_is_nothing_to_resume() -> None:
    with pytest.raises(InvalidInputError, match="`run_dir` must be given with `resume`"):
        fit(CORPUS, CORPUS, tokenizer=TOKENIZER, resume=True)


def test_an_exception_in_on_epoch_ends_the_training(tmp_path: Path) -> None:
    def stop(epoch: int, scores: object) -> None:
        if epoch == 2:
            raise CutOffError

    with pytest.raises(CutOffError):
        fit(
            CORPUS,
            CORPUS,
            tokenizer=TOKENIZER,
            model=MODEL,
            training=CONFIG,
            run_dir=tmp_path,
            on_epoch=stop,
        )
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 3

"""Few dev texts: folds choose, and the classifier is trained on all texts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from lstm_sentiment import (
    Corpus,
    FitResult,
    TrainingConfig,
    Vocabulary,
    fit,
    make_tokenizer,
)
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.progress import Advance, SilentProgress
from lstm_sentiment.training.config import SnapshotEvery
from tests.recorder import Recorder

TOKENIZER = make_tokenizer("unigram", Vocabulary(["好", "差", "很", "不"]))
TRAIN = Corpus.from_rows(
    [("好" * n, "1") for n in range(1, 8)] + [("差" * n, "0") for n in range(1, 8)]
)
DEV = Corpus.from_rows([("很好", "1"), ("不差", "1"), ("很差", "0"), ("不好", "0")])
MODEL = ModelConfig(lstm_units=3, bidirectional=False, pooling="last", ngrams=1)
EPOCHS = 4
TRAINING = TrainingConfig(
    epochs=EPOCHS, patience=1, batch_size=8, learning_rate=0.1, cross_validation=3
)


class CutOffError(Exception):
    """Stands for the end of the process."""


class CutOffAfter(SilentProgress):
    """Ends the run after some epochs of the folds, or steps of the last training."""

    def __init__(self, step: str, times: int) -> None:
        self.name, self.left = step, times

    @contextmanager
    def step(self, description: str, total: int) -> Iterator[Advance]:
        def advance(steps: int = 1, *, status: str = "") -> None:
            if description == self.name and status:
                self.left -= 1
                if self.left == 0:
                    raise CutOffError

        yield advance


def run(run_dir: Path | None = None, cut: CutOffAfter | None = None) -> FitResult:
    return fit(
        TRAIN,
        DEV,
        tokenizer=TOKENIZER,
        model=MODEL,
        training=TRAINING,
        run_dir=run_dir,
        resume=run_dir is not None,
        progress=cut or SilentProgress(),
    )


def variables(result: FitResult) -> list[np.ndarray]:
    return [np.array(variable) for variable in result.model.variables]


@pytest.fixture(scope="module")
def whole() -> FitResult:
    return run()


def test_the_dev_scores_are_those_of_all_texts_by_classifiers_that_do_not_know_them(
    whole: FitResult,
) -> None:
    assert whole.folds == 3
    assert sum(map(sum, whole.dev.confusion_matrix)) == len(TRAIN) + len(DEV)
    assert [scores.support for scores in whole.dev.classes] == [9, 9]


def test_training_goes_through_all_epochs_whatever_the_folds_say(whole: FitResult) -> None:
    assert len(whole.history["loss"]) == len(whole.history["val_loss"]) == EPOCHS


def test_the_classifier_is_trained_on_the_dev_texts_too() -> None:
    """Words of the dev texts alone move: they get rows of their own only if they are trained on."""
    train = Corpus.from_rows([("好" * n, "1") for n in range(1, 7)] + [("差", "0"), ("差差", "0")])
    dev = Corpus.from_rows([("不" * n, "0") for n in range(1, 7)])
    dev = Corpus(dev.texts, (0,) * len(dev), train.label_names)
    training = replace(TRAINING, epochs=1)
    moved = []
    for setting in ("off", 2):
        result = fit(
            train,
            dev,
            tokenizer=TOKENIZER,
            model=replace(MODEL, ngrams=1),
            training=replace(training, cross_validation=setting),
        )
        view = result.model.ngram_view
        assert view is not None
        moved.append(int(np.array(view.keys).size))
    assert moved[1] == moved[0] + 1


@pytest.mark.parametrize(
    ("name", "times"),
    [("Cross-validating", 2), ("Cross-validating", 4), ("Cross-validating", 7), ("Training", 2)],
)
def test_a_run_cut_off_within_or_between_folds_ends_with_the_same_bits(
    whole: FitResult, tmp_path: Path, name: str, times: int
) -> None:
    with pytest.raises(CutOffError):
        run(tmp_path, CutOffAfter(name, times))
    done = EPOCHS * len(list((tmp_path / "folds").glob("*.npz")))
    # No epoch of a finished fold is trained again: those that are left can all be counted.
    with pytest.raises(CutOffError):
        run(tmp_path, CutOffAfter("Cross-validating", 12 - done)) if done < 12 else run(
            tmp_path, CutOffAfter("Training", 1)
        )
    resumed = run(tmp_path)
    for ours, theirs in zip(variables(whole), variables(resumed), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert resumed.dev == whole.dev
    assert resumed.temperature == whole.temperature
    assert resumed.history["val_loss"] == whole.history["val_loss"]


def test_a_damaged_fold_is_trained_again(whole: FitResult, tmp_path: Path) -> None:
    with pytest.raises(CutOffError):
        run(tmp_path, CutOffAfter("Training", 1))
    (tmp_path / "folds" / "1.npz").write_bytes(b"half")
    assert run(tmp_path).dev == whole.dev


def test_a_run_that_is_not_resumed_takes_no_folds_of_an_earlier_one(tmp_path: Path) -> None:
    with pytest.raises(CutOffError):
        run(tmp_path, CutOffAfter("Training", 1))
    left = (tmp_path / "folds" / "0.npz").read_bytes()
    with pytest.raises(CutOffError):
        fit(
            TRAIN,
            DEV,
            tokenizer=TOKENIZER,
            model=MODEL,
            training=replace(TRAINING, seed=1),
            run_dir=tmp_path,
            progress=CutOffAfter("Training", 1),
        )
    assert (tmp_path / "folds" / "0.npz").read_bytes() != left


def test_snapshots_have_the_scores_of_the_folds_at_their_epoch(whole: FitResult) -> None:
    taken: list[FitResult] = []
    fit(
        TRAIN,
        DEV,
        tokenizer=TOKENIZER,
        model=MODEL,
        training=TRAINING,
        snapshots=SnapshotEvery(1),
        on_snapshot=taken.append,
    )
    assert len(taken) == len(whole.history["loss"])
    assert all(snapshot.folds == 3 for snapshot in taken)
    assert taken[-1].dev == whole.dev


def test_what_is_chosen_and_why_is_said() -> None:
    recorder = Recorder()
    fit(TRAIN, DEV, tokenizer=TOKENIZER, model=MODEL, training=TRAINING, progress=recorder)
    said = "\n".join(recorder.said)
    assert "Cross-validation: 3 folds of all 18 training and dev texts" in said
    assert "chosen on the folds" in said


def test_a_class_of_one_text_is_trained_on_and_never_scored() -> None:
    rows = [("不", "2"), *[("好" * n, "1") for n in range(1, 5)]]
    train = Corpus.from_rows([*rows, *[("差" * n, "0") for n in range(1, 5)]])
    dev = Corpus(("很好",), (1,), train.label_names)
    result = fit(train, dev, tokenizer=TOKENIZER, model=MODEL, training=replace(TRAINING, epochs=1))
    assert [scores.support for scores in result.dev.classes] == [4, 5, 0]


def test_texts_that_cannot_be_dealt_are_not_cross_validated() -> None:
    train = Corpus.from_rows([("好", "1"), ("差", "0")])
    result = fit(
        train, train, tokenizer=TOKENIZER, model=MODEL, training=replace(TRAINING, epochs=1)
    )
    assert result.folds == 0


def test_the_seed_alone_decides(whole: FitResult) -> None:
    keras.utils.set_random_seed(7)
    for ours, theirs in zip(variables(whole), variables(run()), strict=True):
        np.testing.assert_array_equal(ours, theirs)

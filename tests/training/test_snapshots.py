"""Snapshots of a classifier while it learns; they must leave no trace in what it becomes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lstm_sentiment import (
    Corpus,
    Evaluation,
    FitResult,
    InvalidInputError,
    ModelConfig,
    SnapshotEvery,
    TrainingConfig,
    Vocabulary,
    fit,
    make_tokenizer,
)
from lstm_sentiment.training.config import SnapshotUnit

TOKENIZER = make_tokenizer("unigram", Vocabulary(["好", "差"]))
ROWS = [("好" * n, "1") for n in range(1, 6)] + [("差" * n, "0") for n in range(1, 6)]
SMALL = Corpus.from_rows(ROWS)

# Two steps are an epoch, so that the first snapshot is taken in the midst of one.
TRAINING = TrainingConfig(
    cross_validation="off", epochs=3, batch_size=5, learning_rate=0.05, average_momentum=0.5
)
EVERY_THREE_STEPS = SnapshotEvery(3, "steps")


def fit_tiny(
    training: TrainingConfig = TRAINING,
    snapshots: SnapshotEvery | None = None,
    on_snapshot: Callable[[FitResult], None] | None = None,
) -> FitResult:
    return fit(
        SMALL,
        SMALL,
        tokenizer=TOKENIZER,
        model=ModelConfig(lstm_units=2, bidirectional=False, pooling="last"),
        training=training,
        snapshots=snapshots,
        on_snapshot=on_snapshot,
    )


@pytest.fixture(scope="module")
def followed() -> tuple[FitResult, list[FitResult]]:
    """A result, and the snapshots taken on the way."""
    taken: list[FitResult] = []
    return fit_tiny(snapshots=EVERY_THREE_STEPS, on_snapshot=taken.append), taken


def lstm_weights(result: FitResult) -> list[NDArray[np.float32]]:
    """However the model names them, and whether it has cuDNN or not."""
    return [array for layer in result.model.lstm_layers for array in layer.get_weights()]


def are_equal(ours: Sequence[object], theirs: Sequence[object]) -> bool:
    return all(
        np.array_equal(np.array(one), np.array(other))
        for one, other in zip(ours, theirs, strict=True)
    )


def learned(result: FitResult) -> dict[str, list[float]]:
    """The history, but for the time that it took."""
    timed = ("seconds", "tokens_per_second")
    return {name: values for name, values in result.history.items() if name not in timed}


def scores(evaluation: Evaluation) -> Any:
    """Those that stay the same, however the n-grams' share is added to them."""
    return pytest.approx(evaluation.summary(), rel=1e-5)


@given(count=st.integers(1, 10**6), steps_an_epoch=st.integers(1, 10**6))
def test_steps_are_counted_over_the_epochs(count: int, steps_an_epoch: int) -> None:
    assert SnapshotEvery(count, "steps").steps(steps_an_epoch) == count
    assert SnapshotEvery(count).steps(steps_an_epoch) == count * steps_an_epoch


@pytest.mark.parametrize(
    ("count", "unit", "message"),
    [
        (0, "epochs", "`count` must be a positive integer. Received: count=0."),
        (-3, "steps", "`count` must be a positive integer. Received: count=-3."),
        (True, "steps", "`count` must be a positive integer. Received: count=True."),
        (1, "batches", "`unit` must be one of"),
    ],
)
def test_what_cannot_be_counted_is_refused(count: int, unit: SnapshotUnit, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        SnapshotEvery(count, unit)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_training_goes_on_as_if_no_snapshot_had_been_taken(
    followed: tuple[FitResult, list[FitResult]],
) -> None:
    result, alone = followed[0], fit_tiny()
    assert are_equal(result.model.variables, alone.model.variables)
    assert learned(result) == learned(alone)
    assert (result.dev, result.temperature) == (alone.dev, alone.temperature)
    assert result.padding_share == alone.padding_share
    assert result.snapshot_step is alone.snapshot_step is None


def test_a_snapshot_is_a_classifier_of_its_own(
    followed: tuple[FitResult, list[FitResult]],
) -> None:
    result, snapshots = followed
    assert [snapshot.snapshot_step for snapshot in snapshots] == [3, 6]
    halfway = snapshots[0]
    assert not are_equal(lstm_weights(halfway), lstm_weights(result))
    assert halfway.dev.summary() != scores(result.dev)
    assert halfway.evaluate(SMALL).summary() == scores(halfway.dev)  # now what it said then
    assert halfway.tokenizer is result.tokenizer
    assert (halfway.label_names, halfway.training) == (result.label_names, result.training)
    assert (halfway.data, halfway.examples) == (result.data, result.examples)
    np.testing.assert_array_equal(halfway.texts_seen, result.texts_seen)


def test_a_snapshot_has_the_averaged_weights(followed: tuple[FitResult, list[FitResult]]) -> None:
    result, (_, end) = followed
    losses = result.history["val_loss"]
    assert losses.index(min(losses)) == len(losses) - 1
    # Those that the best epoch is judged by and kept with; it is others that learn on.
    assert are_equal(lstm_weights(end), lstm_weights(result))
    assert (end.dev, end.temperature) == (result.dev, result.temperature)


def test_it_is_taken_of_two_replicas_too_and_its_failure_ends_the_training() -> None:
    steps = []

    def fail(snapshot: FitResult) -> None:
        assert not tf.distribute.has_strategy()  # or an export would hold variables of both
        assert snapshot.evaluate(SMALL).summary() == scores(snapshot.dev)
        steps.append(snapshot.snapshot_step)
        raise OSError(28, "No space left on device")

    mirrored = replace(TRAINING, strategy="mirrored")
    with pytest.raises(OSError, match="No space left on device"):
        fit_tiny(mirrored, SnapshotEvery(1), fail)
    assert steps == [2]


def test_a_result_tells_its_data_and_some_of_the_dev_texts(
    fitted: FitResult, corpus: Corpus, followed: tuple[FitResult, list[FitResult]]
) -> None:
    train, dev, _ = corpus.split(seed=0)
    assert fitted.data == {"train": train.fingerprint(), "dev": dev.fingerprint()}
    assert len(dev) == 24
    assert len(set(fitted.examples)) == 20
    assert set(fitted.examples) < set(dev.texts)
    assert followed[0].examples == SMALL.texts  # all of them where there are fewer

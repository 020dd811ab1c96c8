import itertools
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.training.records.state import TrainingState


def judged(epochs: Sequence[np.ndarray]) -> TrainingState:
    """The state after epochs with these losses of the dev texts; the variables are the epoch."""
    state = TrainingState()
    for number, losses in enumerate(epochs, 1):
        state.history.setdefault("val_loss", []).append(float(losses.mean()))
        state.judge(losses, [np.array(number)])
    return state


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8), st.integers(500, 600))
def test_with_many_dev_texts_the_latest_of_the_lowest_epochs_is_kept(
    means: list[int], texts: int
) -> None:
    state = judged([np.full(texts, float(mean)) for mean in means])
    assert means[state.best_epoch - 1] == min(means)
    assert min(means) not in means[state.best_epoch :]
    assert state.best == [state.best_epoch]


def test_with_few_a_later_epoch_is_kept_unless_it_is_surely_worse() -> None:
    up_and_down = np.tile([1.0, -0.9], 20)
    good = np.full(40, 2.0)
    luckily, later, overfitted = good - 0.01, good + 0.1 * up_and_down, good + 1
    state = judged([good + 2, luckily, later, overfitted])
    assert state.best_epoch == 3
    assert state.best == [3]
    np.testing.assert_array_equal(state.lowest_losses, luckily)


def test_many_small_steps_for_the_worse_are_measured_against_the_lowest_epoch() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (9, 100))
    noise -= noise.mean(axis=1, keepdims=True)
    epochs = [2 + 0.02 * epoch + noise[epoch] for epoch in range(9)]
    assert all(judged(pair).best_epoch == 2 for pair in itertools.pairwise(epochs))
    assert judged(epochs).best_epoch < 4

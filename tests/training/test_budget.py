from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.training.budget import MOST_EPOCHS, Budget, budget_for, settle_budget
from lstm_sentiment.training.config import TrainingConfig
from tests.recorder import Recorder

TEXTS = st.integers(1, 100_000)
AUTO = TrainingConfig()


@given(TEXTS, st.integers(1, 5_000), st.integers(1, 60))
def test_auto_gives_enough_steps_or_the_most_epochs(
    texts: int, least_steps: int, least_epochs: int
) -> None:
    training = TrainingConfig(least_steps=least_steps, least_epochs=least_epochs)
    budget = budget_for(training, texts)
    assert 8 <= budget.batch_size <= 64
    assert least_epochs <= budget.epochs <= max(MOST_EPOCHS, least_epochs)
    assert budget.steps(texts) >= least_steps or budget.epochs >= MOST_EPOCHS
    assert budget.patience >= 3
    # No epoch too many: with one fewer, something would be missing.
    shorter = replace(budget, epochs=budget.epochs - 1)
    assert shorter.steps(texts) < least_steps or shorter.epochs < least_epochs


@given(TEXTS, TEXTS)
def test_more_texts_never_take_smaller_batches_nor_more_epochs_of_the_same_batches(
    some: int, others: int
) -> None:
    fewer, more = sorted((some, others))
    small, large = budget_for(AUTO, fewer), budget_for(AUTO, more)
    assert small.batch_size <= large.batch_size
    if small.batch_size == large.batch_size:
        assert small.epochs >= large.epochs


@given(TEXTS, st.integers(1, 99), st.integers(1, 999), st.integers(1, 99))
def test_numbers_are_kept(texts: int, epochs: int, batch_size: int, patience: int) -> None:
    one_each = (
        TrainingConfig(epochs=epochs),
        TrainingConfig(batch_size=batch_size),
        TrainingConfig(patience=patience),
    )
    by_epochs, by_batch_size, by_patience = (budget_for(each, texts) for each in one_each)
    assert by_epochs.epochs == epochs
    assert by_batch_size.batch_size == batch_size
    assert by_patience == replace(budget_for(AUTO, texts), patience=patience)
    # The other two follow: epochs from the batch size, patience from the epochs.
    steps = by_batch_size.steps(texts)
    assert steps >= AUTO.least_steps or by_batch_size.epochs == MOST_EPOCHS


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (1, Budget(30, 8, 12)),
        (90, Budget(30, 8, 12)),
        (270, Budget(24, 8, 9)),
        (900, Budget(8, 8, 3)),
        (1_800, Budget(8, 16, 3)),
        (2_700, Budget(10, 32, 4)),
        (6_213, Budget(9, 64, 4)),
        (13_373, Budget(8, 64, 3)),
        (1_000_000, Budget(8, 64, 3)),
    ],
)
def test_the_budget_of_some_sizes(texts: int, expected: Budget) -> None:
    assert budget_for(AUTO, texts) == expected


@given(TEXTS)
def test_settled_settings_have_numbers_and_stay_as_they_are(texts: int) -> None:
    said = Recorder()
    settled = settle_budget(AUTO, texts, said)
    assert "auto" not in (settled.epochs, settled.batch_size, settled.patience)
    assert settle_budget(settled, texts + 1, said) == settled
    assert len(said.said) == 1


@pytest.mark.parametrize(
    ("training", "texts", "line"),
    [
        (
            AUTO,
            90,
            "Training budget for 90 training texts: 30 epochs of 12 batches of 8 texts, 360 steps "
            "(few texts need small batches and many epochs; `auto` goes to 30)",
        ),
        (
            AUTO,
            2_700,
            "Training budget for 2,700 training texts: 10 epochs of 85 batches of 32 texts, 850 "
            "steps (as many epochs as 800 steps take)",
        ),
        (
            AUTO,
            13_373,
            "Training budget for 13,373 training texts: 8 epochs of 209 batches of 64 texts, 1,672 "
            "steps (8 epochs are the minimum; 800 steps would need no more)",
        ),
        (
            TrainingConfig(epochs=4),
            90,
            "Training budget for 90 training texts: 4 epochs of 12 batches of 8 texts, 48 steps "
            "(the batch size follows from the number of texts)",
        ),
    ],
)
def test_it_says_what_it_chose_and_why(training: TrainingConfig, texts: int, line: str) -> None:
    said = Recorder()
    settle_budget(training, texts, said)
    assert said.said == [line]


@pytest.mark.parametrize("name", ["epochs", "batch_size", "patience", "least_steps"])
def test_settings_that_break_their_rule_are_named(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^`{name}` must be a positive integer. Received: "):
        TrainingConfig(**{name: 0})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["epochs", "batch_size", "patience"])
def test_words_other_than_auto_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"`{name}` must be a positive integer or 'auto'. Rec"):
        TrainingConfig(**{name: "few"})  # type: ignore[arg-type]

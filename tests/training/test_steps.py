"""One step of training does what it says, however many replicas share it."""

from dataclasses import replace
from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf

from lstm_sentiment import pad_token_ids
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.model.sentiment_model import Member, SentimentModel
from lstm_sentiment.training.config import StrategyName, TrainingConfig
from lstm_sentiment.training.inputs.batches import make_batches
from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.training.steps import make_optimizer, make_step
from lstm_sentiment.training.workers.distribution import start_workers
from lstm_sentiment.version_folder import probabilities_of

ROWS = [[2, 3, 4], [3], [4, 4], [2, 5], [5, 5, 5]]
IDS = pad_token_ids(ROWS, length=3)
LABELS = np.array([0, 1, 2, 1, 0], np.int64)
WEIGHTS = (3.0, 1.0, 0.5)
TARGETS = np.array(
    [[0.5, 0.25, 0.25], [0, 1, 0], [0.25, 0, 0.75], [0.125, 0.875, 0], [1, 0, 0]], np.float32
)
VECTORS = np.random.default_rng(0).normal(0, 0.5, (6, 4)).astype(np.float32)
PLAIN = ModelConfig(lstm_units=3, bidirectional=False, dropout=0.0, embedding_dropout=0.0, ngrams=0)


Weights = list[np.ndarray]


def draw_weights(member: Member, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for layer in member.layers():
        layer.set_weights([rng.normal(0, 0.5, weight.shape) for weight in layer.get_weights()])


@cache
def train(
    *,
    strategy: StrategyName = "default",
    class_weights: tuple[float, ...] | None = None,
    momentum: float = 0.0,
    smoothing: float = 0.0,
    soft: bool = False,
    batch_size: int = 5,
    members: int = 1,
    first_weights: int = 0,
    clip_norm: float = 1.0,
) -> tuple[np.ndarray, list[Weights], list[list[float]]]:
    """Trains five steps; gives logits before, weights (or averages) from before on, and sums."""
    keras.utils.set_random_seed(0)
    training = TrainingConfig(
        learning_rate=0.01,
        gradient_clip_norm=clip_norm,
        label_smoothing=smoothing,
        average_momentum=momentum,
    )
    workers = start_workers(TrainingConfig(strategy=strategy))
    chosen = workers.strategy
    data = make_batches(
        TokenRows.from_lists(ROWS),
        LABELS,
        batch_size=batch_size,
        targets=TARGETS if soft else None,
    )
    with chosen.scope():
        model = SentimentModel(6, 4, 3, replace(PLAIN, members=members))
        model.embedding.load_matrix(VECTORS)
        for number, member in enumerate(model.members):
            draw_weights(member, first_weights + number)
        logits = np.array(model(IDS))
        averages = [tf.Variable(v.value) for v in model.trainable_variables] if momentum else []
        step = make_step(
            model,
            make_optimizer(training, 100),
            training,
            class_weights=class_weights,
            averages=averages,
        )
        batches = iter(
            chosen.distribute_datasets_from_function(
                lambda _: data.dataset(replicas=workers.replicas, shares=workers.shares)
            )
        )
        variables = averages or model.trainable_variables
        sums, weights = [], [[np.array(variable) for variable in variables]]
        for _ in range(5):
            sums.append(step(batches).numpy().tolist())
            weights.append([np.array(variable) for variable in variables])
    return logits, weights, sums


def test_it_sums_loss_right_answers_texts_and_real_tokens() -> None:
    logits, _, (sums, *_) = train()
    losses = -np.log(probabilities_of(logits)[np.arange(5), LABELS])
    right = (logits.argmax(axis=1) == LABELS).sum()
    assert sums == pytest.approx([losses.sum(), right, 5, 11], rel=1e-5)


def test_class_weights_weigh_the_loss_of_each_text() -> None:
    logits, (_, plain, *_), _ = train()
    _, (_, weighted, *_), (sums, *_) = train(class_weights=WEIGHTS)
    losses = -np.log(probabilities_of(logits)[np.arange(5), LABELS])
    assert sums[0] == pytest.approx((losses * [3, 1, 0.5, 1, 3]).sum(), rel=1e-5)
    assert any(np.abs(a - b).max() > 1e-4 for a, b in zip(plain, weighted, strict=True))


def test_label_smoothing_spreads_a_share_of_each_label() -> None:
    logits, _, (sums, *_) = train(smoothing=0.3)
    targets = np.eye(3)[LABELS] * 0.7 + 0.1
    assert sums[0] == pytest.approx(-(targets * np.log(probabilities_of(logits))).sum(), rel=1e-5)


@pytest.mark.parametrize("class_weights", [None, WEIGHTS])
def test_soft_targets_are_learned_and_labels_counted(
    class_weights: tuple[float, ...] | None,
) -> None:
    logits, _, (sums, *_) = train(soft=True, class_weights=class_weights)
    losses = -(TARGETS * np.log(probabilities_of(logits))).sum(axis=1)
    expected = losses if class_weights is None else losses * (TARGETS @ np.array(class_weights))
    right = (logits.argmax(axis=1) == LABELS).sum()
    assert sums == pytest.approx([expected.sum(), right, 5, 11], rel=1e-5)


def test_averages_follow_the_weights() -> None:
    weights, averages = train()[1], train(momentum=0.5)[1]
    expected = weights[0]
    for step in (1, 2):
        momentum = (1 + step) / (10 + step)  # below the 0.5 asked for: the first weights are random
        expected = [
            average * momentum + weight * (1 - momentum)
            for average, weight in zip(expected, weights[step], strict=True)
        ]
    for average, ours in zip(expected, averages[2], strict=True):
        np.testing.assert_allclose(ours, average, atol=1e-6)


@pytest.mark.parametrize("clip_norm", [0.3, 1e6])
def test_members_train_together_as_each_would_alone(clip_norm: float) -> None:
    _, together, sums = train(members=2, clip_norm=clip_norm)
    alone = [train(first_weights=seed, clip_norm=clip_norm) for seed in (0, 1)]
    for ours, theirs in zip(together[-1], [*alone[0][1][-1], *alone[1][1][-1]], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    losses = [[step[0] for step in run[2]] for run in alone]
    np.testing.assert_allclose([step[0] for step in sums], np.mean(losses, axis=0), rtol=1e-5)


# With 4, one replica gets the last text, one none.
@pytest.mark.parametrize(
    ("batch_size", "class_weights", "soft"),
    [(5, None, False), (4, WEIGHTS, False), (4, None, True)],
)
def test_two_replicas_train_as_one_on_a_batch_that_cannot_be_halved(
    batch_size: int, class_weights: tuple[float, ...] | None, soft: bool
) -> None:
    _, alone, sums = train(class_weights=class_weights, batch_size=batch_size, soft=soft)
    _, shared, sums_shared = train(
        class_weights=class_weights, batch_size=batch_size, soft=soft, strategy="mirrored"
    )
    np.testing.assert_allclose(sums_shared, sums, rtol=1e-5)
    for ours, theirs in zip(alone[-1], shared[-1], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)

from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_sentiment import InvalidInputError, ModelConfig, SentimentModel
from lstm_sentiment.model.config import Pooling

VOCABULARY_SIZE, EMBEDDING_DIM, CLASSES = 30, 6, 3
POOLINGS: tuple[Pooling, ...] = ("max_mean", "max", "mean", "last")

ids = st.integers(1, VOCABULARY_SIZE - 1)
batches = st.lists(st.lists(ids, min_size=1, max_size=12), min_size=1, max_size=5)


def make(pooling: Pooling = "max_mean", **settings: object) -> SentimentModel:
    keras.utils.set_random_seed(0)
    config = ModelConfig(lstm_units=4, pooling=pooling, **settings)  # type: ignore[arg-type]
    return SentimentModel(VOCABULARY_SIZE, EMBEDDING_DIM, CLASSES, config)


@cache
def made_once(pooling: Pooling) -> SentimentModel:
    return make(pooling, lstm_layers=2)


def pad(batch: list[list[int]], left: int = 0, right: int = 0) -> np.ndarray:
    longest = max(map(len, batch))
    return np.array(
        [[0] * left + row + [0] * (longest - len(row) + right) for row in batch], np.int32
    )


@pytest.mark.parametrize("pooling", POOLINGS)
@given(batch=batches, left=st.integers(0, 9), right=st.integers(0, 9))
@settings(max_examples=6)
def test_scores_do_not_depend_on_padding(
    pooling: Pooling, batch: list[list[int]], left: int, right: int
) -> None:
    model = made_once(pooling)
    scores = model(pad(batch)).numpy()
    assert scores.shape == (len(batch), CLASSES)
    np.testing.assert_allclose(model(pad(batch, left, right)), scores, atol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_scores_do_not_depend_on_the_rest_of_the_batch(pooling: Pooling) -> None:
    batch = [[5, 6, 7], [1], [9] * 12]
    model = made_once(pooling)
    together = model(pad(batch)).numpy()
    alone = np.concatenate([model(pad([row])).numpy() for row in batch])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_the_order_of_tokens_matters(pooling: Pooling) -> None:
    forth, back = made_once(pooling)(pad([[5, 6, 7, 8], [8, 7, 6, 5]])).numpy()
    assert np.abs(forth - back).max() > 1e-4


@pytest.mark.parametrize(
    ("pooling", "bidirectional", "members"),
    [
        ("max_mean", True, 1),
        ("attention", False, 1),
        ("last", True, 1),
        ("last", False, 3),
        ("attention", True, 3),
    ],
)
def test_a_saved_model_is_restored_with_its_config_and_scores(
    tmp_path: Path, pooling: Pooling, bidirectional: bool, members: int
) -> None:
    model = make(pooling, bidirectional=bidirectional, lstm_layers=2, max_length=7, members=members)
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(restored, SentimentModel)
    assert restored.config == model.config
    batch = pad([[5, 6, 7], [1]])
    np.testing.assert_array_equal(restored(batch), model(batch))


@pytest.mark.parametrize("pooling", ["max_mean", "attention", "last"])
def test_an_ensemble_answers_with_the_mean_of_its_members(pooling: Pooling) -> None:
    ensemble, batch = make(pooling, members=3, lstm_layers=2), pad([[5, 6, 7], [1]])
    answers = []
    for member in ensemble.members:
        alone = make(pooling, lstm_layers=2)
        alone.embedding.load_matrix(ensemble.embedding.merged_matrix())
        for ours, theirs in zip(alone.layers_with_weights(), member.layers(), strict=True):
            ours.set_weights(theirs.get_weights())
        answers.append(alone(batch).numpy())
    assert np.abs(answers[0] - answers[1]).max() > 1e-3
    np.testing.assert_allclose(ensemble(batch), np.mean(answers, axis=0), atol=1e-6)


def test_other_members_leave_the_names_of_a_model_as_they_are() -> None:
    # Files that were written before there were ensembles have these names.
    def names(model: SentimentModel) -> set[str]:
        return {weight.path.partition("/")[2] for weight in model.weights}

    assert names(make()) < names(make(members=2))
    assert {"logits/kernel", "lstm_0/bidirectional/forward_lstm/lstm_cell/kernel"} < names(make())


def test_the_embedding_is_frozen_unless_asked() -> None:
    def trainable(model: SentimentModel) -> list[str]:
        return [v.path for v in model.trainable_variables if "embedding_matrix" in v.path]

    assert trainable(make()) == []
    assert len(trainable(make(trainable_embeddings=True))) == 1


def test_the_embedding_holds_the_given_vectors() -> None:
    model = make()
    normal = np.random.default_rng(0).normal(size=(VOCABULARY_SIZE, EMBEDDING_DIM))
    matrix = normal.astype(np.float32)
    model.embedding.load_matrix(matrix)
    looked_up = model.embedding(np.array([[0, 3]])).numpy()
    np.testing.assert_allclose(looked_up[0], matrix[[0, 3]], rtol=1e-6)
    with pytest.raises(InvalidInputError, match=r"shape \(30, 6\). Received: \(6, 30\)"):
        model.embedding.load_matrix(matrix.T)


def make_with_trained_rows() -> SentimentModel:
    """A model whose rows 1 and 7 have been moved by training."""
    keras.utils.set_random_seed(0)
    model = SentimentModel(
        VOCABULARY_SIZE, EMBEDDING_DIM, CLASSES, ModelConfig(lstm_units=4), num_trained_rows=2
    )
    normal = np.random.default_rng(0).normal(size=(VOCABULARY_SIZE, EMBEDDING_DIM))
    model.embedding.load_matrix(normal.astype(np.float32), [1, 7])
    model.embedding.trained_rows.assign([[9.0] * EMBEDDING_DIM, [1.0] * 6, [2.0] * 6])
    return model


def test_trained_rows_are_added_to_the_pretrained_ones() -> None:
    embedding = make_with_trained_rows().embedding
    pretrained = embedding.embedding_matrix.numpy()
    looked_up = embedding(np.array([[0, 1, 6, 7]])).numpy()[0]
    expected = pretrained[[0, 1, 6, 7]] + np.array([[0], [1], [0], [2]])
    np.testing.assert_allclose(looked_up, expected, rtol=1e-6)
    np.testing.assert_allclose(embedding.merged_matrix()[[0, 1, 6, 7]], looked_up, rtol=1e-6)


def test_as_many_ids_as_trained_rows_are_wanted() -> None:
    embedding = make_with_trained_rows().embedding
    with pytest.raises(InvalidInputError, match=r"`trained_ids` must be 2 ids\. Received: 1"):
        embedding.load_matrix(embedding.merged_matrix(), [3])


def test_a_model_with_trained_rows_is_restored_with_its_scores(tmp_path: Path) -> None:
    model, batch = make_with_trained_rows(), pad([[1, 6, 7], [1]])
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(restored(batch), model(batch))


def test_the_copy_without_cudnn_scores_the_same() -> None:
    batch = pad([[5, 6, 7], [1]])
    for model in (make(lstm_layers=2), make(members=2), make_with_trained_rows()):
        np.testing.assert_allclose(model.without_cudnn()(batch), model(batch), rtol=1e-6)
    assert model.without_cudnn().embedding.num_trained_rows == 0


def test_logits_stay_float32_under_mixed_precision() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        assert make()(pad([[5, 6]])).numpy().dtype == np.float32
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lstm_units": 0}, "`lstm_units` must be a positive integer. Received: lstm_units=0"),
        ({"lstm_layers": 1.5}, "`lstm_layers` must be a positive integer"),
        ({"members": 0}, "`members` must be a positive integer. Received: members=0"),
        ({"max_length": True}, "`max_length` must be a positive integer"),
        ({"dropout": 1.0}, "`dropout` must be at least 0 and below 1. Received: dropout=1.0"),
        ({"pooling": "sum"}, "max_mean, max, mean, attention, last. Received: 'sum'"),
    ],
)
def test_a_setting_that_breaks_its_rule_is_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        ModelConfig(**settings)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match=message):
        ModelConfig.from_dict(settings)


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(InvalidInputError, match=r"lstm_units.*Received: 'units'"):
        ModelConfig.from_dict({"units": 3})


def test_a_config_survives_its_dictionary() -> None:
    config = ModelConfig(lstm_units=5, pooling="last", bidirectional=False)
    assert ModelConfig.from_dict(config.to_dict()) == config

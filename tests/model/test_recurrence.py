from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_sentiment import InvalidInputError
from lstm_sentiment.model import recurrence
from lstm_sentiment.model.recurrence import FastLSTM

BATCH, TIME, INPUT_DIM, UNITS = 20, 7, 4, 3

masks = st.lists(
    st.lists(st.booleans(), min_size=TIME, max_size=TIME).filter(any),
    min_size=BATCH,
    max_size=BATCH,
).map(np.array)
kinds = pytest.mark.parametrize(
    ("bidirectional", "return_sequences"),
    [(False, False), (False, True), (True, False), (True, True)],
)


@pytest.fixture(autouse=True)
def several_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several slices of a batch wherever the tests run: full ones, a small one, and empty ones."""
    monkeypatch.setattr(recurrence, "usable_cores", lambda: 4)


def make(bidirectional: bool = True, return_sequences: bool = True, **settings: Any) -> FastLSTM:
    keras.utils.set_random_seed(0)
    layer = FastLSTM(UNITS, bidirectional, return_sequences, **settings)
    layer.build((None, None, INPUT_DIM))
    random = np.random.default_rng(0)
    layer.set_weights([random.normal(size=w.shape) for w in layer.get_weights()])
    return layer


def texts(count: int = BATCH, steps: int = TIME) -> tf.Tensor:
    random = np.random.default_rng(1)
    return tf.constant(random.normal(size=(count, steps, INPUT_DIM)), tf.float32)


def compiled(function: Callable[..., Any]) -> Any:
    """The function on batches of any size: one trace for all examples."""
    signature = [tf.TensorSpec((None, None, INPUT_DIM)), tf.TensorSpec((None, None), tf.bool)]
    return tf.function(function, input_signature=signature)


def with_gradients(
    layer: Any, variables: list[Any], training: bool, inputs: tf.Tensor, mask: tf.Tensor
) -> tuple[Any, ...]:
    """The output at real steps, and the gradients of the inputs and of all weights."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        states = layer(inputs, mask=mask, training=training)
        if len(states.shape) == 3:
            states *= tf.cast(mask, states.dtype)[:, :, tf.newaxis]
        total = tf.reduce_sum(tf.sin(states * 3))
    return states, *tape.gradient(total, [inputs, *variables])


@pytest.mark.parametrize(
    ("bidirectional", "return_sequences", "training", "cores"),
    [
        (False, False, True, 4),
        (False, True, True, 1),
        (True, False, False, 4),
        (True, True, True, 4),
    ],
)
def test_states_and_gradients_are_those_of_keras(
    bidirectional: bool,
    return_sequences: bool,
    training: bool,
    cores: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recurrence, "usable_cores", lambda: cores)
    layer = make(bidirectional, return_sequences)
    variables = [variable.value for variable in layer.trainable_variables]
    ours = compiled(partial(with_gradients, layer, variables, training))
    # Not compiled: tracing the loop of Keras takes longer than all examples together.
    theirs = partial(with_gradients, layer.lstm, variables, training)

    @given(mask=masks.map(tf.constant))
    @settings(max_examples=5)
    def check(mask: tf.Tensor) -> None:
        for got, expected in zip(ours(texts(), mask), theirs(texts(), mask), strict=True):
            np.testing.assert_allclose(got, expected, atol=1e-5, rtol=1e-4)

    check()


@kinds
@pytest.mark.parametrize("count", [1, 17, 40])
def test_without_a_mask_all_steps_are_real(
    bidirectional: bool, return_sequences: bool, count: int
) -> None:
    layer = make(bidirectional, return_sequences)
    expected = layer.lstm(texts(count))
    np.testing.assert_allclose(layer(texts(count)), expected, atol=1e-5)
    assert layer.compute_output_shape((count, TIME, INPUT_DIM)) == tuple(expected.shape)


@kinds
def test_no_texts_and_texts_without_real_steps_are_answered(
    bidirectional: bool, return_sequences: bool
) -> None:
    layer = make(bidirectional, return_sequences)
    assert layer(texts(0), mask=np.zeros((0, TIME), bool)).shape[0] == 0
    assert not layer(texts(), mask=np.zeros((BATCH, TIME), bool)).numpy().any()


def test_a_mask_with_holes_gives_zeros_there() -> None:
    mask = np.random.default_rng(2).random((BATCH, TIME)) < 0.5
    states = make()(texts(), mask=mask).numpy()
    assert not states[~mask].any()
    assert states[mask].all()


def test_recurrent_dropout_is_one_choice_a_text_for_all_steps() -> None:
    layer = make(bidirectional=False, recurrent_dropout=0.5)
    forward = layer.lstm.cell
    # Each channel of the state is read by itself alone, so what is dropped can be read off.
    forward.kernel.assign(np.zeros(forward.kernel.shape))
    forward.recurrent_kernel.assign(np.tile(np.eye(UNITS), 4))
    forward.bias.assign(np.ones(4 * UNITS))
    states = layer(texts(200), training=True).numpy()
    undropped = layer(texts(200), training=False).numpy()
    np.testing.assert_allclose(states[:, 0], undropped[:, 0], rtol=1e-6)  # nothing to drop yet
    paths = np.unique(states.transpose(0, 2, 1).reshape(-1, TIME).round(4), axis=0)
    assert len(paths) == 2  # a channel is dropped at all steps of a text or at none
    lower = states[:, 1] < states[:, 1].mean()
    assert 0.4 < lower.mean() < 0.6
    assert len(np.unique(lower, axis=0)) == 2**UNITS
    assert not np.allclose(layer(texts(200), training=True), states)


def test_gradients_with_recurrent_dropout_are_those_of_finite_differences() -> None:
    layer = make(recurrent_dropout=0.5)
    mask = np.arange(TIME) < np.random.default_rng(3).integers(1, TIME + 1, (BATCH, 1))

    @tf.function
    def total() -> tf.Tensor:
        layer.seed_generator.state.assign([7, 7])
        return tf.reduce_sum(tf.sin(layer(texts(), mask=mask, training=True)))

    with tf.GradientTape() as tape:
        value = total()
    gradients = tape.gradient(value, [variable.value for variable in layer.trainable_variables])
    for variable, gradient in zip(layer.trainable_variables, gradients, strict=True):
        gradient = gradient.numpy()
        direction = np.sign(gradient) * 1e-3
        before = variable.numpy()
        variable.assign(before + direction)
        above = float(total())
        variable.assign(before - direction)
        difference = (above - float(total())) / 2
        variable.assign(before)
        np.testing.assert_allclose(difference, (gradient * direction).sum(), rtol=0.01)


def test_the_same_seed_gives_the_same_bits() -> None:
    def run() -> list[np.ndarray]:
        layer = make(bidirectional=False, recurrent_dropout=0.3)
        variables = [variable.value for variable in layer.trainable_variables]
        mask = tf.ones((BATCH, TIME), tf.bool)
        return [np.asarray(part) for part in with_gradients(layer, variables, True, texts(), mask)]

    for first, second in zip(run(), run(), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.fixture
def mixed_bfloat16() -> Iterator[None]:
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.usefixtures("mixed_bfloat16")
def test_mixed_precision_stays_near_full_precision() -> None:
    layer, full = make(), make(dtype="float32")
    variables = [[variable.value for variable in one.trainable_variables] for one in (layer, full)]
    mask = tf.ones((BATCH, TIME), tf.bool)
    mixed = with_gradients(layer, variables[0], True, texts(), mask)
    assert mixed[0].dtype == tf.bfloat16
    exact = with_gradients(full, variables[1], True, texts(), mask)
    for got, expected in zip(mixed, exact, strict=True):
        off = np.abs(tf.cast(got, tf.float32) - expected).max()
        assert off < 0.03 * np.abs(expected).max()


def test_two_replicas_have_the_gradients_of_one_device() -> None:
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        layer = make(bidirectional=False)
    single = make(bidirectional=False)
    mask = tf.ones((BATCH, TIME), tf.bool)

    @tf.function
    def both() -> Any:
        def replica() -> list[tf.Tensor]:
            variables = [variable.value for variable in layer.trainable_variables]
            return list(with_gradients(layer, variables, True, texts(), mask)[2:])

        sums = strategy.run(replica)
        return [strategy.reduce("SUM", part, axis=None) for part in sums]

    variables = [variable.value for variable in single.trainable_variables]
    expected = with_gradients(single, variables, True, texts(), mask)[2:]
    for got, one in zip(both(), expected, strict=True):
        np.testing.assert_allclose(got, 2 * one, rtol=1e-4, atol=1e-4)


def test_a_saved_layer_is_restored(tmp_path: Path) -> None:
    layer = make(recurrent_dropout=0.25, use_cudnn=False, seed=5)
    inputs = keras.Input((None, INPUT_DIM))
    keras.Model(inputs, layer(inputs)).save(tmp_path / "layer.keras")
    model = keras.saving.load_model(tmp_path / "layer.keras")
    restored = model.layers[-1]
    assert isinstance(restored, FastLSTM)
    assert restored.get_config() == layer.get_config()
    np.testing.assert_array_equal(model(texts()), layer(texts()))


def test_a_share_that_breaks_its_rule_is_named() -> None:
    with pytest.raises(InvalidInputError, match=r"`recurrent_dropout` must be.*Received: .*=1"):
        FastLSTM(UNITS, recurrent_dropout=1)


def test_the_weights_start_as_those_of_keras() -> None:
    layers: list[Any] = []
    for kind in (FastLSTM, keras.layers.LSTM):
        keras.utils.set_random_seed(0)
        layers.append(kind(UNITS))
        layers[-1].build((None, None, INPUT_DIM))
    ours, theirs = layers
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    assert [w.shape for w in ours.weights] == [w.shape for w in theirs.weights]
    np.testing.assert_array_equal(ours.weights[2].numpy()[UNITS : 2 * UNITS], 1)  # forget gate


@keras.saving.register_keras_serializable("tests.model")
class ManyLayers(keras.Model):
    """Makes its layers in its constructor, as `SentimentModel` does."""

    def __init__(self, number: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.number = number
        self.many = [FastLSTM(1, bidirectional=True) for _ in range(number)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "number": self.number}


def test_each_layer_of_a_loaded_model_is_its_own(tmp_path: Path) -> None:
    """While Keras loads a model, it takes layers for one whose `id` is the same."""
    ManyLayers(150).save(tmp_path / "model.keras")
    for _ in range(3):
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        both = [
            half
            for layer in loaded.many
            for half in (layer.lstm.forward_layer, layer.lstm.backward_layer)
        ]
        assert len(set(map(id, both))) == 300
        assert [half.go_backwards for half in both] == [False, True] * 150

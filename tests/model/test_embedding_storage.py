from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.model.config import EmbeddingStorage, ModelConfig
from lstm_sentiment.model.embedding_storage import store_matrix
from lstm_sentiment.model.layers import PretrainedEmbedding

STORAGES: tuple[EmbeddingStorage, ...] = get_args(EmbeddingStorage)
LARGEST_FLOAT16 = 65504
TINY = float(np.finfo(np.float32).tiny)


def matrices(largest: float) -> st.SearchStrategy[NDArray[np.float32]]:
    """Word vectors: any numbers, and the usual ones around zero."""
    return arrays(
        np.float32, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=numbers(largest)
    )


def numbers(largest: float) -> st.SearchStrategy[float]:
    # Those too small for a full mantissa are zero to TensorFlow, now and then.
    found = st.floats(-largest, largest, width=32) | st.floats(-1, 1, width=32)
    return found.map(lambda number: number if abs(number) > 1e-30 else 0.0)


any_matrices = matrices(2.0**127)


@pytest.mark.parametrize(
    ("storage", "dtype", "scaled"),
    [("int8", np.int8, True), ("float16", np.float16, False), ("float32", np.float32, False)],
)
def test_values_have_the_type_they_are_kept_in(
    storage: EmbeddingStorage, dtype: Any, scaled: bool
) -> None:
    matrix = np.array([[1, -2], [0.5, 0.25], [0, 0]], np.float32)
    stored = store_matrix(matrix, storage)
    assert stored.values.dtype == dtype
    assert stored.values.shape == (3, 2)
    assert (stored.scales is not None) == scaled
    assert stored.expanded().dtype == np.float32
    if stored.scales is not None:
        assert stored.scales.dtype == np.float32
        assert stored.scales.shape == (3, 1)


@given(matrix=any_matrices)
def test_float32_keeps_every_bit(matrix: NDArray[np.float32]) -> None:
    before = matrix.tobytes()
    stored = store_matrix(matrix, "float32")
    assert stored.expanded().tobytes() == before
    assert not np.shares_memory(stored.values, matrix)  # what is stored does not change with it


@given(matrix=any_matrices)
def test_int8_is_off_by_half_a_step_at_most(matrix: NDArray[np.float32]) -> None:
    stored = store_matrix(matrix, "int8")
    assert stored.scales is not None
    largest = np.abs(matrix).max(axis=1, keepdims=True)
    step = np.where(largest / 127 >= TINY, largest / 127, 1)
    np.testing.assert_allclose(stored.scales, step, rtol=1e-6)
    # What float32 itself rounds comes on top of half a step.
    off = np.abs(stored.expanded().astype(np.float64) - matrix)
    assert (off <= 0.50002 * step.astype(np.float64)).all()


@given(matrix=matrices(2.0**15))
def test_float16_is_off_by_half_a_step_at_most(matrix: NDArray[np.float32]) -> None:
    stored = store_matrix(matrix, "float16")
    step = np.spacing(np.abs(stored.values)).astype(np.float64)
    assert (np.abs(stored.expanded().astype(np.float64) - matrix) <= step / 2).all()


@pytest.mark.parametrize("storage", STORAGES)
@given(matrix=any_matrices)
def test_what_is_rounded_once_stays_as_it_is(
    storage: EmbeddingStorage, matrix: NDArray[np.float32]
) -> None:
    once = store_matrix(matrix, storage)
    twice = store_matrix(once.expanded(), storage)
    np.testing.assert_array_equal(twice.values, once.values)
    np.testing.assert_array_equal(twice.expanded(), once.expanded())
    assert np.isfinite(once.expanded()).all()


@pytest.mark.parametrize("storage", STORAGES)
def test_a_row_of_zeros_stays_one_beside_large_rows(storage: EmbeddingStorage) -> None:
    matrix = np.array([[0, 0], [6e4, -6e4], [0, 1e-2]], np.float32)
    expanded = store_matrix(matrix, storage).expanded()
    assert expanded[0].tolist() == [0, 0]
    np.testing.assert_allclose(expanded, matrix, rtol=1e-3)  # each row has a scale of its own


def test_numbers_too_small_for_a_scale_are_zeros() -> None:
    # In multiples of the least number of float32, 180 / 127 is 1, and 180 no int8.
    matrix = np.array([[180, -180, 3]], np.float32) * np.float32(2**-149)
    assert store_matrix(matrix, "int8").expanded().tolist() == [[0, 0, 0]]


def test_float16_holds_what_is_beyond_its_range_as_its_largest() -> None:
    matrix = np.array([[7e4, -1e30, 65519]], np.float32)
    expanded = store_matrix(matrix, "float16").expanded()
    assert expanded.tolist() == [[LARGEST_FLOAT16, -LARGEST_FLOAT16, LARGEST_FLOAT16]]


@pytest.mark.parametrize("storage", STORAGES)
@given(data=st.data())
@settings(max_examples=15)
def test_an_embedding_gives_what_can_be_kept_of_all_its_rows(
    storage: EmbeddingStorage, data: st.DataObject
) -> None:
    matrix = data.draw(matrices(100))
    rows, dim = matrix.shape
    trained = data.draw(st.lists(st.integers(0, rows - 1), unique=True))
    layer = PretrainedEmbedding(rows, dim, num_trained_rows=len(trained))
    layer.build((None, None))
    layer.load_matrix(matrix, trained)
    if trained:
        moves = arrays(np.float32, (len(trained) + 1, dim), elements=numbers(3))
        layer.trained_rows.assign(data.draw(moves))
    ids = np.arange(rows)[np.newaxis]
    np.testing.assert_array_equal(layer(ids)[0], layer.merged_matrix())
    kept = store_matrix(layer.merged_matrix(), storage).expanded()

    layer.round_to(storage)
    np.testing.assert_array_equal(layer.merged_matrix(), kept)
    np.testing.assert_array_equal(layer(ids)[0], kept)
    layer.round_to(storage)
    np.testing.assert_array_equal(layer.merged_matrix(), kept)


def test_another_storage_is_refused_with_the_choices() -> None:
    with pytest.raises(InvalidInputError) as caught:
        ModelConfig(embedding_storage="int4")  # type: ignore[arg-type]
    assert str(caught.value) == (
        "`embedding_storage` must be one of: int8, float16, float32. Received: 'int4'. "
        "Did you mean 'int8'?"
    )

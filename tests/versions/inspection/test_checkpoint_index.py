from pathlib import Path

import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.errors import ServableUnavailableError
from lstm_sentiment.protocol.dtypes import dtype_of
from lstm_sentiment.versions.inspection.checkpoint_index import read_checkpoint_index


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of so many variables that its index has several blocks."""
    module = tf.Module()
    module.many = [
        tf.Variable(tf.zeros([i % 3, 2]), name=f"weights_of_a_layer_{i}") for i in range(400)
    ]
    module.scalar = tf.Variable(7, dtype=tf.int64)
    module.small = tf.Variable(tf.zeros([3], tf.bfloat16))
    return Path(tf.train.Checkpoint(m=module).write(str(tmp_path_factory.mktemp("saved") / "m")))


def test_names_dtypes_and_shapes_are_those_that_tensorflow_reads(checkpoint: Path) -> None:
    found = read_checkpoint_index(checkpoint.with_suffix(".index"))
    reader = tf.train.load_checkpoint(str(checkpoint))
    shapes, dtypes = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    assert {name: [dim.size for dim in entry.shape.dim] for name, entry in found.items()} == shapes
    assert {name: str(dtype_of(entry.dtype)) for name, entry in found.items()} == {
        name: dtype.name for name, dtype in dtypes.items()
    }
    assert list(found) == sorted(found)


@given(st.data())
def test_a_damaged_index_is_refused_or_read_and_nothing_else(
    checkpoint: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(checkpoint.with_suffix(".index").read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)))
    path = tmp_path_factory.mktemp("damaged") / "variables.index"
    path.write_bytes(content[:end])
    try:
        read_checkpoint_index(path)
    except ServableUnavailableError as error:
        assert str(error).startswith(f"{path}: must be a checkpoint. Received: ")
    else:
        assert end == len(content)


def test_a_missing_index_is_told(tmp_path: Path) -> None:
    with pytest.raises(ServableUnavailableError, match="cannot be read: No such file"):
        read_checkpoint_index(tmp_path / "variables.index")

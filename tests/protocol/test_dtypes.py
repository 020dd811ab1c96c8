import subprocess
import sys
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2

from lstm_sentiment.protocol.dtypes import dtype_of, dtype_of_array

KNOWN = sorted(set(types_pb2.DataType.values()) - {types_pb2.DT_INVALID})
FLOATS_AND_INTEGERS = ("bfloat16", "float8_e4m3b11fnuz", "float4_e2m1fn", "int4", "uint2")
QUANTIZED = [tf.qint8, tf.quint8, tf.qint16, tf.quint16, tf.qint32]


@pytest.mark.parametrize("number", KNOWN, ids=types_pb2.DataType.Name)
def test_names_are_those_that_tensorflow_prints(number: int) -> None:
    dtype = dtype_of(number)
    assert dtype is not None
    assert dtype.number == number
    assert dtype.name == str(dtype) == tf.as_dtype(number).name
    assert dtype.enum_name == types_pb2.DataType.Name(number)


@pytest.mark.parametrize("number", KNOWN, ids=types_pb2.DataType.Name)
def test_numpy_dtypes_are_tensorflows(number: int) -> None:
    dtype, theirs = dtype_of(number), tf.as_dtype(number)
    assert dtype is not None
    if dtype.name.startswith(("resource", "variant")):
        with pytest.raises(TypeError, match="have no NumPy form"):
            dtype.numpy  # noqa: B018
        return
    assert dtype.numpy == theirs.as_numpy_dtype
    assert dtype.is_quantized == theirs.is_quantized


@pytest.mark.parametrize("number", [-1, 0, 34, 100, 134, 1000])
def test_other_numbers_are_no_dtypes(number: int) -> None:
    assert dtype_of(number) is None


@pytest.mark.parametrize(
    "dtype",
    [
        *(np.dtype(name) for name in [*"?bBhHiIlLqQefdFDO", "S3", "U3", ">i4", ">f8"]),
        *(np.dtype(getattr(ml_dtypes, name)) for name in FLOATS_AND_INTEGERS),
        *(np.dtype(dtype.as_numpy_dtype) for dtype in QUANTIZED),
    ],
    ids=str,
)
def test_arrays_have_tensorflows_dtypes(dtype: Any) -> None:
    found = dtype_of_array(dtype)
    assert found is not None
    assert found.number == tf.as_dtype(dtype).as_datatype_enum


@pytest.mark.parametrize(
    "dtype",
    [
        *map(np.dtype, ["g", "G", "V3", "M8[s]"]),
        np.dtype(ml_dtypes.float8_e3m4),
        np.dtype([("a", "i1")]),
    ],
    ids=str,
)
def test_other_arrays_have_none(dtype: Any) -> None:
    assert dtype_of_array(dtype) is None
    with pytest.raises(TypeError):
        tf.as_dtype(dtype)


def test_the_package_for_rare_dtypes_is_imported_when_one_is_needed() -> None:
    code = (
        "import sys\n"
        "import numpy as np\n"
        "from lstm_sentiment.protocol.dtypes import dtype_of, dtype_of_array\n"
        "dtype_of_array(np.dtype('float32')), dtype_of(7).numpy, dtype_of(14).name\n"
        "assert not {'tensorflow', 'ml_dtypes'} & set(sys.modules)\n"
        "assert str(dtype_of(14).numpy) == 'bfloat16'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

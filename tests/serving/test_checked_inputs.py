"""Inputs are checked once, for the signature that they are for."""

from typing import Any

import numpy as np
import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.dtypes import INT64, STRING
from lstm_sentiment.serving.checked_inputs import CheckedInputs, checked_inputs
from lstm_sentiment.serving.servable import Signature, TensorInfo

TEXT = Signature("text", {"text": TensorInfo(STRING, (None,))})
IDS = Signature("ids", {"text": TensorInfo(INT64, (None,))})


def array(*values: Any) -> Any:
    return np.array(values, object)


def test_checked_inputs_are_taken_as_they_are() -> None:
    once = checked_inputs(TEXT, {"text": array(b"a", b"b")})
    assert checked_inputs(TEXT, once) is once
    # Rows of checked inputs need no check either, which would refuse these.
    rows = CheckedInputs(TEXT, {"text": array(None)})
    assert checked_inputs(TEXT, rows) is rows


def test_inputs_checked_for_another_signature_are_checked_again() -> None:
    once = checked_inputs(TEXT, {"text": array(b"a")})
    with pytest.raises(InvalidInputError, match="`text` must have dtype int64"):
        checked_inputs(IDS, once)


def test_strings_must_be_bytes() -> None:
    assert checked_inputs(TEXT, {"text": np.array(["好"])})["text"].tolist() == ["好".encode()]
    with pytest.raises(InvalidInputError, match=r"`text` must hold bytes\. Received: int"):
        checked_inputs(TEXT, {"text": array(b"a", 1)})

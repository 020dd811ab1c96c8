"""Inputs are checked once, for the signature that they are for."""

from typing import Any

import numpy as np
import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.dtypes import INT64, STRING
from lstm_sentiment.serving.checked_inputs import CheckedInputs, checked_inputs
from lstm_sentiment.serving.servable import Signature, TensorInfo

TEXT = Signature("text", {"text": TensorInfo(STRING, (None,))})
PAIR = {"a": TensorInfo(STRING, (None,), "f_a:0"), "b": TensorInfo(STRING, (), "f_b:0")}
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


def test_inputs_that_are_left_out_take_their_defaults() -> None:
    signature = Signature("pair", PAIR, defaults={"b": np.array(b"?", object)})
    filled = checked_inputs(signature, {"a": array(b"x")})
    assert list(filled) == ["a", "b"]
    assert filled["b"].item() == b"?"
    sent = {"b": np.array(b"!", object), "a": array(b"x")}
    assert checked_inputs(signature, sent)["b"].item() == b"!"


@pytest.mark.parametrize(
    ("defaults", "sent", "message"),
    [
        (
            (),
            ("a",),
            "input size does not match signature: 1!=2 len({a}) != len({a,b}). Sent extra: {}. "
            "Missing but required: {b}.",
        ),
        (
            ("b",),
            ("a", "b", "c"),
            "input size does not match signature: 3!=2 len({a,b,c}) != len({a,b}). "
            "Sent extra: {c}. Missing but required: {}.",
        ),
        (
            (),
            ("a", "c"),
            "Signature input alias: b(feed name: f_b:0) not found in request and no default value "
            "provided. Inputs expected to be in the request {a,c}, or default input alias set: ",
        ),
        (
            ("b",),
            (),
            "Signature input alias: a(feed name: f_a:0) not found in request and no default value "
            "provided. Inputs expected to be in the request {}, or default input alias set: b",
        ),
        (
            ("b",),
            ("c", "a"),
            "Inputs contains invalid name. Used request inputs: a, request input: a,c",
        ),
    ],
)
def test_other_names_are_refused_as_by_tensorflow_serving(
    defaults: tuple[str, ...], sent: tuple[str, ...], message: str
) -> None:
    signature = Signature("pair", PAIR, defaults=dict.fromkeys(defaults, array(b"?")))
    with pytest.raises(InvalidInputError) as caught:
        checked_inputs(signature, dict.fromkeys(sent, array(b"x")))
    assert str(caught.value) == message

"""Which signature answers, and which one metadata describe."""

from collections.abc import Mapping

import numpy as np
import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.dtypes import FLOAT32, INT32, INT64, STRING, DType
from lstm_sentiment.serving.errors import SignatureNotFoundError
from lstm_sentiment.serving.open_inference.signature_choice import choosing, described_signature
from lstm_sentiment.serving.servable import Signature, TensorInfo

IDS, TEXTS = INT64, STRING


def signature(key: str, **inputs: DType) -> Signature:
    return Signature(key, {name: TensorInfo(dtype, None) for name, dtype in inputs.items()})


def signatures(*found: Signature) -> dict[str, Signature]:
    return {each.key: each for each in found}


OURS = signatures(
    signature("serving_default", input_sentence=INT64),
    signature("text", text=STRING),
    signature("explain", text=STRING),
)
OF_TEXT_BY_DEFAULT = signatures(
    signature("serving_default", text=STRING),
    signature("text", text=STRING),
    signature("ids", input_sentence=INT64),
)
DEFAULTED = Signature(
    "serving_default",
    {"text": TensorInfo(STRING, None), "top": TensorInfo(INT64, None)},
    defaults={"top": np.array(1)},
)
TWO_OF_TEXT = signatures(signature("serving_default", text=STRING), signature("text", text=STRING))


@pytest.mark.parametrize(
    ("model", "named", "inputs", "key"),
    [
        (OURS, "", {"input_sentence": IDS}, "serving_default"),
        (OURS, "", {"text": TEXTS}, "text"),
        (OURS, "explain", {"text": TEXTS}, "explain"),
        (OURS, "nope", {"text": TEXTS}, "nope"),
        (TWO_OF_TEXT, "", {"text": TEXTS}, "serving_default"),
        (signatures(signature("text", text=STRING)), "", {"text": TEXTS}, "text"),
        (signatures(DEFAULTED, OURS["text"]), "", {"text": TEXTS}, "serving_default"),
        (OF_TEXT_BY_DEFAULT, "", {"text": TEXTS}, "serving_default"),
        (OF_TEXT_BY_DEFAULT, "", {"input_sentence": IDS}, "ids"),
        (signatures(DEFAULTED, OURS["text"]), "", {"text": TEXTS, "top": IDS}, "serving_default"),
    ],
)
def test_a_named_signature_then_the_default_then_text(
    model: Mapping[str, Signature], named: str, inputs: Mapping[str, DType], key: str
) -> None:
    assert choosing(named, inputs)(model) == key


@pytest.mark.parametrize(
    ("inputs", "received"),
    [
        ({"text": IDS}, "text int64"),
        ({"input_sentence": INT32}, "input_sentence int32"),
        ({"text": TEXTS, "more": TEXTS}, "text string, more string"),
        ({"x": FLOAT32}, "x float32"),
    ],
)
def test_where_none_fits_all_are_named(inputs: Mapping[str, DType], received: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        choosing("", inputs)(OURS)
    assert str(caught.value) == (
        "the inputs must be those of `serving_default` or `text`, or the parameter "
        "`signature_name` must name another signature: explain(text BYTES), "
        f"serving_default(input_sentence INT64), text(text BYTES). Received: {received}."
    )


def test_metadata_describe_what_a_plain_client_should_use() -> None:
    assert described_signature(OURS, "").key == "text"
    assert described_signature(OURS, "serving_default").key == "serving_default"
    plain = signatures(signature("serving_default", x=FLOAT32))
    assert described_signature(plain, "").key == "serving_default"


@pytest.mark.parametrize(("model", "named"), [(OURS, "nope"), ({}, "")])
def test_a_signature_that_is_not_there(model: Mapping[str, Signature], named: str) -> None:
    with pytest.raises(SignatureNotFoundError):
        described_signature(model, named)

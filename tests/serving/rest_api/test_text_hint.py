from typing import Any

import pytest

from lstm_sentiment.protocol import tensor_pb2
from lstm_sentiment.protocol.signature_pb2 import SignatureDef
from lstm_sentiment.serving.rest_api.text_hint import text_hint


def taking(method: str = "tensorflow/serving/predict", **dtypes: Any) -> SignatureDef:
    definition = SignatureDef(method_name=method)
    for name, dtype in dtypes.items():
        definition.inputs[name].dtype = dtype
    return definition


STRING: int = tensor_pb2.DT_STRING
INT64: int = tensor_pb2.DT_INT64
IDS = taking(ids=INT64)


@pytest.mark.parametrize(
    ("signatures", "named"),
    [
        ({"serving_default": IDS, "text": taking(text=STRING)}, "`text`"),
        ({"serving_default": IDS, "b": taking(x=STRING), "a": taking(y=STRING)}, "`a`"),
        ({"serving_default": IDS, "a": taking(y=STRING), "text": taking(x=STRING)}, "`text`"),
        ({"serving_default": IDS, "a": taking(inputs=STRING)}, None),
        ({"serving_default": IDS, "a": taking("tensorflow/serving/classify", x=STRING)}, None),
        ({"serving_default": IDS, "a": taking(x=STRING, y=STRING)}, None),
        ({"serving_default": taking(x=STRING), "text": taking(x=STRING)}, None),
        ({"text": taking(x=STRING)}, None),
    ],
)
def test_a_signature_for_texts_is_named_if_the_default_takes_none(
    signatures: dict[str, SignatureDef], named: str | None
) -> None:
    hint = text_hint(signatures)
    assert f"Send texts to signature {named}, as" in hint if named else not hint

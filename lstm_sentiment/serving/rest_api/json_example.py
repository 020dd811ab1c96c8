"""Classify and regress requests and answers in the JSON of TensorFlow Serving's REST API.

After `tensorflow_serving/util/json_tensor.cc`, messages included. An example is an object with a
value, or a list of values, for each feature. The values decide the kind of the feature: text or
`{"b64": ...}` makes bytes, a number with a point or an exponent makes floats, any other number and
a boolean make int64.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.dtypes import STRING
from lstm_sentiment.protocol.example_pb2 import Example, Feature
from lstm_sentiment.protocol.prediction_pb2 import Input
from lstm_sentiment.serving.inference.classification import Classifications
from lstm_sentiment.serving.inference.regression import Regressions
from lstm_sentiment.serving.rest_api.json_document import (
    parse_document,
    refuse_format,
    signature_key_of,
)
from lstm_sentiment.serving.rest_api.json_text.json_object import members_of
from lstm_sentiment.serving.rest_api.json_value import (
    is_base64,
    json_type,
    shortest_float32,
    value_reader,
)

_KIND_NAMES = {"bytes_list": "bytes", "float_list": "float", "int64_list": "int64"}

_read_bytes = value_reader(STRING)


@dataclass(frozen=True)
class JsonExamplesRequest:
    """The body of a classify or regress request.

    Attributes:
        signature_key: The `signature_name`; empty for the default.
        input: The examples, with their context where there is one.
    """

    signature_key: str
    input: Input


def parse_examples_request(body: bytes) -> JsonExamplesRequest:
    """Parses the body of a classify or regress request.

    Args:
        body: JSON in UTF-8: `examples`, a list of objects; optional `signature_name`, a string,
            and `context`, an object whose features every example shares.

    Raises:
        InvalidInputError: If the body is not such an object, or a feature mixes kinds or has a
            value that a `tf.Example` cannot hold.
    """
    document = parse_document(body)
    signature_key = signature_key_of(document)
    proto = Input()
    # The field is set even if it stays empty: it decides which kind of input this is.
    if "context" in document:
        example_list: Any = proto.example_list_with_context
        example_list.context.CopyFrom(_example(document["context"]))
    else:
        example_list = proto.example_list
    example_list.examples.extend(_example(value) for value in _examples(document))
    return JsonExamplesRequest(signature_key, proto)


def classifications_to_json(classifications: Classifications) -> str:
    """Writes `{"results": [[["label", score], ...], ...]}`, a list for each example."""
    results = [
        [[label, shortest_float32(score)] for label, score in classes]
        for classes in classifications
    ]
    return json.dumps({"results": results}, ensure_ascii=False)


def regressions_to_json(regressions: Regressions) -> str:
    """Writes `{"results": [number, ...]}`, a number for each example."""
    return json.dumps({"results": [shortest_float32(value) for value in regressions]})


def _examples(document: Mapping[str, Any]) -> list[Any]:
    if "examples" not in document:
        # TensorFlow Serving names classify for regress too.
        refuse_format(
            document, "When method is classify, key 'examples' is expected and was not found"
        )
    examples = document["examples"]
    if not isinstance(examples, list):
        refuse_format(document, "Expecting 'examples' value to be an list/array")
    if not examples:
        refuse_format(document, "'examples' value is an empty array")
    return examples


def _example(value: Any) -> Example:
    if not isinstance(value, dict):
        raise InvalidInputError(f"Example must be JSON object but got JSON {json_type(value)}")
    example = Example()
    for name, content in members_of(value):
        name, _, _ = name.partition("\0")
        feature = Feature()
        for element in content if isinstance(content, list) else [content]:
            _add_element(element, name, feature)
        # No model asks for a feature whose name is not text, and no message could hold it.
        if _is_text(name):
            # Of a name that comes more than once, the last counts here.
            example.features.feature[name].CopyFrom(feature)
    return example


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _add_element(value: Any, name: str, feature: Feature) -> None:
    kind = _kind_of(value, name)
    found = feature.WhichOneof("kind")
    if found not in (None, kind):
        raise InvalidInputError(
            f"Unexpected element type in feature: {name} expecting type: {_KIND_NAMES[found]}"
        )
    if kind == "bytes_list":
        feature.bytes_list.value.append(_read_bytes(value))
    elif kind == "float_list":
        feature.float_list.value.append(_float32(value))
    elif value >= 1 << 63:
        raise InvalidInputError(f"Feature: {name} has uint64_t element. Only int64_t is supported.")
    else:
        feature.int64_list.value.append(int(value))


def _kind_of(value: Any, name: str) -> str:
    if isinstance(value, str) or is_base64(value):
        return "bytes_list"
    # A bool is an int to Python. Integers beyond 64 bits are floats to RapidJSON.
    if isinstance(value, int):
        return "int64_list" if -(1 << 63) <= value < 1 << 64 else "float_list"
    if isinstance(value, float):
        return "float_list"
    raise InvalidInputError(
        f"Feature: {name} has element with unexpected JSON type: {json_type(value)}"
    )


def _float32(value: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(value))

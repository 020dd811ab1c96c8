import base64
import json
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol import tensor_pb2
from lstm_sentiment.protocol.dtypes import STRING, DType, dtype_of, dtype_of_array
from lstm_sentiment.serving.errors import NotImplementedInServingError
from lstm_sentiment.serving.rest_api.json_tensor import (
    RequestFormat,
    outputs_to_json,
    parse_predict_request,
)
from lstm_sentiment.serving.servable import Signature, TensorInfo
from tests.serving.fake_servables import array_of

FLOAT32_MAX = float(np.finfo(np.float32).max)


def signature(**dtypes: str) -> Signature:
    return Signature("s", {name: TensorInfo(named(dtype), None) for name, dtype in dtypes.items()})


def named(dtype: str) -> DType:
    by_number = {"string": STRING, "bfloat16": dtype_of(tensor_pb2.DT_BFLOAT16)}
    found = by_number.get(dtype) or dtype_of_array(np.dtype(dtype))
    assert found is not None
    return found


def read(document: Any, **dtypes: str) -> dict[str, Any]:
    return read_text(json.dumps(document), **dtypes)


def read_text(body: str, **dtypes: str) -> dict[str, Any]:
    tensors = parse_predict_request(body.encode()).inputs(signature(**dtypes))
    return {name: np.asarray(tensor).tolist() for name, tensor in tensors.items()}


def refusal(document: Any, **dtypes: str) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read(document, **dtypes)
    return str(caught.value)


@pytest.mark.parametrize(
    ("document", "dtypes", "expected"),
    [
        ({"instances": ["好", "b"]}, {"x": "string"}, {"x": ["好".encode(), b"b"]}),
        ({"instances": [{"x": "a"}]}, {"x": "string"}, {"x": [b"a"]}),
        ({"instances": [[1, 2], [3, 4]]}, {"x": "int64"}, {"x": [[1, 2], [3, 4]]}),
        (
            {"instances": [{"a": 1, "b": True}, {"b": False, "a": 2}]},
            {"a": "int32", "b": "bool"},
            {"a": [1, 2], "b": [True, False]},
        ),
        ({"instances": [{"b64": "/wA="}, "a"]}, {"x": "string"}, {"x": [b"\xff\0", b"a"]}),
        ({"instances": [{"x": {"b64": "/wA"}}]}, {"x": "string"}, {"x": [b"\xff\0"]}),
        ({"instances": [[], []]}, {"x": "float32"}, {"x": [[], []]}),
        ({"inputs": ["a", "b"]}, {"x": "string"}, {"x": [b"a", b"b"]}),
        ({"inputs": {"x": ["a"]}}, {"x": "string"}, {"x": [b"a"]}),
        ({"inputs": {"b64": "YQ=="}}, {"x": "string"}, {"x": b"a"}),
        ({"inputs": 3}, {"x": "uint8"}, {"x": 3}),
        ({"inputs": []}, {"x": "string"}, {"x": []}),
        (
            {"inputs": {"a": [[1]], "b": 1.5, "left": "over"}},
            {"a": "int8", "b": "float64"},
            {"a": [[1]], "b": 1.5},
        ),
    ],
)
def test_rows_and_columns_are_read(
    document: Any, dtypes: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert read(document, **dtypes) == expected


def test_nan_and_infinity_are_numbers() -> None:
    values = read_text('{"inputs": [NaN, Infinity, -Infinity, 1]}', x="float32")
    assert math.isnan(values["x"][0])
    assert values["x"][1:] == [math.inf, -math.inf, 1]


@pytest.mark.parametrize(
    ("value", "dtype", "message"),
    [
        ("a", "int32", 'JSON Value: "a" Type: String is not of expected type: int32'),
        (1.0, "int64", "JSON Value: 1.0 Type: Number is not of expected type: int64"),
        (True, "int64", "JSON Value: true Type: True is not of expected type: int64"),
        (None, "int64", "JSON Value: null Type: Null is not of expected type: int64"),
        (2**31, "int32", "Type: Number is not of expected type: int32"),
        (2**31, "int8", "Type: Number is not of expected type: int8"),
        (-1, "uint16", "Type: Number is not of expected type: uint16"),
        (2**64, "uint64", "JSON Value: 18446744073709552000.0 Type: Number is not of"),
        (2**63, "int64", "Type: Number is not of expected type: int64"),
        ("0.5", "float32", 'JSON Value: "0.5" Type: String is not of expected type: float'),
        (False, "float32", "JSON Value: false Type: False is not of expected type: float"),
        (1, "string", "JSON Value: 1 Type: Number is not of expected type: string"),
        (1, "bool", "JSON Value: 1 Type: Number is not of expected type: bool"),
        ({"b64": "?"}, "string", "Unable to base64 decode"),
        ({"b64": "YQ=="}, "int64", "Type: Object is not of expected type: int64"),
    ],
)
def test_a_value_of_another_type_is_refused(value: Any, dtype: Any, message: str) -> None:
    assert message in refusal({"inputs": [value]}, x=dtype)
    assert refusal({"instances": [value]}, x=dtype).startswith(
        "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: "
    )


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("float32", "[1, 16777216, 4294967296]", [1.0, 16777216.0, 4294967296.0]),
        ("float32", "[16777217, 18446744073709551616]", [16777216.0, 2.0**64]),
        ("float32", "[1e39, -1e39, 3.4028235e38, 1e-60]", [np.inf, -np.inf, FLOAT32_MAX, 0.0]),
        ("float64", "[9007199254740993, 1e308]", [9007199254740992.0, 1e308]),
        ("int8", "[300, -129, 127]", [44, 127, 127]),
        ("uint8", "[-1, 256]", [255, 0]),
        ("int16", "[65537, -32769]", [1, 32767]),
        ("int32", "[-0, -2147483648]", [0, -(2**31)]),
    ],
)
def test_a_number_that_a_dtype_cannot_hold_is_converted_as_in_cpp(
    dtype: str, values: str, expected: list[Any]
) -> None:
    assert read_text(f'{{"inputs": {values}}}', x=dtype) == {"x": expected}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"instances": [1], "inputs": [1]}, "expecting only one of 'inputs' or 'instances'"),
        ({"instances": 1}, "Expecting 'instances' to be an list/array"),
        ({"instances": []}, "No values in 'instances' array"),
        ({"instances": None}, "Expecting 'instances' to be an list/array"),
        ({"instances": [1, [1]]}, "Expecting shape"),
        ({"instances": [[1], [1, 2]]}, "Expecting tensor size: 1 but got: 2"),
        ({"instances": [[[1, 2]], [[1], [2]]]}, "Expecting shape [1,2] but got: [2,1]"),
        ({"instances": [[1, [2]]]}, "Encountered list at unexpected level: 1 expected < 1"),
        ({"instances": [[[1], 2]]}, "JSON Value: 2 found at incorrect level: 2"),
        ({"inputs": [[1, 2], [3]]}, "Encountered list at unexpected size: 1 at level: 1"),
        ({"instances": [{"x": 1}, 2]}, "Expecting object but got list at item 1"),
        ({"instances": [1, {"x": 1}]}, "Expecting value/list but got object at item 1"),
        (
            {"instances": [{"y": 1}]},
            "Failed to process element: 0 key: y of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON object: does not have named input: y",
        ),
        ({"instances": [{}]}, "keys must be equal to: x"),
        ({"inputs": {"y": 1}}, "Missing named input: x in 'inputs' object."),
        ({"instances": json.loads("[" * 300 + "]" * 300)}, "nested at most 64 deep"),
    ],
)
def test_a_document_that_breaks_the_format_is_refused(document: Any, message: str) -> None:
    assert message in refusal(document, x="int64")


def test_several_inputs_need_names() -> None:
    dtypes = {"a": "int64", "b": "int64"}
    assert "expecting list of objects" in refusal({"instances": [1]}, **dtypes)
    assert "expecting an object" in refusal({"inputs": [1]}, **dtypes)
    assert "keys must be equal to: a,b" in refusal({"instances": [{"a": 1}]}, **dtypes)


@pytest.mark.parametrize(
    ("dtype", "name"),
    [("complex64", "complex64"), ("float16", "half"), ("bfloat16", "bfloat16")],
)
def test_a_dtype_without_json_form_is_told_apart(dtype: str, name: str) -> None:
    message = f"Conversion of JSON Value: 1 to type: {name}"
    with pytest.raises(NotImplementedInServingError, match=f"^{message}$"):
        read({"inputs": [1]}, x=dtype)
    assert refusal({"instances": [1]}, x=dtype) == (
        f"Failed to process element: 0 of 'instances' list. Error: UNIMPLEMENTED: {message}"
    )
    assert read({"inputs": []}, x=dtype) == {"x": []}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b"{", "JSON Parse error: Missing a name for object member. at offset: 1"),
        (b"\xff", "JSON Parse error: Invalid value. at offset: 0"),
        (b"[1]", "Is not object"),
        (b"3", "JSON Value: 3 Is not object"),
        (b'{"signature_name": 1}', "'signature_name' key must be a string value"),
        (b"[" * 100_000, "JSON Parse error"),
        (
            b'{"inputs": ' + b"9" * 5000 + b"}",
            "JSON Parse error: Number too big to be stored in double. at offset: 11",
        ),
    ],
)
def test_a_body_that_is_not_a_json_object_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        parse_predict_request(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"instances": ["a"], "instances": ["b", "c"]}', [b"a"]),
        (b'{"inputs": ["a"], "inputs": 3}', [b"a"]),
        (b'{"inputs": {"x": ["a"], "x": ["b", "c"]}}', [b"a"]),
        (b'{"instances": [{"x": "a", "x": "b"}]}', [b"a"]),
        # The values of both are put one behind the other, and as many are taken as there are rows.
        (b'{"instances": [{"x": "a", "x": "b"}, {"x": "c"}]}', [b"a", b"b"]),
        (b'{"instances": [{"x\\u0000y": "a"}]}', [b"a"]),
        (b'{"instances": ["a"]} xyz', [b"a"]),
        (b'{"instances": ["a"]}{"instances": ["b"]}', [b"a"]),
        (b'{"instances": ["a"]}\0', [b"a"]),
        (b'\xef\xbb\xbf {"instances": ["a"]}', [b"a"]),
        (b'{"instances": ["\\ude00"]}', [b"\xed\xb8\x80"]),
        (b'{"instances": ["\\ud83d\\ude00"]}', ["😀".encode()]),
        (b'{"instances": ["\\\\ud83d\\ude00"]}', [b"\\ud83d\xed\xb8\x80"]),
        (b'{"instances": ["caf\xe9"]}', [b"caf\xe9"]),
        (b'{"k": ' + b"[" * 2000 + b"]" * 2000 + b', "instances": ["a"]}', [b"a"]),
        (b'{"k": ' + b"9" * 308 + b', "instances": ["a"]}', [b"a"]),
        (b'{"instances": [{"b64": "YQ"}, {"b64": "YQ=="}, {"b64": " Y Q . ."}]}', [b"a"] * 3),
    ],
)
def test_what_rapidjson_takes_is_read_as_it_reads_it(body: bytes, expected: list[bytes]) -> None:
    arrays = parse_predict_request(body).inputs(signature(x="string"))
    assert arrays["x"].tolist() == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            rb'{"signature_name":"text","x":"\ud83d","instances":["a"]}',
            "JSON Parse error: The surrogate pair in string is invalid. at offset: 30",
        ),
        (rb'{"\ud83d": 1}', "The surrogate pair in string is invalid. at offset: 2"),
        (
            rb'{"inputs": ["\ud83d\u0041"]}',
            "The surrogate pair in string is invalid. at offset: 13",
        ),
        (
            b'{"k": ' + b"9" * 309 + b', "instances": ["a"]}',
            "Number too big to be stored in double. at offset: 6",
        ),
        (b'{"k": 1e309}', "Number too big to be stored in double. at offset: 6"),
        (b'{"k": 0e309}', "Number too big to be stored in double. at offset: 6"),
        (b'{"inputs": "a\tb"}', "Invalid escape character in string. at offset: 13"),
        (b'{"signature_name": "a", "signature_name": 1}', "Missing 'inputs' or 'instances' key"),
        (b'{"instances": [{"b64": "YQ==", "b64": "Yg=="}]}', "does not have named input: b64"),
        *[
            (b'{"instances": [{"b64": "%s"}]}' % text, "Unable to base64 decode")
            for text in (b"YQ=", b"YQ===", b"=", b"====", b"Y", b"YQ==a", b"YWJj=", b"\xc2\xa0YQ==")
        ],
    ],
)
def test_what_rapidjson_refuses_is_refused_in_its_words(body: bytes, message: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        parse_predict_request(body).inputs(signature(x="string"))


@pytest.mark.parametrize(
    ("body", "quotation"),
    [
        (b"[1, 2]", "[1, 2]"),
        (
            b'{"instances": {"a": ["\\u001f/\xc3\xa9"]}}',
            '{\n    "instances": {\n        "a": ["\\u001F/é"]\n    }\n}',
        ),
    ],
)
def test_a_value_is_quoted_as_by_rapidjson(body: bytes, quotation: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(f"JSON Value: {quotation} ")):
        parse_predict_request(body).inputs(signature(x="string"))


@pytest.mark.parametrize(
    ("value", "quotation"),
    [("NaN", ""), ("-Inf", ""), ("1e22", "1e22"), ("10e19", "100000000000000000000.0")],
)
def test_a_number_is_quoted_as_by_rapidjson(value: str, quotation: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_text(f'{{"inputs": {value}}}', x="int64")
    assert str(caught.value) == (
        f"JSON Value: {quotation} Type: Number is not of expected type: int64"
    )


def test_a_message_does_not_repeat_a_long_request() -> None:
    assert len(refusal({"inputs": ["a" * 10_000]}, x="int64")) < 500


def written(request_format: RequestFormat, **outputs: Any) -> Any:
    return json.loads(outputs_to_json({k: array_of(v) for k, v in outputs.items()}, request_format))


def test_answers_leave_out_the_name_of_a_single_output() -> None:
    assert written(RequestFormat.ROW, y=[1, 2]) == {"predictions": [1, 2]}
    assert written(RequestFormat.COLUMNAR, y=[1, 2]) == {"outputs": [1, 2]}
    assert written(RequestFormat.COLUMNAR, y=3) == {"outputs": 3}


def test_answers_of_several_outputs_have_their_names() -> None:
    outputs = {"y": [[1.5], [2.5]], "label": ["好", "坏"], "ok": [True, False]}
    assert written(RequestFormat.ROW, **outputs) == {
        "predictions": [
            {"y": [1.5], "label": "好", "ok": True},
            {"y": [2.5], "label": "坏", "ok": False},
        ]
    }
    assert written(RequestFormat.COLUMNAR, **outputs) == {"outputs": outputs}


def test_bytes_are_base64_where_the_name_says_so_and_text_elsewhere() -> None:
    raw = b"\xff\x00"
    assert written(RequestFormat.ROW, out_bytes=[raw]) == {
        "predictions": [{"b64": base64.b64encode(raw).decode()}]
    }
    assert written(RequestFormat.ROW, out=["é".encode(), raw]) == {
        "predictions": ["é", "\ufffd\x00"]
    }


def test_rows_need_a_common_batch_size() -> None:
    with pytest.raises(InvalidInputError, match="has no shape information"):
        written(RequestFormat.ROW, y=3)
    with pytest.raises(InvalidInputError, match="inconsistent batch size: 1 expecting: 2"):
        written(RequestFormat.ROW, a=[1, 2], b=[1])
    assert written(RequestFormat.ROW, y=np.zeros((0, 2))) == {"predictions": []}


@given(st.lists(st.floats(width=32), max_size=5))
def test_float32_answers_are_exact_and_short(values: list[float]) -> None:
    [outputs] = [written(RequestFormat.COLUMNAR, y=np.array(values, np.float32))["outputs"]]
    assert np.array_equal(np.array(outputs, np.float32), np.array(values, np.float32), True)
    assert "0.2" in outputs_to_json({"y": np.array([0.2], np.float32)}, RequestFormat.COLUMNAR)[:16]


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=4))
def test_any_text_survives_the_way_there_and_back(texts: list[str]) -> None:
    tensors = parse_predict_request(json.dumps({"instances": texts}).encode()).inputs(
        signature(x="string")
    )
    assert written(RequestFormat.ROW, **tensors) == {"predictions": texts}

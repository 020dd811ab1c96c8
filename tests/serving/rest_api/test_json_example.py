import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.example_pb2 import Example, Feature
from lstm_sentiment.serving.inference.classification import ScoredClass
from lstm_sentiment.serving.rest_api.json_example import (
    classifications_to_json,
    parse_examples_request,
    regressions_to_json,
)


def read(*examples: Any) -> list[Example]:
    body = json.dumps({"examples": examples}).encode()
    return list(parse_examples_request(body).input.example_list.examples)


def features(document: str) -> dict[str, tuple[str, list[Any]]]:
    [example] = read(json.loads(document))
    return {name: values_of(feature) for name, feature in example.features.feature.items()}


def values_of(feature: Feature) -> tuple[str, list[Any]]:
    kind = feature.WhichOneof("kind")
    return (kind, list(getattr(feature, kind).value)) if kind else ("", [])


def refusal(body: str) -> str:
    with pytest.raises(InvalidInputError) as caught:
        parse_examples_request(body.encode())
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "feature"),
    [
        ('"好"', ("bytes_list", ["好".encode()])),
        ('["a", {"b64": "/wA="}]', ("bytes_list", [b"a", b"\xff\0"])),
        ('{"b64": "/wA"}', ("bytes_list", [b"\xff\0"])),
        ("1", ("int64_list", [1])),
        ("[-9223372036854775808, 9223372036854775807]", ("int64_list", [-(2**63), 2**63 - 1])),
        ("[true, false, 2]", ("int64_list", [1, 0, 2])),
        ("1.0", ("float_list", [1.0])),
        ("1e3", ("float_list", [1000.0])),
        ("[0.5, -Infinity, 1e39, Infinity]", ("float_list", [0.5, -np.inf, np.inf, np.inf])),
        # Beyond 64 bits an integer is a float to RapidJSON.
        ("18446744073709551616", ("float_list", [2.0**64])),
        ("-9223372036854775809", ("float_list", [-(2.0**63)])),
        ("[]", ("", [])),
    ],
)
def test_what_a_value_is_decides_the_kind_of_its_feature(
    value: str, feature: tuple[str, list[Any]]
) -> None:
    assert features(f'{{"x": {value}}}') == {"x": feature}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('{"x": 1, "x": 2}', {"x": ("int64_list", [2])}),
        ('{"x": 1, "x": ["a", "b"]}', {"x": ("bytes_list", [b"a", b"b"])}),
        (r'{"x\u0000y": 1}', {"x": ("int64_list", [1])}),
        (r'{"\ude00": 1, "x": 2}', {"x": ("int64_list", [2])}),
        (r'{"x": "\ude00"}', {"x": ("bytes_list", [b"\xed\xb8\x80"])}),
    ],
)
def test_of_a_feature_that_is_named_twice_the_last_counts(document: str, expected: Any) -> None:
    body = f'{{"context": {document}, "examples": [{document}], "examples": 1}} x'
    found = parse_examples_request(body.encode()).input.example_list_with_context
    for example in (found.context, *found.examples):
        by_name = {name: values_of(value) for name, value in example.features.feature.items()}
        assert by_name == expected


def test_an_example_may_have_several_features_or_none() -> None:
    assert features('{"a": 1, "b": ["x"]}') == {
        "a": ("int64_list", [1]),
        "b": ("bytes_list", [b"x"]),
    }
    assert read({}) == [Example()]


def test_a_context_stands_beside_the_examples() -> None:
    request = parse_examples_request(b'{"context": {"a": 1}, "examples": [{"b": 2}, {}]}')
    assert request.input.WhichOneof("kind") == "example_list_with_context"
    found = request.input.example_list_with_context
    assert [found.context] == read({"a": 1})
    assert list(found.examples) == read({"b": 2}, {})


def test_an_empty_context_is_a_context_too() -> None:
    request = parse_examples_request(b'{"context": {}, "examples": [{}]}')
    assert request.input.WhichOneof("kind") == "example_list_with_context"


def test_the_signature_is_named_or_the_default() -> None:
    assert parse_examples_request(b'{"examples": [{}]}').signature_key == ""
    named = parse_examples_request(b'{"signature_name": "classify", "examples": [{}]}')
    assert named.signature_key == "classify"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "JSON Parse error: The document is empty"),
        ("[1]", "JSON Value: [1] Is not object"),
        (
            "{}",
            "JSON Value: {} When method is classify, key 'examples' is expected and was not found",
        ),
        (
            '{"examples": {}}',
            "JSON Value: {\n    \"examples\": {}\n} Expecting 'examples' value to be an list/array",
        ),
        (
            '{"examples": []}',
            "JSON Value: {\n    \"examples\": []\n} 'examples' value is an empty array",
        ),
        ('{"examples": ["a"]}', "Example must be JSON object but got JSON String"),
        ('{"examples": [{}, null]}', "Example must be JSON object but got JSON Null"),
        ('{"context": [], "examples": [{}]}', "Example must be JSON object but got JSON Array"),
        ('{"context": {"x": null}}', "Feature: x has element with unexpected JSON type: Null"),
        (
            '{"examples": [{"x": [[1]]}]}',
            "Feature: x has element with unexpected JSON type: Array",
        ),
        (
            '{"examples": [{"x": {"b64": 1}}]}',
            "Feature: x has element with unexpected JSON type: Object",
        ),
        ('{"examples": [{"x": {"b64": "?"}}]}', "Unable to base64 decode"),
        (
            '{"examples": [{"x": ["a", 1]}]}',
            "Unexpected element type in feature: x expecting type: bytes",
        ),
        (
            '{"examples": [{"x": [1, 1.0]}]}',
            "Unexpected element type in feature: x expecting type: int64",
        ),
        (
            '{"examples": [{"x": [1.0, true]}]}',
            "Unexpected element type in feature: x expecting type: float",
        ),
        (
            '{"examples": [{"x": 9223372036854775808}]}',
            "Feature: x has uint64_t element. Only int64_t is supported.",
        ),
        (
            f'{{"examples": [{{"x": 1{"0" * 400}}}]}}',
            "JSON Parse error: Number too big to be stored in double. at offset: 20",
        ),
        (
            r'{"examples": [{"\ud800": 1}]}',
            "JSON Parse error: The surrogate pair in string is invalid. at offset: 16",
        ),
        (
            r'{"examples": [{"x": "\ud800"}]}',
            "JSON Parse error: The surrogate pair in string is invalid. at offset: 21",
        ),
    ],
)
def test_what_is_no_classify_request_is_refused_as_by_tensorflow_serving(
    body: str, message: str
) -> None:
    assert refusal(body) == message


def test_a_signature_name_must_be_text() -> None:
    message = refusal('{"signature_name": 1, "examples": [{}]}')
    assert message.endswith("not formatted correctly. 'signature_name' key must be a string value.")


def test_a_message_does_not_repeat_a_long_request() -> None:
    assert len(refusal(json.dumps({"inputs": ["a" * 10_000]}))) < 500


words = st.text(st.characters(codec="utf-8"), max_size=3)
# A name ends at a NUL.
names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3)
features_by_kind = st.one_of(
    st.tuples(
        st.just("bytes_list"), st.lists(words | st.binary(max_size=3), min_size=1, max_size=3)
    ),
    st.tuples(st.just("int64_list"), st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1)),
    st.tuples(st.just("float_list"), st.lists(st.floats(width=32, allow_nan=False), min_size=1)),
)


def json_form(value: Any) -> Any:
    return {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


@given(
    st.lists(st.dictionaries(names, features_by_kind, max_size=3), min_size=1, max_size=3),
    st.booleans(),
)
def test_any_example_arrives_as_it_was_written(examples: Any, single_values_are_bare: bool) -> None:
    expected, written = [], []
    for drawn in examples:
        example, document = Example(), {}
        for name, (kind, values) in drawn.items():
            for value in values:
                raw = value.encode() if isinstance(value, str) else value
                getattr(example.features.feature[name], kind).value.append(raw)
            listed = [json_form(value) for value in values]
            document[name] = listed[0] if single_values_are_bare and len(listed) == 1 else listed
        expected.append(example)
        written.append(document)
    assert read(*written) == expected


def test_results_are_pairs_of_label_and_score() -> None:
    score = float(np.float32(0.1))
    rows = [[ScoredClass("好", score), ScoredClass("", 1.0)], []]
    assert classifications_to_json(rows) == '{"results": [[["好", 0.1], ["", 1.0]], []]}'
    nan = json.loads(classifications_to_json([[ScoredClass("a", float("nan"))]]))
    assert str(nan) == "{'results': [[['a', nan]]]}"


def test_numbers_are_written_exact_and_short() -> None:
    assert regressions_to_json([float(np.float32(0.1)), 1.0]) == '{"results": [0.1, 1.0]}'
    assert regressions_to_json([float("inf")]) == '{"results": [Infinity]}'

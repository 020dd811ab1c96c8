"""The parser of request bodies against documents whose reading is known, and against itself.

The expected values and offsets follow the sources of RapidJSON 1.1.0, `reader.h`.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.rest_api.json_document import parse_document
from lstm_sentiment.serving.rest_api.json_text.exact_reader import read_json
from lstm_sentiment.serving.rest_api.json_text.json_object import members_of


@pytest.mark.parametrize(
    ("body", "message", "offset"),
    [
        (b"", "The document is empty.", 0),
        (b" \n", "The document is empty.", 2),
        (b"]", "The document is empty.", 0),
        (b"\xef\xbb\xbf ,", "The document is empty.", 4),
        (b"[", "Invalid value.", 1),
        (b"[1,]", "Invalid value.", 3),
        (b"[,1]", "Invalid value.", 1),
        (b"[1 2]", "Missing a comma or ']' after an array element.", 3),
        (b"[01]", "Missing a comma or ']' after an array element.", 2),
        (b"[1\0]", "Missing a comma or ']' after an array element.", 2),
        (b"{", "Missing a name for object member.", 1),
        (b"{1:2}", "Missing a name for object member.", 1),
        (b'{"a":1,}', "Missing a name for object member.", 7),
        (b'{"a" 1}', "Missing a colon after a name of object member.", 5),
        (b'{"a":}', "Invalid value.", 5),
        (b'{"a":1 "b"', "Missing a comma or '}' after an object member.", 7),
        (b"nul", "Invalid value.", 3),
        (b"trne", "Invalid value.", 2),
        (b"-", "Invalid value.", 1),
        (b"-x", "Invalid value.", 1),
        (b"'a'", "Invalid value.", 0),
        (b"Nan", "Invalid value.", 2),
        (b"-Infini", "Invalid value.", 7),
        (b"1.", "Miss fraction part in number.", 2),
        (b"1.e5", "Miss fraction part in number.", 2),
        (b"1e", "Miss exponent in number.", 2),
        (b"1e+", "Miss exponent in number.", 3),
        (b"[ 1e309", "Number too big to be stored in double.", 2),
        (b"[ -0e309", "Number too big to be stored in double.", 2),
        (b"9" * 309, "Number too big to be stored in double.", 0),
        (b'"abc', "Missing a closing quotation mark in string.", 4),
        (b'"a\0b"', "Missing a closing quotation mark in string.", 2),
        (b'"a\nb"', "Invalid escape character in string.", 2),
        (rb'"a\x"', "Invalid escape character in string.", 2),
        (rb'"a\u12g4"', "Incorrect hex digit after \\u escape in string.", 2),
        (rb'"\ud83d"', "The surrogate pair in string is invalid.", 1),
        (rb'"\ud83d\u0041"', "The surrogate pair in string is invalid.", 1),
        (b"[" * 10**6, "Lists and objects must be nested at most 100000 deep.", 10**5),
        (rb'"\ud83d\u00"', "Incorrect hex digit after \\u escape in string.", 1),
    ],
)
def test_what_is_no_json_is_refused_with_the_offset_in_bytes(
    body: bytes, message: str, offset: int
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_json(body)
    assert str(caught.value) == f"JSON Parse error: {message} at offset: {offset}"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"-0", 0),
        (b"18446744073709551615", 2**64 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"18446744073709551616", 2.0**64),
        (b"-9223372036854775809", -(2.0**63)),
        (b"9" * 308, 1e308),
        (b"0.01e310", 1e308),
        (b"1e-9999999999999999999", 0.0),
        (b"[Inf, -Inf, Infinity, -Infinity]", [math.inf, -math.inf, math.inf, -math.inf]),
        (b'"a"xyz', "a"),
        (b"1 2", 1),
        (b"[1]]", [1]),
        (rb'"\"\\\/\b\f\n\r\t\u0000"', '"\\/\b\f\n\r\t\0'),
    ],
)
def test_what_rapidjson_reads_is_read(body: bytes, value: Any) -> None:
    found = read_json(body)
    assert (found, type(found)) == (value, type(value))


@dataclass(frozen=True)
class Written:
    """A value in JSON, and what is to be read from it."""

    text: bytes
    value: Any


spaces = st.sampled_from([b"", b" ", b"\r\n\t"])

texts = st.lists(
    st.one_of(
        st.characters(codec="utf-8").map(
            lambda letter: Written(json.dumps(letter, ensure_ascii=False)[1:-1].encode(), letter)
        ),
        st.characters(codec="utf-8").map(
            lambda letter: Written(json.dumps(letter)[1:-1].encode(), letter)
        ),
        st.sampled_from(
            [
                Written(rb"\ude00", b"\xed\xb8\x80".decode("utf-8", "surrogateescape")),
                Written(rb"\\ud83d", "\\ud83d"),
                Written(b"\xff", "\udcff"),
                Written(rb"\/", "/"),
            ]
        ),
    ),
    max_size=4,
).map(
    lambda parts: Written(
        b'"' + b"".join(part.text for part in parts) + b'"',
        # Bytes that are a character only together are one.
        "".join(part.value for part in parts)
        .encode("utf-8", "surrogateescape")
        .decode("utf-8", "surrogateescape"),
    )
)

numbers = st.one_of(
    st.integers(-(2**63), 2**64 - 1).map(lambda value: Written(str(value).encode(), value)),
    st.integers(2**64, 10**30).map(lambda value: Written(str(value).encode(), float(value))),
    st.floats(allow_nan=False).map(lambda value: Written(json.dumps(value).encode(), value)),
    st.sampled_from([Written(b"Inf", math.inf), Written(b"-Inf", -math.inf)]),
)

constants = st.sampled_from(
    [Written(b"null", None), Written(b"true", True), Written(b"false", False)]
)


def written_list(values: list[Written], space: bytes) -> Written:
    text = (space + b"," + space).join(value.text for value in values)
    return Written(b"[" + space + text + space + b"]", [value.value for value in values])


def written_object(members: list[tuple[Written, Written]], space: bytes) -> Written:
    text = (space + b"," + space).join(
        name.text + space + b":" + space + value.text for name, value in members
    )
    pairs = [(name.value, value.value) for name, value in members]
    return Written(b"{" + space + text + space + b"}", Members(pairs))


@dataclass(frozen=True)
class Members:
    """The members of an object, in order."""

    pairs: list[tuple[str, Any]]


names = st.one_of(texts, st.sampled_from([Written(b'"a"', "a"), Written(rb'"\u0061"', "a")]))
values = st.recursive(
    st.one_of(texts, numbers, constants),
    lambda inner: st.one_of(
        st.builds(written_list, st.lists(inner, max_size=3), spaces),
        st.builds(written_object, st.lists(st.tuples(names, inner), max_size=3), spaces),
    ),
    max_leaves=8,
)
documents = st.builds(written_object, st.lists(st.tuples(names, values), max_size=4), spaces)


def plain(value: Any) -> Any:
    """Returns a value with the members of its objects listed, to be compared."""
    if isinstance(value, Members):
        return ("object", [(name, plain(item)) for name, item in value.pairs])
    if isinstance(value, dict):
        return ("object", [(name, plain(item)) for name, item in members_of(value)])
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        # The fast parser leaves it to who reads it.
        value = float(value)
    return (type(value).__name__, value)


@given(documents, st.sampled_from([b"", b" ", b"\0", b"xyz", b'{"a": 1}', b"]"]), st.booleans())
def test_a_document_is_read_as_it_was_written(
    document: Written, trailing: bytes, has_mark: bool
) -> None:
    body = b"\xef\xbb\xbf" * has_mark + document.text + trailing
    found = parse_document(body)
    assert plain(found) == plain(document.value)
    assert plain(read_json(body)) == plain(document.value)
    for name in found:
        first = next(value for other, value in document.value.pairs if other == name)
        assert plain(found[name]) == plain(first)


def outcome(read: Any, body: bytes) -> Any:
    try:
        return plain(read(body))
    except InvalidInputError as error:
        return str(error)


pieces = st.one_of(
    st.sampled_from(b'" \\ \\u d83d de00 \\ud83d 1 . e5 - [ ] { } , : N Inf e400 \0 \xff'.split()),
    st.sampled_from([b"\n", b"9" * 310, b"0" * 40]),
)


@given(documents, st.lists(st.tuples(st.floats(0, 1), st.integers(0, 2), pieces), max_size=3))
def test_the_fast_parser_reads_what_the_exact_reader_reads(
    document: Written, changes: list[tuple[float, int, bytes]]
) -> None:
    body = document.text
    for place, removed, piece in changes:
        at = int(place * len(body))
        body = body[:at] + piece + body[at + removed :]
    exact = outcome(read_json, body)
    if isinstance(exact, tuple) and exact[0] == "object":
        assert outcome(parse_document, body) == exact
    else:
        with pytest.raises(InvalidInputError) as caught:
            parse_document(body)
        if isinstance(exact, str) and body:
            assert str(caught.value) == exact

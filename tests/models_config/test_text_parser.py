"""Text format means the same here and in stock TensorFlow Serving, whose parser is written in C++.

What C++ makes of each text was recorded by `record_text_format`.
"""

import json
from typing import Any

import pytest
from google.protobuf.message import DecodeError, Message
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.errors import ConfigError
from lstm_sentiment.models_config.config import parse_models_config
from lstm_sentiment.models_config.text_format import UnknownSyntaxError, scan, values_at
from lstm_sentiment.models_config.text_parser import parse_message
from lstm_sentiment.models_config.text_tokens import TextFormatError
from lstm_sentiment.protocol import model_server_config_pb2
from tests.models_config.record_text_format import TRUTHS, texts

TRUE = [json.loads(line) for line in TRUTHS.read_text("utf-8").splitlines()]


def parsed(truth: dict[str, str]) -> Message:
    kind = getattr(model_server_config_pb2, truth["message"])
    message: Message = parse_message(truth["text"], kind())
    return message


def encoded(truth: dict[str, str]) -> Message | None:
    """What C++ read; `None` for a string that is not UTF-8, which no request can name."""
    kind: Any = getattr(model_server_config_pb2, truth["message"])
    try:
        message: Message = kind.FromString(bytes.fromhex(truth["encoded"]))
    except DecodeError:
        return None
    return message


def test_the_truths_are_of_the_texts_that_are_generated() -> None:
    assert [(truth["message"], truth["text"]) for truth in TRUE] == list(texts())


def test_what_stock_reads_is_read_as_stock_reads_it() -> None:
    read = [(truth, wanted) for truth in TRUE if "encoded" in truth and (wanted := encoded(truth))]
    assert len(read) > 300
    for truth, wanted in read:
        # As text: no number is equal to itself if it is none.
        assert str(parsed(truth)) == str(wanted), truth


def test_what_stock_refuses_is_refused_at_the_same_line() -> None:
    refused = [truth for truth in TRUE if "error" in truth]
    assert len(refused) > 500
    for truth in refused:
        with pytest.raises(TextFormatError) as raised:
            pytest.fail(f"{truth} was read as {parsed(truth)}")
        # What stands in brackets is refused before it is read.
        if "in brackets" not in raised.value.reason:
            assert str(raised.value.line) == truth["error"].partition(":")[0], truth
        assert "\n" not in raised.value.reason


def test_no_string_holds_bytes_that_are_not_utf8() -> None:
    undecodable = [truth for truth in TRUE if "encoded" in truth and encoded(truth) is None]
    assert undecodable
    for truth in undecodable:
        with pytest.raises(TextFormatError, match=r"A string must be UTF-8"):
            parsed(truth)


def test_what_is_read_can_be_edited() -> None:
    """The places of a text's values: a negative number is one value, with a space too."""
    for truth in TRUE:
        if "encoded" not in truth or encoded(truth) is None:
            continue
        try:
            fields = scan(truth["text"])
        except UnknownSyntaxError:
            pytest.fail(f"not scanned: {truth}")
        assert {field.name for field in fields} == {field.name for field, _ in listed(truth)}


def listed(truth: dict[str, str]) -> list[tuple[Any, Any]]:
    message = parsed(truth)
    given = [(field, value) for field, value in message.ListFields()]
    # A field that is given its default value is in no list.
    named = {field.name for field in scan(truth["text"])}
    return given + [
        (field, None)
        for field in message.DESCRIPTOR.fields
        if field.name in named and field.name not in {each.name for each, _ in given}
    ]


def test_a_negative_number_is_one_value() -> None:
    text = "versions: - 1 versions: [-\n2, 3]"
    found = [text[value.start : value.end] for value in values_at(scan(text), "versions")]
    assert found == ["- 1", "-\n2", "3"]


def test_a_byte_order_mark_is_named() -> None:
    with pytest.raises(
        ConfigError, match=r"^f:1: .*: 1:1: .* must not begin with a byte order mark"
    ):
        parse_models_config("\ufeffmodel_config_list {}", source="f")


@given(st.text(st.characters(), max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_message(text, model_server_config_pb2.ModelServerConfig())
    except TextFormatError as error:
        assert error.line <= text.count("\n") + 1


@pytest.mark.parametrize("text", ["9" * 10_000, "0" * 10_000 + "9", "0x" + "f" * 10_000])
def test_a_number_of_many_digits_is_out_of_range(text: str) -> None:
    with pytest.raises(TextFormatError, match=r"Integer out of range|must be in octal"):
        parse_message(f"num_versions: {text}", _latest())


def test_leading_zeros_count_for_nothing() -> None:
    assert parse_message(f"num_versions: {'0' * 100}17", _latest()).num_versions == 15


def _latest() -> Any:
    policy = model_server_config_pb2.FileSystemStoragePathSourceConfig.ServableVersionPolicy
    return policy.Latest()

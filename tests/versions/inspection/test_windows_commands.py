"""The commands that `inspect` shows on Windows, for its command prompt."""

import json
import re
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.version_folder import ExampleAnswer
from lstm_sentiment.versions.inspection.graph import SignatureSummary, TensorSummary
from lstm_sentiment.versions.inspection.snippets import request_snippets


def curl_for(key: str, inputs: dict[str, TensorSummary], text: str) -> str:
    signature = SignatureSummary(key, "tensorflow/serving/predict", inputs, {})
    example = ExampleAnswer(text, (text,), (2,), "", ())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "platform", "win32")
        return request_snippets(signature, "hotel", None, example).curl


def body_of(command: str) -> Any:
    """Returns the arguments that curl gets: quotes without a backslash before them part a line."""
    found = re.fullmatch(r'curl -d "(.*)" http://\S+', command)
    assert found is not None, command
    whole = re.sub(r'(\\*)\\"', lambda each: each[1][: len(each[1]) // 2] + '"', found[1])
    return json.loads(whole)


@given(st.text(min_size=1) | st.sampled_from(['"', "\\", '\\"', "a & b | c > d", "100 %", "房间"]))
def test_any_text_comes_through_on_one_line_of_ascii(text: str) -> None:
    command = curl_for("text", {"text": TensorSummary("string", (None,))}, text)
    assert body_of(command) == {"signature_name": "text", "instances": [text]}
    assert command.isascii() and command.isprintable()
    assert not re.search(r"[&<>|^%!]", command)


def test_long_requests_are_made_by_python() -> None:
    command = curl_for("other", {"x": TensorSummary("float32", (500, 4))}, "x")
    assert command.startswith('python -c "') and "\n" not in command
    assert " | curl -d @- http://" in command

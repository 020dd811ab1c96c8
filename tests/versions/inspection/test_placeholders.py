"""Placeholders in the example requests to a SavedModel that does not describe its values."""

import pytest

from lstm_sentiment.versions.inspection.graph import SignatureSummary, TensorSummary
from lstm_sentiment.versions.inspection.snippets import FALLBACK, Snippets, request_snippets

TEXTS = TensorSummary("string", (None,))
LABELS = {"classes": TensorSummary("string", (None, None))}
NUMBERS = {"y": TensorSummary("float32", (None,))}


def snippets_of(
    inputs: dict[str, TensorSummary],
    outputs: dict[str, TensorSummary] = NUMBERS,
    key: str = "odd",
    method: str = "predict",
) -> Snippets:
    return request_snippets(SignatureSummary(key, method, inputs, outputs), "m", None, FALLBACK)


@pytest.mark.parametrize(
    ("method", "outputs"),
    [("classify", LABELS), ("regress", {"outputs": NUMBERS["y"]}), ("predict", LABELS)],
)
def test_features_of_examples_are_to_be_filled_in(
    method: str, outputs: dict[str, TensorSummary]
) -> None:
    found = snippets_of({"inputs": TEXTS}, outputs, method=method)
    [line] = found.fill_in
    for placeholder in ("FEATURE", "VALUE"):
        assert placeholder in line and placeholder in found.curl and placeholder in found.python


def test_strings_are_to_be_filled_in() -> None:
    found = snippets_of({"image_bytes": TEXTS})
    [line] = found.fill_in
    assert line.startswith('image_bytes: "text" stands for ')
    assert '"text"' in found.curl and "'text'" in found.python


@pytest.mark.parametrize(
    ("dtype", "value"), [("float32", "0.0"), ("int64", "0"), ("bool", "True"), ("qint8", "0")]
)
def test_values_of_other_dtypes_are_to_be_filled_in(dtype: str, value: str) -> None:
    found = snippets_of({"x": TensorSummary(dtype, (None,)), "z": TEXTS})
    assert found.fill_in[0] == f"x: {value} stands for each value of dtype {dtype}."
    assert found.fill_in[1].startswith("z: ")


@pytest.mark.parametrize(
    ("shape", "line"),
    [
        (None, "x: the request has one axis of size 1; the model may need another shape."),
        ((None, None, 3), "x: open sizes are 1 in the request; the model may need other sizes."),
        ((2, None), "x: open sizes are 1 in the request; the model may need other sizes."),
        ((None, 3), None),  # one row is a batch
        ((), None),
    ],
)
def test_open_shapes_are_told(shape: tuple[int | None, ...] | None, line: str | None) -> None:
    _, *shapes = snippets_of({"x": TensorSummary("float32", shape)}).fill_in
    assert shapes == ([] if line is None else [line])


@pytest.mark.parametrize(
    ("key", "inputs"),
    [
        ("text", {"text": TEXTS}),
        ("serving_default", {"input_sentence": TensorSummary("int64", (None, None))}),
        ("text_statistics", {"text": TEXTS}),
        ("nothing", {}),
    ],
)
def test_requests_that_can_be_sent_as_they_are_have_no_placeholder(
    key: str, inputs: dict[str, TensorSummary]
) -> None:
    assert snippets_of(inputs, key=key).fill_in == ()

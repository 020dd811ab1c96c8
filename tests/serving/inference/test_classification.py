"""Signatures and outputs of any form; what a SavedModel answers is in the transports' tests."""

import asyncio
import tracemalloc
from collections.abc import Iterator, Mapping
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.client.predict_client import Explanation, PredictClient, Prediction
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.example_pb2 import Example
from lstm_sentiment.protocol.prediction_pb2 import Input
from lstm_sentiment.serving.errors import RequestTooLargeError
from lstm_sentiment.serving.inference.classification import ScoredClass, classify
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.inference.examples import serialized_examples, texts_of_examples
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.inference.results import ModelSpec
from lstm_sentiment.serving.manager.manager import Manager
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.serving.server import ModelServer
from tests.serving.fake_servables import FakeServable, OneServable


def answering(inputs: tuple[str, ...] = ("inputs",), **outputs: Any) -> FakeServable:
    """A servable with one signature, `classify`, that answers the same always."""
    return FakeServable().add("classify", outputs, inputs)


def answers(servable: FakeServable) -> list[list[ScoredClass]]:
    return [list(row) for row in classify(servable, "classify", [b"1", b"2"])]


def refusal(servable: FakeServable) -> str:
    with pytest.raises(InvalidInputError) as caught:
        answers(servable)
    return str(caught.value)


CLASSES = [["a", "b"], ["c", "d"]]
SCORES = np.array([[0.25, 0.75], [1, 0]], np.float32)


def test_serialized_examples_are_run_as_one_batch() -> None:
    servable = answering(classes=CLASSES, scores=SCORES)
    assert answers(servable) == [[("a", 0.25), ("b", 0.75)], [("c", 1), ("d", 0)]]
    [(_, inputs)] = servable.received
    assert list(inputs) == ["inputs"]
    assert inputs["inputs"].dtype == object
    assert inputs["inputs"].tolist() == [b"1", b"2"]


def test_classes_or_scores_may_be_missing() -> None:
    assert answers(answering(classes=CLASSES)) == [[("a", 0), ("b", 0)], [("c", 0), ("d", 0)]]
    assert answers(answering(scores=SCORES)) == [[("", 0.25), ("", 0.75)], [("", 1), ("", 0)]]
    # Another output beside one of the two is allowed, and not answered.
    assert answers(answering(classes=CLASSES, x=1)) == answers(answering(classes=CLASSES))


def test_there_may_be_no_class_at_all() -> None:
    none = answering(classes=np.zeros([2, 0], object), scores=np.zeros([2, 0], np.float32))
    assert answers(none) == [[], []]


def test_a_label_that_is_not_utf8_is_answered_all_the_same() -> None:
    assert answers(answering(classes=[[b"\xff"], [b"b"]])) == [[("\ufffd", 0)], [("b", 0)]]


@pytest.mark.parametrize(
    ("servable", "message"),
    [
        (answering((), classes=CLASSES), "Expected one input Tensor."),
        (answering(("a", "inputs"), classes=CLASSES), "Expected one input Tensor."),
        (answering(), "Expected one or two output Tensors, found 0"),
        (
            answering(classes=CLASSES, scores=SCORES, x=1),
            "Expected one or two output Tensors, found 3",
        ),
        (
            answering(("text",), classes=CLASSES),
            "No classification inputs found in SignatureDef: inputs {text} outputs {classes}",
        ),
        (
            answering(y=1, x=1),
            'Expected classification signature outputs to contain at least one of "classes" or '
            '"scores". Signature was: inputs {inputs} outputs {x,y}',
        ),
        (
            answering(classes=["a", "b"]),
            "Expected Tensor shape: [batch_size num_classes] but got [2]",
        ),
        (
            answering(classes=CLASSES, scores=SCORES[:, :, None]),
            "Expected Tensor shape: [batch_size num_classes] but got [2,2,1]",
        ),
        (answering(classes=SCORES), "Expected classes Tensor of DT_STRING. Got: DT_FLOAT"),
        (
            answering(scores=SCORES.astype(np.float64)),
            "Expected scores Tensor of DT_FLOAT. Got: DT_DOUBLE",
        ),
        (answering(classes=CLASSES[:1]), "Expected classes output batch size of 2. Got: 1"),
        (
            answering(classes=CLASSES, scores=np.zeros((3, 2), np.float32)),
            "Expected scores output batch size of 2. Got: 3",
        ),
        (
            answering(classes=CLASSES, scores=SCORES[:, :1]),
            "Tensors class and score should match in dim_size(1). Got 2 vs. 1",
        ),
    ],
)
def test_what_is_no_classification_is_refused_as_by_tensorflow_serving(
    servable: FakeServable, message: str
) -> None:
    assert refusal(servable) == message


def test_an_empty_input_is_refused_before_it_is_run_and_after_the_signature_is_known() -> None:
    servable = answering(classes=CLASSES)
    with pytest.raises(InvalidInputError, match=r"^Input is empty\.$"):
        classify(servable, "classify", [])
    with pytest.raises(InvalidInputError, match=r"^No signature was found with the name: x$"):
        classify(servable, "x", [])
    assert servable.received == []


def test_a_version_is_held_until_it_has_answered() -> None:
    held: list[list[str]] = []

    class Watching(FakeServable):
        def run(self, *args: Any, **options: Any) -> dict[str, Any]:
            held.append(list(manager.events))
            return super().run(*args, **options)

    manager = OneServable(Watching().add("classify", {"classes": CLASSES, "scores": SCORES}))
    plane = DataPlane(cast(Manager, manager))
    asked = plane.classify(ModelSpec("m", label="stable"), "classify", [b"1", b"2"])
    result = asyncio.run(asked)
    assert (held, manager.events) == ([["taken"]], ["taken", "released"])
    assert (result.servable_id, result.signature_key) == (ServableId("m", 3), "classify")
    assert result.classifications[1] == [("c", 1.0), ("d", 0.0)]


def example_of(features: Mapping[str, list[bytes]]) -> Example:
    example = Example()
    for name, values in features.items():
        example.features.feature[name].bytes_list.value.extend(values)
    return example


def test_an_input_without_examples_is_empty() -> None:
    proto = Input()
    assert serialized_examples(proto, RequestLimits()) == []
    proto.example_list.SetInParent()
    assert serialized_examples(proto, RequestLimits()) == []
    proto.example_list_with_context.context.CopyFrom(example_of({"a": [b"x"]}))
    assert serialized_examples(proto, RequestLimits()) == []


feature_maps = st.dictionaries(st.text(max_size=2), st.lists(st.binary(max_size=3), max_size=2))


@given(context=feature_maps, examples=st.lists(feature_maps, max_size=3), has_context=st.booleans())
def test_a_context_is_part_of_each_example_and_gives_way_to_it(
    context: Any, examples: Any, has_context: bool
) -> None:
    proto = Input()
    if has_context:
        proto.example_list_with_context.context.CopyFrom(example_of(context))
        proto.example_list_with_context.examples.extend(map(example_of, examples))
    else:
        context = {}
        proto.example_list.examples.extend(map(example_of, examples))
    serialized = serialized_examples(proto, RequestLimits())
    parsed = [Example.FromString(example) for example in serialized]
    assert parsed == [example_of({**context, **example}) for example in examples]


@pytest.mark.parametrize("max_request_bytes", [None, 1 << 24])
def test_a_context_is_not_put_before_more_examples_than_memory_holds(
    max_request_bytes: int | None,
) -> None:
    proto = Input()
    with_context = proto.example_list_with_context
    with_context.context.CopyFrom(example_of({"text": [b"x" * (1 << 20)]}))
    with_context.examples.extend([Example()] * 200)
    tracemalloc.start()
    try:
        with pytest.raises(RequestTooLargeError, match="a context, which is put before each"):
            serialized_examples(proto, RequestLimits(max_request_bytes=max_request_bytes))
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_too_many_examples_are_not_serialized() -> None:
    proto = Input()
    proto.example_list.examples.extend([Example()] * 2000)
    with pytest.raises(RequestTooLargeError, match=r"at most 1024 examples\. Received: 2000"):
        serialized_examples(proto, RequestLimits(max_batch_size=1024))


def test_texts_are_found_in_examples() -> None:
    proto = Input()
    assert texts_of_examples(proto) == []
    proto.example_list.examples.extend(
        [example_of({"text": ["好".encode(), b"b"], "x": [b"y"]}), example_of({"x": [b"y"]})]
    )
    assert texts_of_examples(proto) == ["好".encode(), b"b"]
    assert list(proto.example_list.examples[1].features.feature) == ["x"]


@pytest.fixture
def client(server: ModelServer) -> Iterator[PredictClient]:
    with PredictClient(f"127.0.0.1:{server.port}", "sentiment", timeout_seconds=60) as client:
        yield client


def test_our_client_and_our_server_agree(client: PredictClient) -> None:
    assert client.classify(["好", "bad"]) == [
        Prediction("v2:好", 0, (2.0, 1.0), 2),
        Prediction("length", 1, (2.0, 3.0), 2),
    ]
    assert client.explain(["很好", ""]) == [
        Explanation("v2:很好", (2.0, 2.0), ("很", "好"), (1.0, 1.0), 2),
        Explanation("v2:", (2.0, 0.0), (), (), 2),
    ]

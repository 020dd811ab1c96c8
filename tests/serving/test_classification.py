"""Signatures and outputs of any form; what a SavedModel answers is in the transports' tests."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_serving.apis import input_pb2

from lstm_sentiment.client import Explanation, PredictClient, Prediction
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.classification import ScoredClass, classify, serialized_examples
from lstm_sentiment.serving.dataplane import DataPlane, ModelSpec
from lstm_sentiment.serving.servable import ServableHandle, ServableId, Signature, TensorInfo
from lstm_sentiment.serving.server import ModelServer


class Answering:
    """A servable with one signature, `classify`, that answers the same always."""

    def __init__(self, inputs: tuple[str, ...] = ("inputs",), **outputs: Any) -> None:
        self.outputs = {name: tf.convert_to_tensor(value) for name, value in outputs.items()}
        self.received: list[Mapping[str, Any]] = []
        self.signatures = {
            "classify": Signature(
                "classify",
                {name: TensorInfo(tf.string, tf.TensorShape([None])) for name in inputs},
                {name: TensorInfo(t.dtype, t.shape) for name, t in self.outputs.items()},
            )
        }

    def run(self, signature_key: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        self.received.append(inputs)
        return self.outputs


def answers(servable: Answering) -> list[list[ScoredClass]]:
    return [list(row) for row in classify(servable, "classify", [b"1", b"2"])]


def refusal(servable: Answering) -> str:
    with pytest.raises(InvalidInputError) as caught:
        answers(servable)
    return str(caught.value)


CLASSES = [["a", "b"], ["c", "d"]]
SCORES = np.array([[0.25, 0.75], [1, 0]], np.float32)


def test_serialized_examples_are_run_as_one_batch() -> None:
    servable = Answering(classes=CLASSES, scores=SCORES)
    assert answers(servable) == [[("a", 0.25), ("b", 0.75)], [("c", 1), ("d", 0)]]
    [inputs] = servable.received
    assert list(inputs) == ["inputs"]
    assert inputs["inputs"].dtype == tf.string
    assert inputs["inputs"].numpy().tolist() == [b"1", b"2"]


def test_classes_or_scores_may_be_missing() -> None:
    assert answers(Answering(classes=CLASSES)) == [[("a", 0), ("b", 0)], [("c", 0), ("d", 0)]]
    assert answers(Answering(scores=SCORES)) == [[("", 0.25), ("", 0.75)], [("", 1), ("", 0)]]
    # Another output beside one of the two is allowed, and not answered.
    assert answers(Answering(classes=CLASSES, x=1)) == answers(Answering(classes=CLASSES))


def test_there_may_be_no_class_at_all() -> None:
    none = Answering(classes=tf.zeros([2, 0], tf.string), scores=tf.zeros([2, 0]))
    assert answers(none) == [[], []]


def test_a_label_that_is_not_utf8_is_answered_all_the_same() -> None:
    assert answers(Answering(classes=[[b"\xff"], [b"b"]])) == [[("\ufffd", 0)], [("b", 0)]]


@pytest.mark.parametrize(
    ("servable", "message"),
    [
        (Answering((), classes=CLASSES), "Expected one input Tensor."),
        (Answering(("a", "inputs"), classes=CLASSES), "Expected one input Tensor."),
        (Answering(), "Expected one or two output Tensors, found 0"),
        (
            Answering(classes=CLASSES, scores=SCORES, x=1),
            "Expected one or two output Tensors, found 3",
        ),
        (
            Answering(("text",), classes=CLASSES),
            "No classification inputs found in SignatureDef: inputs {text} outputs {classes}",
        ),
        (
            Answering(y=1, x=1),
            'Expected classification signature outputs to contain at least one of "classes" or '
            '"scores". Signature was: inputs {inputs} outputs {x,y}',
        ),
        (
            Answering(classes=["a", "b"]),
            "Expected Tensor shape: [batch_size num_classes] but got [2]",
        ),
        (
            Answering(classes=CLASSES, scores=SCORES[:, :, None]),
            "Expected Tensor shape: [batch_size num_classes] but got [2,2,1]",
        ),
        (Answering(classes=SCORES), "Expected classes Tensor of DT_STRING. Got: DT_FLOAT"),
        (
            Answering(scores=SCORES.astype(np.float64)),
            "Expected scores Tensor of DT_FLOAT. Got: DT_DOUBLE",
        ),
        (Answering(classes=CLASSES[:1]), "Expected classes output batch size of 2. Got: 1"),
        (
            Answering(classes=CLASSES, scores=np.zeros((3, 2), np.float32)),
            "Expected scores output batch size of 2. Got: 3",
        ),
        (
            Answering(classes=CLASSES, scores=SCORES[:, :1]),
            "Tensors class and score should match in dim_size(1). Got 2 vs. 1",
        ),
    ],
)
def test_what_is_no_classification_is_refused_as_by_tensorflow_serving(
    servable: Answering, message: str
) -> None:
    assert refusal(servable) == message


def test_an_empty_input_is_refused_before_it_is_run_and_after_the_signature_is_known() -> None:
    servable = Answering(classes=CLASSES)
    with pytest.raises(InvalidInputError, match=r"^Input is empty\.$"):
        classify(servable, "classify", [])
    with pytest.raises(InvalidInputError, match=r"^No signature was found with the name: x$"):
        classify(servable, "x", [])
    assert servable.received == []


def test_a_version_is_held_until_it_has_answered() -> None:
    held: list[str] = []

    class Held(Answering):
        def run(self, signature_key: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
            assert held == ["taken"]
            return super().run(signature_key, inputs)

    class OneServable:
        def get_handle(self, *model_spec: Any) -> ServableHandle:
            assert model_spec == ("m", None, "stable")
            held.append("taken")
            servable = Held(classes=CLASSES, scores=SCORES)
            return ServableHandle(ServableId("m", 3), servable, lambda: held.append("released"))

    manager: Any = OneServable()
    result = DataPlane(manager).classify(ModelSpec("m", label="stable"), "classify", [b"1", b"2"])
    assert held == ["taken", "released"]
    assert (result.servable_id, result.signature_key) == (ServableId("m", 3), "classify")
    assert result.classifications[1] == [("c", 1.0), ("d", 0.0)]


def example_of(features: Mapping[str, list[bytes]]) -> tf.train.Example:
    example = tf.train.Example()
    for name, values in features.items():
        example.features.feature[name].bytes_list.value.extend(values)
    return example


def test_an_input_without_examples_is_empty() -> None:
    proto = input_pb2.Input()
    assert serialized_examples(proto) == []
    proto.example_list.SetInParent()
    assert serialized_examples(proto) == []
    proto.example_list_with_context.context.CopyFrom(example_of({"a": [b"x"]}))
    assert serialized_examples(proto) == []


feature_maps = st.dictionaries(st.text(max_size=2), st.lists(st.binary(max_size=3), max_size=2))


@given(context=feature_maps, examples=st.lists(feature_maps, max_size=3), has_context=st.booleans())
def test_a_context_is_part_of_each_example_and_gives_way_to_it(
    context: Any, examples: Any, has_context: bool
) -> None:
    proto = input_pb2.Input()
    if has_context:
        proto.example_list_with_context.context.CopyFrom(example_of(context))
        proto.example_list_with_context.examples.extend(map(example_of, examples))
    else:
        context = {}
        proto.example_list.examples.extend(map(example_of, examples))
    parsed = [tf.train.Example.FromString(example) for example in serialized_examples(proto)]
    assert parsed == [example_of({**context, **example}) for example in examples]


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

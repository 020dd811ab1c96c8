"""Against a recording server that shares no code with ours but the protocol."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_serving.apis import (
    classification_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from lstm_sentiment.client.predict_client import (
    Explanation,
    IdPrediction,
    PredictClient,
    Prediction,
)
from lstm_sentiment.client.retries import Timing
from lstm_sentiment.errors import (
    InvalidInputError,
    LstmSentimentError,
    ServableNotFoundError,
    ServableUnavailableError,
)
from tests.client_servers import CLIENTS, serving

Answer = Callable[[predict_pb2.PredictRequest, grpc.ServicerContext], predict_pb2.PredictResponse]


class Recorder(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self) -> None:
        self.requests: list[predict_pb2.PredictRequest] = []
        self.answer: Answer = answer_texts
        self.classify_requests: list[classification_pb2.ClassificationRequest] = []
        self.classifications: list[list[tuple[str, float]]] = []

    def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        self.requests.append(request)
        return self.answer(request, context)

    def Classify(
        self, request: classification_pb2.ClassificationRequest, context: grpc.ServicerContext
    ) -> classification_pb2.ClassificationResponse:
        self.classify_requests.append(request)
        message = classification_pb2.ClassificationResponse()
        message.model_spec.version.value = 7
        for scored in self.classifications:
            classes = message.result.classifications.add().classes
            for label, score in scored:
                classes.add(label=label, score=score)
        return message


def response(version: int | None, **outputs: Any) -> predict_pb2.PredictResponse:
    message = predict_pb2.PredictResponse()
    if version is not None:
        message.model_spec.version.value = version
    for name, value in outputs.items():
        message.outputs[name].CopyFrom(tf.make_tensor_proto(value))
    return message


def answer_texts(
    request: predict_pb2.PredictRequest, context: grpc.ServicerContext
) -> predict_pb2.PredictResponse:
    [texts] = request.inputs.values()
    count = len(texts.string_val)
    return response(
        7,
        label=tf.constant(list(texts.string_val)),
        classification=tf.range(count, dtype=tf.int64),
        probabilities=tf.tile([[0.25, 0.75]], [count, 1]),
    )


def answer_ids(
    request: predict_pb2.PredictRequest, context: grpc.ServicerContext
) -> predict_pb2.PredictResponse:
    ids = tf.make_ndarray(request.inputs["input_sentence"])
    assert ids.dtype == np.int64
    return response(
        None,
        predict_classification=ids.sum(axis=1),
        predict_scores=ids.astype(np.float32),
    )


@pytest.fixture(scope="module")
def recording() -> Iterator[tuple[Recorder, str]]:
    recorder = Recorder()
    with serving(recorder) as address:
        yield recorder, address


@pytest.fixture
def recorder(recording: tuple[Recorder, str]) -> Recorder:
    recording[0].requests.clear()
    recording[0].classify_requests.clear()
    recording[0].answer = answer_texts
    return recording[0]


@pytest.fixture
def address(recording: tuple[Recorder, str]) -> str:
    return recording[1]


@pytest.fixture(params=CLIENTS)
def client(
    request: pytest.FixtureRequest, recorder: Recorder, address: str
) -> Iterator[PredictClient]:
    with request.param(address, "sentiment", timeout_seconds=30, max_retries=0) as client:
        yield client


def test_texts_go_in_one_request_and_come_back_in_order(
    client: PredictClient, recorder: Recorder
) -> None:
    texts = [f"文本{number}" for number in range(129)]
    predictions = client.predict(texts)
    assert predictions == [
        Prediction(text, index, (0.25, 0.75), 7) for index, text in enumerate(texts)
    ]
    [request] = recorder.requests
    assert request.model_spec.name == "sentiment"
    assert request.model_spec.signature_name == "text"
    assert request.model_spec.WhichOneof("version_choice") is None
    assert [dim.size for dim in request.inputs["text"].tensor_shape.dim] == [129]


def test_segmented_texts_go_to_the_tokens_signature(
    client: PredictClient, recorder: Recorder
) -> None:
    client.predict(("房间 很 干净",), signature="tokens")
    [request] = recorder.requests
    assert request.model_spec.signature_name == "tokens"
    assert list(request.inputs["tokens"].string_val) == ["房间 很 干净".encode()]


def test_numpy_arrays_of_texts_are_lists_too(client: PredictClient) -> None:
    texts: Any = np.array(["a", "b"])
    assert [prediction.label for prediction in client.predict(texts)] == ["a", "b"]


def test_a_lone_surrogate_becomes_one_replacement_character(client: PredictClient) -> None:
    [first, second] = client.predict(["a\ud800b\udfff", "\ud83d\ude00 😀"])
    assert first.label == "a\ufffdb\ufffd"
    assert second.label == "\ufffd\ufffd 😀"


def test_texts_beyond_grpc_s_own_message_limit(client: PredictClient) -> None:
    text = "x" * 5 * 2**20
    assert client.predict([text])[0].label == text


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
def test_ids_go_as_int64_to_the_default_signature(
    client: PredictClient, recorder: Recorder, dtype: Any
) -> None:
    recorder.answer = answer_ids
    assert client.predict_ids(np.array([[0, 3], [1, 2]], dtype)) == [
        IdPrediction(3, (0.0, 3.0), None),
        IdPrediction(3, (1.0, 2.0), None),
    ]
    assert recorder.requests[0].model_spec.signature_name == "serving_default"


def test_the_classify_api_is_asked_with_examples(client: PredictClient, recorder: Recorder) -> None:
    recorder.classifications = [
        [("negative", 0.25), ("positive", 0.75)],
        [("negative", 0.5), ("positive", 0.5)],
    ]
    assert client.classify(["很好", "a\ud800"]) == [
        Prediction("positive", 1, (0.25, 0.75), 7),
        Prediction("negative", 0, (0.5, 0.5), 7),
    ]
    [request] = recorder.classify_requests
    assert request.model_spec.name == "sentiment"
    assert request.model_spec.signature_name == "classify"
    features = [example.features.feature for example in request.input.example_list.examples]
    assert [set(feature) for feature in features] == [{"text"}, {"text"}]
    assert [list(feature["text"].bytes_list.value) for feature in features] == [
        ["很好".encode()],
        ["a\ufffd".encode()],
    ]


@pytest.mark.parametrize("classifications", [[], [[("a", 1.0)], []]])
def test_texts_without_classes_are_no_classification(
    client: PredictClient, recorder: Recorder, classifications: Any
) -> None:
    recorder.classifications = classifications
    with pytest.raises(InvalidInputError, match=r"'classify' .* classes for each of 2 texts\."):
        client.classify(["a", "b"])


def explained(**outputs: Any) -> Answer:
    answer = {
        "label": ["正", "负"],
        "probabilities": [[0.25, 0.75], [1.0, 0.0]],
        "tokens": [["很", "", "好"], ["坏", "", ""]],
        "attributions": [[0.5, 0.0, -1.0], [2.0, 0.0, 0.0]],
        **outputs,
    }
    return lambda request, context: response(7, **answer)


def test_explanations_come_without_padding(client: PredictClient, recorder: Recorder) -> None:
    recorder.answer = explained()
    assert client.explain(["很好", "坏"]) == [
        Explanation("正", (0.25, 0.75), ("很", "", "好"), (0.5, 0.0, -1.0), 7),
        Explanation("负", (1.0, 0.0), ("坏",), (2.0,), 7),
    ]
    [request] = recorder.requests
    assert request.model_spec.signature_name == "explain"
    assert list(request.inputs["text"].string_val) == ["很好".encode(), "坏".encode()]


def test_a_text_without_a_token_has_an_empty_explanation(
    client: PredictClient, recorder: Recorder
) -> None:
    recorder.answer = explained(tokens=[["", ""], ["", ""]], attributions=[[0.0, 0.0]] * 2)
    assert [(e.tokens, e.attributions) for e in client.explain(["", ""])] == [((), ())] * 2


def test_an_explanation_of_another_shape_is_refused(
    client: PredictClient, recorder: Recorder
) -> None:
    recorder.answer = explained(attributions=[[1.0], [1.0]])
    with pytest.raises(InvalidInputError, match=r"of one shape .* shapes \(2, 3\) and \(2, 1\)"):
        client.explain(["a", "b"])


@pytest.mark.parametrize(
    "choice", [{"version": 3}, {"version": 0}, {"version_label": "stable"}, {"label": "stable"}]
)
def test_a_version_or_a_label_is_asked_for(
    recorder: Recorder, address: str, choice: dict[str, Any]
) -> None:
    recorder.classifications = [[("a", 1.0)]]
    with PredictClient(address, "sentiment", **choice) as client:
        client.predict(["a"])
        client.classify(["a"])
    for request in (recorder.requests[0], recorder.classify_requests[0]):
        spec = request.model_spec
        if "version" in choice:
            assert spec.HasField("version")
            assert spec.version.value == choice["version"]
        else:
            assert spec.version_label == "stable"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "`texts` must not be empty"),
        ("one text", "`texts` must be a list of texts. Received: one str."),
        (b"bytes", "Received: one bytes"),
        (["a", None], "each of `texts` must be a string. Received: NoneType in row 1"),
    ],
)
def test_what_is_not_a_list_of_texts_is_refused(
    client: PredictClient, recorder: Recorder, texts: Any, message: str
) -> None:
    for ask in (client.predict, client.classify, client.explain):
        with pytest.raises(InvalidInputError, match=message):
            ask(texts)
    assert recorder.requests == []
    assert recorder.classify_requests == []


def test_an_unknown_signature_is_refused(client: PredictClient) -> None:
    signature: Any = "explain"
    with pytest.raises(InvalidInputError, match="must be one of 'text', 'tokens'"):
        client.predict(["a"], signature=signature)


@pytest.mark.parametrize(
    "ids",
    [
        [],
        [1, 2],
        "12",
        None,
        [[[1]]],
        [[[]]],
        [[1, [2, 3]]],
        [[1.5]],
        [["a"]],
        [[True]],
        [[2**63]],
        [[2**64]],
        np.array([[2**63]], np.uint64),
        np.zeros((0, 3), np.int64),
        np.zeros((3, 0), np.int64),
        np.zeros(3, np.int64),
    ],
)
def test_what_is_not_rows_of_ids_is_refused(
    client: PredictClient, recorder: Recorder, ids: Any
) -> None:
    with pytest.raises(InvalidInputError, match="`ids` must be integers of shape"):
        client.predict_ids(ids)
    assert recorder.requests == []


def test_rows_of_ids_of_any_lengths_are_padded_here(
    client: PredictClient, recorder: Recorder
) -> None:
    recorder.answer = answer_ids
    rows: Any = [[5, 6, 7], (), np.array([8], np.int32)]
    answers = client.predict_ids(rows)
    assert [answer.predict_scores for answer in answers] == [(5, 6, 7), (1, 0, 0), (8, 0, 0)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"address": ""}, "must not be empty"),
        ({"model": ""}, "must not be empty"),
        ({"version": -3}, r"from 0 to 9223372036854775807\. Received: version=-3"),
        ({"version": 2**63}, r"from 0 to .* Received: version=9223372036854775808"),
        ({"version": 1, "version_label": "stable"}, "at most one of `version` and"),
        ({"version": 1, "label": "stable"}, "at most one of `version` and `version_label` may"),
        ({"version_label": "a", "label": "b"}, "`label` is the older name of `version_label`"),
        ({"timeout_seconds": 0}, "must be a positive number"),
        ({"timeout_seconds": float("nan")}, "must be a positive number"),
        ({"max_retries": -1}, "`max_retries` must be at least 0"),
        ({"max_batch_size": 0}, "`max_batch_size` must be a positive integer"),
    ],
)
def test_arguments_that_break_a_rule_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        PredictClient(**{"address": "127.0.0.1:1", "model": "m", **arguments})


def test_a_version_may_be_an_integer_of_numpy(recorder: Recorder, address: str) -> None:
    version: Any = np.int64(7)
    with PredictClient(address, "m", version=version) as client:
        client.predict(["好"])
    assert recorder.requests[-1].model_spec.version.value == 7


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.NOT_FOUND, ServableNotFoundError),
        (grpc.StatusCode.UNAVAILABLE, ServableUnavailableError),
        (grpc.StatusCode.DEADLINE_EXCEEDED, ServableUnavailableError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, ServableUnavailableError),
        (grpc.StatusCode.INVALID_ARGUMENT, InvalidInputError),
        (grpc.StatusCode.FAILED_PRECONDITION, InvalidInputError),
        (grpc.StatusCode.CANCELLED, ServableUnavailableError),
        (grpc.StatusCode.INTERNAL, LstmSentimentError),
    ],
)
def test_a_refusal_becomes_an_error_that_names_the_server(
    client: PredictClient,
    recorder: Recorder,
    address: str,
    code: grpc.StatusCode,
    error: type[Exception],
) -> None:
    def refuse(
        request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        context.abort(code, "the reason")

    recorder.answer = refuse
    with pytest.raises(error) as caught:
        client.predict(["a"])
    assert type(caught.value) is error
    assert str(caught.value) == f"{address}: the reason"


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, "the server requires a valid `token`"),
        (grpc.StatusCode.PERMISSION_DENIED, "the server does not allow this caller"),
        (grpc.StatusCode.UNIMPLEMENTED, "the server does not answer requests of this kind"),
    ],
)
def test_a_refusal_of_the_caller_says_what_to_mend(
    client: PredictClient, recorder: Recorder, address: str, code: grpc.StatusCode, rule: str
) -> None:
    recorder.answer = lambda request, context: context.abort(code, "the reason")
    with pytest.raises(InvalidInputError) as caught:
        client.predict(["a"])
    assert str(caught.value).startswith(f"{address}: {rule}")
    assert str(caught.value).endswith(": the reason")


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        with (
            PredictClient(address, "m", max_retries=0) as client,
            pytest.raises(ServableUnavailableError, match=address),
        ):
            client.predict(["a"])


@pytest.mark.parametrize("make", CLIENTS)
def test_a_server_that_does_not_answer_in_time_is_unavailable(make: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with make(address, "m", timeout_seconds=0.05) as client:
            for options, seconds in (({}, "0.05"), ({"timeout_seconds": 0.025}, "0.025")):
                with pytest.raises(
                    ServableUnavailableError, match=f"^{address}: .* within {seconds} seconds"
                ):
                    client.predict(["a"], **options)


@pytest.mark.parametrize("timeout_seconds", [float("inf"), 1e300, 3600.0])
def test_there_may_be_any_amount_of_time(
    recorder: Recorder, address: str, timeout_seconds: float
) -> None:
    with PredictClient(address, "m", timeout_seconds=timeout_seconds) as client:
        assert client.predict(["a"])[0].label == "a"


def test_an_answer_of_another_signature_is_refused(
    client: PredictClient, recorder: Recorder
) -> None:
    recorder.answer = lambda request, context: response(1, scores=[1.0])
    with pytest.raises(InvalidInputError, match=r"must answer label, .* Received: scores"):
        client.predict(["a"])


def test_an_answer_that_is_no_tensor_is_refused(client: PredictClient, recorder: Recorder) -> None:
    broken = response(1, label=["a"], classification=[0], probabilities=[[0.5]])
    broken.outputs["label"].tensor_shape.dim[0].size = -1
    recorder.answer = lambda request, context: broken
    with pytest.raises(InvalidInputError, match=r"must answer `label` as a tensor\. Received"):
        client.predict(["a"])


@pytest.mark.parametrize(
    "outputs",
    [
        {"label": ["a"]},
        {"label": [1, 2]},
        {"classification": [0.5, 0.5]},
        {"probabilities": [0.25, 0.75]},
        {"probabilities": [["a"], ["b"]]},
    ],
)
def test_an_answer_of_another_shape_or_dtype_is_refused(
    client: PredictClient, recorder: Recorder, outputs: dict[str, Any]
) -> None:
    answer = {"label": ["a", "b"], "classification": [0, 1], "probabilities": [[0.5], [0.5]]}
    [name] = outputs
    recorder.answer = lambda request, context: response(1, **{**answer, **outputs})
    with pytest.raises(InvalidInputError, match=f"'text' .* must answer `{name}` with .* size 2"):
        client.predict(["a", "b"])


@pytest.mark.parametrize("asked_before", [False, True])
@pytest.mark.parametrize("make", CLIENTS)
def test_a_closed_client_says_so(
    recorder: Recorder, address: str, make: Any, asked_before: bool
) -> None:
    with make(address, "sentiment") as client:
        if asked_before:
            client.predict(["a"])
        client.close()
        client.close()
        for ask in (client.predict, client.classify, client.explain):
            with pytest.raises(ServableUnavailableError, match=f"{address}: the client is closed"):
                ask(["a"])
        for tell in (client.model_status, client.metadata):
            with pytest.raises(ServableUnavailableError, match="closed"):
                tell()


def test_a_client_closed_while_it_asks_says_so(recorder: Recorder, address: str) -> None:
    ticks: list[Callable[[], None]] = []

    def clock() -> float:
        if ticks:
            ticks.pop(0)()
        return 0.0

    client = PredictClient(address, "sentiment", timing=Timing(clock))
    client.predict(["a"])
    # The clock is read last before a request goes out.
    ticks += [lambda: None, client.close]
    with pytest.raises(ServableUnavailableError, match="closed"):
        client.predict(["a"])


@given(texts=st.lists(st.text(), min_size=1, max_size=4))
def test_any_text_arrives_as_utf8(recording: tuple[Recorder, str], texts: list[str]) -> None:
    recorder, address = recording
    recorder.answer = answer_texts
    recorder.requests.clear()
    with PredictClient(address, "sentiment", timeout_seconds=30) as client:
        client.predict(texts)
    sent = recorder.requests[0].inputs["text"].string_val
    assert [value.decode("utf-8") for value in sent] == texts

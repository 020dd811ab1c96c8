"""What gRPC alone has: messages of its own and more to be asked, by the stubs alone.

What both transports answer is in `tests/serving/test_protocol.py`.
"""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from lstm_sentiment.serving.server import ModelServer
from tests.serving.transports import Question, example_of, filled, with_examples


@pytest.fixture(scope="module")
def channel(server: ModelServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(
        f"127.0.0.1:{server.port}", options=[("grpc.max_receive_message_length", -1)]
    ) as channel:
        yield channel


@pytest.fixture(scope="module")
def prediction(channel: grpc.Channel) -> Any:
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def model(channel: grpc.Channel) -> Any:
    return model_service_pb2_grpc.ModelServiceStub(channel)


def request(
    name: str = "sentiment",
    signature: str = "",
    output_filter: tuple[str, ...] = (),
    label: str | None = None,
    **inputs: Any,
) -> predict_pb2.PredictRequest:
    message: predict_pb2.PredictRequest = filled(
        predict_pb2.PredictRequest(output_filter=output_filter),
        Question("Predict", name, label=label, signature=signature),
    )
    for key, value in inputs.items():
        is_proto = isinstance(value, tensor_pb2.TensorProto)
        message.inputs[key].CopyFrom(value if is_proto else tf.make_tensor_proto(value))
    return message


def ids(*rows: list[int]) -> Any:
    return tf.constant(rows, tf.int64)


def refusal(call: Any, message: Any) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call(message, timeout=30)
    return caught.value.code().name, caught.value.details() or ""


def told(response: Any) -> tuple[str, int, str]:
    spec = response.model_spec
    return spec.name, spec.version.value, spec.signature_name


def test_a_response_names_the_version_and_the_signature_that_answered(prediction: Any) -> None:
    predicted = prediction.Predict(request(input_sentence=ids([1])), timeout=30)
    assert told(predicted) == ("sentiment", 2, "serving_default")
    stable = prediction.Predict(request(signature="text", label="stable", text=["a"]), timeout=30)
    assert told(stable) == ("sentiment", 1, "text")
    question = Question("Classify", label="stable", signature="classify")
    message = with_examples(classification_pb2.ClassificationRequest(), question)
    assert told(prediction.Classify(message, timeout=30)) == ("sentiment", 1, "classify")
    question = Question("Regress", label="canary", signature="regress")
    message = with_examples(regression_pb2.RegressionRequest(), question)
    assert told(prediction.Regress(message, timeout=30)) == ("sentiment", 2, "regress")


def test_values_stand_in_the_field_of_their_dtype(prediction: Any) -> None:
    response = prediction.Predict(request(input_sentence=ids([1, 2], [3, 4])), timeout=30)
    assert list(response.outputs["predict_classification"].int64_val) == [1, 1]
    scores = response.outputs["predict_scores"]
    assert list(scores.float_val) == [2, 3, 2, 7]
    assert [dim.size for dim in scores.tensor_shape.dim] == [2, 2]


def test_output_filter_chooses_outputs(prediction: Any) -> None:
    response = prediction.Predict(
        request(output_filter=("predict_scores",), input_sentence=ids([1])), timeout=30
    )
    assert set(response.outputs) == {"predict_scores"}


def test_any_bytes_go_through_a_string_tensor(prediction: Any) -> None:
    data = [b"\xff\x00", b"", "好".encode()]
    response = prediction.Predict(request(signature="bytes", data=data), timeout=30)
    assert list(response.outputs["out_bytes"].string_val) == [2 * value for value in data]


def test_a_message_beyond_grpc_s_own_limit_goes_through(prediction: Any) -> None:
    data = [b"x" * 5 * 2**20]
    response = prediction.Predict(request(signature="bytes", data=data), timeout=60)
    assert list(response.outputs["size"].int_val) == [len(data[0])]


def test_a_long_message_does_not_break_the_answer(prediction: Any) -> None:
    code, details = refusal(prediction.Predict, request("名" * 10_000, input_sentence=ids([1])))
    assert code == "NOT_FOUND"
    assert details.startswith("Servable not found for request: Latest(名")


def test_an_example_without_a_feature_that_the_model_needs_is_refused(prediction: Any) -> None:
    question = Question("Classify", signature="classify", examples=[{"text": "a"}, {}])
    message = with_examples(classification_pb2.ClassificationRequest(), question)
    code, details = refusal(prediction.Classify, message)
    assert code == "INVALID_ARGUMENT"
    assert "Feature: text (data type: string) is required but could not be found." in details


CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


def inference_request(*tasks: tuple[str, str]) -> inference_pb2.MultiInferenceRequest:
    message = inference_pb2.MultiInferenceRequest()
    for signature, method_name in tasks:
        task = message.tasks.add(method_name=method_name)
        task.model_spec.CopyFrom(request(signature=signature).model_spec)
    message.input.example_list.examples.append(example_of({"text": "好"}))
    return message


def test_two_signatures_answer_the_same_examples(prediction: Any) -> None:
    # TensorFlow has given each of them an input tensor of its own.
    tasks = inference_request(("regress", REGRESS), ("classify", CLASSIFY))
    regressed, classified = prediction.MultiInference(tasks, timeout=30).results
    assert told(regressed) == ("sentiment", 2, "regress")
    assert [found.value for found in regressed.regression_result.regressions] == [2.125]
    assert told(classified) == ("sentiment", 2, "classify")
    [found] = classified.classification_result.classifications
    assert [scored.label for scored in found.classes] == ["v2:好", "length"]


NO_SPEC = {
    "Predict": predict_pb2.PredictRequest(),
    "Classify": classification_pb2.ClassificationRequest(),
    "Regress": regression_pb2.RegressionRequest(),
    "GetModelMetadata": get_model_metadata_pb2.GetModelMetadataRequest(
        metadata_field=["signature_def"]
    ),
    "GetModelStatus": get_model_status_pb2.GetModelStatusRequest(),
}
REFUSALS = [
    *((method, message, "Missing ModelSpec") for method, message in NO_SPEC.items()),
    ("Predict", request("", input_sentence=ids([1])), "ModelSpec has no name specified."),
    (
        "Classify",
        with_examples(classification_pb2.ClassificationRequest(), Question("Classify", "")),
        "ModelSpec has no name specified.",
    ),
    (
        "Predict",
        request(),
        "input size does not match signature: 0!=1 len({}) != len({input_sentence}). "
        "Sent extra: {}. Missing but required: {input_sentence}.",
    ),
    (
        "Predict",
        request(output_filter=("x",), input_sentence=ids([1])),
        "output tensor alias not found in signature: x Outputs expected to be in the set "
        "{predict_classification,predict_scores}.",
    ),
    (
        "Predict",
        request(output_filter=("predict_scores",) * 2, input_sentence=ids([1])),
        "duplicate output tensor alias: predict_scores",
    ),
    (
        "Predict",
        request(input_sentence=tf.constant([[1]], tf.int32)),
        "`input_sentence` must have dtype int64. Received: dtype int32.",
    ),
    (
        "Predict",
        request(
            input_sentence=tensor_pb2.TensorProto(dtype=types_pb2.DT_INT64, tensor_content=b"1")
        ),
        "tensor parsing error: input_sentence: `tensor_content` must hold 8 bytes. "
        "Received: 1 bytes.",
    ),
    (
        "Predict",
        request(input_sentence=tensor_pb2.TensorProto(dtype=99)),
        "tensor parsing error: input_sentence: unknown dtype 99.",
    ),
    (
        "Classify",
        filled(
            classification_pb2.ClassificationRequest(), Question("Classify", signature="classify")
        ),
        "Input is empty.",
    ),
    (
        "Regress",
        filled(regression_pb2.RegressionRequest(), Question("Regress", signature="regress")),
        "Input is empty.",
    ),
    ("MultiInference", inference_request(), "ModelSpec has no name specified."),
    (
        "MultiInference",
        inference_request(("classify", CLASSIFY), ("classify", CLASSIFY)),
        "Duplicate evaluation of signature: classify",
    ),
    (
        "GetModelMetadata",
        filled(get_model_metadata_pb2.GetModelMetadataRequest(), Question("GetModelMetadata")),
        "GetModelMetadataRequest must specify at least one metadata_field",
    ),
    (
        "GetModelMetadata",
        filled(
            get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def", "x"]),
            Question("GetModelMetadata"),
        ),
        "Metadata field x is not supported",
    ),
]


@pytest.mark.parametrize(("method", "message", "details"), REFUSALS)
def test_a_message_that_does_not_fit_is_refused_as_by_tensorflow_serving(
    prediction: Any, model: Any, method: str, message: Any, details: str
) -> None:
    call = getattr(model if method == "GetModelStatus" else prediction, method)
    assert refusal(call, message) == ("INVALID_ARGUMENT", details)


def test_another_kind_of_task_is_not_implemented(prediction: Any) -> None:
    message = inference_request(("classify", "tensorflow/serving/predict"))
    assert refusal(prediction.MultiInference, message) == (
        "UNIMPLEMENTED",
        "Unsupported signature method_name: tensorflow/serving/predict",
    )

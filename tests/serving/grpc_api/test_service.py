"""Over a real socket, by the stubs of tensorflow-serving-api alone."""

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
    version: int | None = None,
    label: str | None = None,
    **inputs: Any,
) -> predict_pb2.PredictRequest:
    message = predict_pb2.PredictRequest(output_filter=output_filter)
    message.model_spec.name = name
    message.model_spec.signature_name = signature
    if version is not None:
        message.model_spec.version.value = version
    if label is not None:
        message.model_spec.version_label = label
    for key, value in inputs.items():
        is_proto = isinstance(value, tensor_pb2.TensorProto)
        message.inputs[key].CopyFrom(value if is_proto else tf.make_tensor_proto(value))
    return message


def ids(*rows: list[int]) -> Any:
    return tf.constant(rows, tf.int64)


def refusal(call: Any, message: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call(message, timeout=30)
    return caught.value.code(), caught.value.details() or ""


def test_the_highest_version_answers_the_default_signature(prediction: Any) -> None:
    response = prediction.Predict(request(input_sentence=ids([1, 2], [3, 4])), timeout=30)
    assert response.model_spec.name == "sentiment"
    assert response.model_spec.version.value == 2
    assert response.model_spec.signature_name == "serving_default"
    assert set(response.outputs) == {"predict_classification", "predict_scores"}
    assert list(response.outputs["predict_classification"].int64_val) == [1, 1]
    scores = response.outputs["predict_scores"]
    assert list(scores.float_val) == [2, 3, 2, 7]
    assert [dim.size for dim in scores.tensor_shape.dim] == [2, 2]


@pytest.mark.parametrize(
    ("choice", "version"),
    [({"version": 1}, 1), ({"version": 2}, 2), ({"label": "stable"}, 1), ({"label": "canary"}, 2)],
)
def test_a_version_is_asked_for_by_number_or_label(
    prediction: Any, choice: dict[str, Any], version: int
) -> None:
    response = prediction.Predict(request(signature="text", text=["好"], **choice), timeout=30)
    assert response.model_spec.version.value == version
    assert response.model_spec.signature_name == "text"
    assert list(response.outputs["label"].string_val) == [f"v{version}:好".encode()]


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


@pytest.mark.parametrize(
    ("message", "code", "details"),
    [
        (
            request("m", input_sentence=ids([1])),
            grpc.StatusCode.NOT_FOUND,
            "Servable not found for request: Latest(m)",
        ),
        (
            request(version=9, input_sentence=ids([1])),
            grpc.StatusCode.NOT_FOUND,
            "Servable not found for request: Specific(sentiment, 9)",
        ),
        (
            request(version=0, input_sentence=ids([1])),
            grpc.StatusCode.NOT_FOUND,
            "Servable not found for request: Specific(sentiment, 0)",
        ),
        (
            request(label="x", input_sentence=ids([1])),
            grpc.StatusCode.INVALID_ARGUMENT,
            "Unrecognized servable version label: x",
        ),
        (
            request("", input_sentence=ids([1])),
            grpc.StatusCode.INVALID_ARGUMENT,
            "ModelSpec has no name specified.",
        ),
        (predict_pb2.PredictRequest(), grpc.StatusCode.INVALID_ARGUMENT, "Missing ModelSpec"),
        (
            request(signature="x", input_sentence=ids([1])),
            grpc.StatusCode.FAILED_PRECONDITION,
            'Serving signature key "x" not found.',
        ),
        (
            request(),
            grpc.StatusCode.INVALID_ARGUMENT,
            "input size does not match signature: 0!=1 len({}) != len({input_sentence}). "
            "Sent extra: {}. Missing but required: {input_sentence}.",
        ),
        (
            request(output_filter=("x",), input_sentence=ids([1])),
            grpc.StatusCode.INVALID_ARGUMENT,
            "output tensor alias not found in signature: x Outputs expected to be in the set "
            "{predict_classification,predict_scores}.",
        ),
        (
            request(output_filter=("predict_scores",) * 2, input_sentence=ids([1])),
            grpc.StatusCode.INVALID_ARGUMENT,
            "duplicate output tensor alias: predict_scores",
        ),
        (
            request(input_sentence=tf.constant([[1]], tf.int32)),
            grpc.StatusCode.INVALID_ARGUMENT,
            "`input_sentence` must have dtype int64. Received: dtype int32.",
        ),
        (
            request(input_sentence=ids([99])),
            grpc.StatusCode.INVALID_ARGUMENT,
            "indices[0,0] = 99 is not in [0, 10)",
        ),
        (
            request(
                input_sentence=tensor_pb2.TensorProto(dtype=types_pb2.DT_INT64, int64_val=[1, 2])
            ),
            grpc.StatusCode.INVALID_ARGUMENT,
            "tensor parsing error: input_sentence: 2 values were sent for 1 elements.",
        ),
        (
            request(input_sentence=tensor_pb2.TensorProto(dtype=99)),
            grpc.StatusCode.INVALID_ARGUMENT,
            "tensor parsing error: input_sentence: unknown dtype 99.",
        ),
    ],
)
def test_a_request_that_cannot_be_answered_is_refused_as_by_tensorflow_serving(
    prediction: Any, message: predict_pb2.PredictRequest, code: grpc.StatusCode, details: str
) -> None:
    assert refusal(prediction.Predict, message) == (code, details)


def classify_request(
    *texts: str, name: str = "sentiment", signature: str = "classify", **choice: Any
) -> classification_pb2.ClassificationRequest:
    message = classification_pb2.ClassificationRequest()
    message.model_spec.CopyFrom(request(name, signature, **choice).model_spec)
    for text in texts:
        add_feature(message.input.example_list.examples.add(), "text", text)
    return message


def add_feature(example: Any, name: str, value: str) -> None:
    example.features.feature[name].bytes_list.value.append(value.encode())


def scored(response: classification_pb2.ClassificationResponse) -> list[list[tuple[str, float]]]:
    return [
        [(scored.label, scored.score) for scored in answer.classes]
        for answer in response.result.classifications
    ]


def test_examples_are_classified_in_order(prediction: Any) -> None:
    response = prediction.Classify(classify_request("好", "bad"), timeout=30)
    assert response.model_spec.name == "sentiment"
    assert response.model_spec.version.value == 2
    assert response.model_spec.signature_name == "classify"
    assert scored(response) == [[("v2:好", 2), ("length", 1)], [("v2:bad", 2), ("length", 3)]]


@pytest.mark.parametrize(
    ("choice", "version"), [({"version": 1}, 1), ({"label": "stable"}, 1), ({"label": "canary"}, 2)]
)
def test_a_version_classifies_by_number_or_label(
    prediction: Any, choice: dict[str, Any], version: int
) -> None:
    response = prediction.Classify(classify_request("a", **choice), timeout=30)
    assert response.model_spec.version.value == version
    assert scored(response)[0][0] == (f"v{version}:a", version)


def test_every_example_has_the_features_of_the_context(prediction: Any) -> None:
    message = classify_request()
    add_feature(message.input.example_list_with_context.context, "hotel", "如家")
    for text in ("好", "坏"):
        add_feature(message.input.example_list_with_context.examples.add(), "text", text)
    response = prediction.Classify(message, timeout=30)
    assert [row[0][0] for row in scored(response)] == ["v2:如家好", "v2:如家坏"]


@pytest.mark.parametrize(
    ("message", "code", "details"),
    [
        (
            classify_request(name="m"),
            grpc.StatusCode.NOT_FOUND,
            "Servable not found for request: Latest(m)",
        ),
        (
            classify_request("a", label="x"),
            grpc.StatusCode.INVALID_ARGUMENT,
            "Unrecognized servable version label: x",
        ),
        (
            classify_request("a", name=""),
            grpc.StatusCode.INVALID_ARGUMENT,
            "ModelSpec has no name specified.",
        ),
        (
            classification_pb2.ClassificationRequest(),
            grpc.StatusCode.INVALID_ARGUMENT,
            "Missing ModelSpec",
        ),
        (
            classify_request(signature="x"),
            grpc.StatusCode.INVALID_ARGUMENT,
            "No signature was found with the name: x",
        ),
        (
            classify_request("a", signature=""),
            grpc.StatusCode.INVALID_ARGUMENT,
            "No classification inputs found in SignatureDef: inputs {input_sentence} "
            "outputs {predict_classification,predict_scores}",
        ),
        (classify_request(), grpc.StatusCode.INVALID_ARGUMENT, "Input is empty."),
    ],
)
def test_what_cannot_be_classified_is_refused_as_by_tensorflow_serving(
    prediction: Any,
    message: classification_pb2.ClassificationRequest,
    code: grpc.StatusCode,
    details: str,
) -> None:
    assert refusal(prediction.Classify, message) == (code, details)


def test_an_example_without_a_feature_that_the_model_needs_is_refused(prediction: Any) -> None:
    message = classify_request("a")
    message.input.example_list.examples.add()
    code, details = refusal(prediction.Classify, message)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "Feature: text (data type: string) is required but could not be found." in details


def test_a_long_message_does_not_break_the_answer(prediction: Any) -> None:
    code, details = refusal(prediction.Predict, request("名" * 10_000, input_sentence=ids([1])))
    assert code is grpc.StatusCode.NOT_FOUND
    assert details.startswith("Servable not found for request: Latest(名")


def regression_request(
    *texts: str, signature: str = "regress", **choice: Any
) -> regression_pb2.RegressionRequest:
    message = regression_pb2.RegressionRequest()
    message.model_spec.CopyFrom(request(signature=signature, **choice).model_spec)
    for text in texts:
        add_feature(message.input.example_list.examples.add(), "text", text)
    return message


def test_a_number_is_found_for_each_example(prediction: Any) -> None:
    response = prediction.Regress(regression_request("好", "bad", label="stable"), timeout=30)
    assert response.model_spec.name == "sentiment"
    assert response.model_spec.version.value == 1
    assert response.model_spec.signature_name == "regress"
    assert [found.value for found in response.result.regressions] == [1.125, 1.375]


@pytest.mark.parametrize(
    ("message", "code", "details"),
    [
        (
            regression_pb2.RegressionRequest(),
            grpc.StatusCode.INVALID_ARGUMENT,
            "Missing ModelSpec",
        ),
        (
            regression_request("a", signature="x"),
            grpc.StatusCode.INVALID_ARGUMENT,
            "No signature was found with the name: x",
        ),
        (
            regression_request("a", signature="classify"),
            grpc.StatusCode.INVALID_ARGUMENT,
            "Expected one output Tensor.",
        ),
        (
            regression_request("a", version=9),
            grpc.StatusCode.NOT_FOUND,
            "Servable not found for request: Specific(sentiment, 9)",
        ),
        (regression_request(), grpc.StatusCode.INVALID_ARGUMENT, "Input is empty."),
    ],
)
def test_what_is_no_regression_is_refused_as_by_tensorflow_serving(
    prediction: Any, message: Any, code: grpc.StatusCode, details: str
) -> None:
    assert refusal(prediction.Regress, message) == (code, details)


CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


def inference_request(*tasks: tuple[str, str]) -> inference_pb2.MultiInferenceRequest:
    message = inference_pb2.MultiInferenceRequest()
    for signature, method_name in tasks:
        task = message.tasks.add(method_name=method_name)
        task.model_spec.CopyFrom(request(signature=signature).model_spec)
    add_feature(message.input.example_list.examples.add(), "text", "好")
    return message


def test_one_task_of_many(prediction: Any) -> None:
    response = prediction.MultiInference(inference_request(("regress", REGRESS)), timeout=30)
    [result] = response.results
    assert result.model_spec.version.value == 2
    assert result.model_spec.signature_name == "regress"
    assert [found.value for found in result.regression_result.regressions] == [2.125]


@pytest.mark.parametrize(
    ("message", "code", "details"),
    [
        (
            inference_request(),
            grpc.StatusCode.INVALID_ARGUMENT,
            "ModelSpec has no name specified.",
        ),
        (
            # TensorFlow gives each signature that it exports an input tensor of its own.
            inference_request(("classify", CLASSIFY), ("regress", REGRESS)),
            grpc.StatusCode.INVALID_ARGUMENT,
            "Input tensor must be the same for all Signatures.",
        ),
        (
            inference_request(("classify", "tensorflow/serving/predict")),
            grpc.StatusCode.UNIMPLEMENTED,
            "Unsupported signature method_name: tensorflow/serving/predict",
        ),
    ],
)
def test_tasks_that_do_not_fit_are_refused_as_by_tensorflow_serving(
    prediction: Any, message: Any, code: grpc.StatusCode, details: str
) -> None:
    assert refusal(prediction.MultiInference, message) == (code, details)


def metadata_request(*fields: str, **choice: Any) -> Any:
    message = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    message.model_spec.CopyFrom(request(**choice).model_spec)
    return message


def test_metadata_has_the_signatures_of_a_version(prediction: Any) -> None:
    response = prediction.GetModelMetadata(
        metadata_request("signature_def", label="stable"), timeout=30
    )
    assert response.model_spec.name == "sentiment"
    assert response.model_spec.version.value == 1
    assert list(response.metadata) == ["signature_def"]
    found = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(found)
    inputs = found.signature_def["serving_default"].inputs
    assert [dim.size for dim in inputs["input_sentence"].tensor_shape.dim] == [-1, -1]
    assert inputs["input_sentence"].dtype == types_pb2.DT_INT64


@pytest.mark.parametrize(
    ("message", "code", "details"),
    [
        (
            get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"]),
            grpc.StatusCode.INVALID_ARGUMENT,
            "Missing ModelSpec",
        ),
        (
            metadata_request(),
            grpc.StatusCode.INVALID_ARGUMENT,
            "GetModelMetadataRequest must specify at least one metadata_field",
        ),
        (
            metadata_request("signature_def", "x"),
            grpc.StatusCode.INVALID_ARGUMENT,
            "Metadata field x is not supported",
        ),
        (
            metadata_request("signature_def", name="m"),
            grpc.StatusCode.NOT_FOUND,
            "Servable not found for request: Latest(m)",
        ),
    ],
)
def test_metadata_that_cannot_be_told_is_refused(
    prediction: Any, message: Any, code: grpc.StatusCode, details: str
) -> None:
    assert refusal(prediction.GetModelMetadata, message) == (code, details)


def status_request(name: str, **choice: Any) -> get_model_status_pb2.GetModelStatusRequest:
    message = get_model_status_pb2.GetModelStatusRequest()
    message.model_spec.CopyFrom(request(name, **choice).model_spec)
    return message


def test_status_lists_versions_the_highest_first(model: Any) -> None:
    response = model.GetModelStatus(status_request("sentiment"), timeout=30)
    available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    assert [(v.version, v.state) for v in response.model_version_status] == [
        (2, available),
        (1, available),
    ]
    assert all(v.HasField("status") for v in response.model_version_status)
    assert {v.status.error_code for v in response.model_version_status} == {0}


@pytest.mark.parametrize("choice", [{"version": 1}, {"label": "stable"}])
def test_status_of_one_version(model: Any, choice: dict[str, Any]) -> None:
    response = model.GetModelStatus(status_request("sentiment", **choice), timeout=30)
    assert [v.version for v in response.model_version_status] == [1]


@pytest.mark.parametrize(
    ("message", "code", "details"),
    [
        (
            status_request("m"),
            grpc.StatusCode.NOT_FOUND,
            "Could not find any versions of model m",
        ),
        (
            status_request("sentiment", version=9),
            grpc.StatusCode.NOT_FOUND,
            "Could not find version 9 of model sentiment",
        ),
        (
            status_request("sentiment", label="x"),
            grpc.StatusCode.INVALID_ARGUMENT,
            "Unrecognized servable version label: x",
        ),
        (
            get_model_status_pb2.GetModelStatusRequest(),
            grpc.StatusCode.INVALID_ARGUMENT,
            "Missing ModelSpec",
        ),
    ],
)
def test_a_status_that_cannot_be_told_is_refused(
    model: Any, message: Any, code: grpc.StatusCode, details: str
) -> None:
    assert refusal(model.GetModelStatus, message) == (code, details)

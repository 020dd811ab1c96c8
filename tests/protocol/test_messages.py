import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, EnumDescriptor
from hypothesis import given
from hypothesis import strategies as st
from tensorflow.core.example import example_pb2 as their_example
from tensorflow.core.framework import tensor_pb2 as their_tensor
from tensorflow.core.protobuf import meta_graph_pb2 as their_meta_graph
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2,
    predict_pb2,
    prediction_service_pb2,
    regression_pb2,
)
from tensorflow_serving.apis import prediction_log_pb2 as their_prediction_log
from tensorflow_serving.config import model_server_config_pb2 as their_config

from lstm_sentiment.protocol import (
    example_pb2,
    generate,
    model_server_config_pb2,
    prediction_log_pb2,
    prediction_pb2,
    signature_pb2,
    tensor_pb2,
)
from lstm_sentiment.protocol import model_management_pb2 as our_management
from lstm_sentiment.protocol.services import MODEL_SERVICE, PREDICTION_SERVICE, methods_of
from tests.protocol.messages import fill

PAIRS: list[tuple[Any, Any]] = [
    (tensor_pb2.TensorProto, their_tensor.TensorProto),
    (example_pb2.Example, their_example.Example),
    (signature_pb2.SignatureDef, their_meta_graph.SignatureDef),
    (prediction_pb2.PredictRequest, predict_pb2.PredictRequest),
    (prediction_pb2.PredictResponse, predict_pb2.PredictResponse),
    (prediction_pb2.ClassificationRequest, classification_pb2.ClassificationRequest),
    (prediction_pb2.ClassificationResponse, classification_pb2.ClassificationResponse),
    (prediction_pb2.RegressionRequest, regression_pb2.RegressionRequest),
    (prediction_pb2.RegressionResponse, regression_pb2.RegressionResponse),
    (prediction_pb2.MultiInferenceRequest, inference_pb2.MultiInferenceRequest),
    (prediction_pb2.MultiInferenceResponse, inference_pb2.MultiInferenceResponse),
    (prediction_pb2.GetModelMetadataRequest, get_model_metadata_pb2.GetModelMetadataRequest),
    (prediction_pb2.GetModelMetadataResponse, get_model_metadata_pb2.GetModelMetadataResponse),
    (prediction_pb2.SignatureDefMap, get_model_metadata_pb2.SignatureDefMap),
    (our_management.GetModelStatusRequest, get_model_status_pb2.GetModelStatusRequest),
    (our_management.GetModelStatusResponse, get_model_status_pb2.GetModelStatusResponse),
    (our_management.ReloadConfigRequest, model_management_pb2.ReloadConfigRequest),
    (our_management.ReloadConfigResponse, model_management_pb2.ReloadConfigResponse),
    (model_server_config_pb2.ModelServerConfig, their_config.ModelServerConfig),
    (prediction_log_pb2.PredictionLog, their_prediction_log.PredictionLog),
]
BY_NAME = [pytest.param(*pair, id=pair[0].DESCRIPTOR.name) for pair in PAIRS]
# Its messages hold TensorFlow's run options: a server of this protocol never reads them.
LEFT_OUT = {"tensorflow.serving.SessionRunLog"}


@pytest.mark.parametrize(("ours", "theirs"), BY_NAME)
@given(st.data())
def test_bytes_are_tensorflows_in_both_directions(
    ours: Any, theirs: Any, data: st.DataObject
) -> None:
    for one, other in ((ours, theirs), (theirs, ours)):
        message = one()
        fill(message, data)
        serialized = message.SerializeToString(deterministic=True)
        parsed = other.FromString(serialized)
        assert parsed.SerializeToString(deterministic=True) == serialized
        assert one.FromString(parsed.SerializeToString()) == message


def facts_of(descriptor: Descriptor) -> dict[str, Any]:
    """What the wire format knows of a message."""
    return {
        field.name: (
            field.number,
            field.type,
            field.is_repeated,
            field.is_packed,
            field.has_presence,
            field.containing_oneof and field.containing_oneof.name,
            field.message_type and field.message_type.full_name,
            field.enum_type and field.enum_type.full_name,
        )
        for field in descriptor.fields
    }


def reached(descriptor: Descriptor) -> dict[str, Descriptor | EnumDescriptor]:
    """All messages and enums that a message can hold, by full name."""
    found: dict[str, Descriptor | EnumDescriptor] = {}
    waiting = [descriptor]
    while waiting:
        one = waiting.pop()
        if one.full_name in found or one.full_name in LEFT_OUT:
            continue
        found[one.full_name] = one
        for field in one.fields:
            if field.enum_type:
                found[field.enum_type.full_name] = field.enum_type
            if field.message_type:
                waiting.append(field.message_type)
    return found


@pytest.mark.parametrize(("ours", "theirs"), BY_NAME)
def test_names_numbers_and_types_are_tensorflows(ours: Any, theirs: Any) -> None:
    our_parts, their_parts = reached(ours.DESCRIPTOR), reached(theirs.DESCRIPTOR)
    assert set(our_parts) == set(their_parts)
    for name, part in our_parts.items():
        other = their_parts[name]
        if isinstance(part, EnumDescriptor):
            assert isinstance(other, EnumDescriptor)
            assert part.values_by_name.keys() == other.values_by_name.keys()
            assert part.values_by_number.keys() == other.values_by_number.keys()
        else:
            assert isinstance(other, Descriptor)
            assert facts_of(part) == facts_of(other)


@pytest.mark.parametrize(
    ("service", "theirs"),
    [
        (PREDICTION_SERVICE, prediction_service_pb2.DESCRIPTOR),
        (MODEL_SERVICE, model_service_pb2.DESCRIPTOR),
    ],
)
def test_services_are_tensorflow_servings(service: str, theirs: Any) -> None:
    (their_service,) = theirs.services_by_name.values()
    assert service == their_service.full_name
    assert [
        (method.name, method.request.DESCRIPTOR.full_name, method.response.DESCRIPTOR.full_name)
        for method in methods_of(service)
    ] == [
        (method.name, method.input_type.full_name, method.output_type.full_name)
        for method in their_service.methods
    ]


def test_unknown_fields_are_kept() -> None:
    log = their_prediction_log.PredictionLog()
    log.session_run_log.request.feed.add(name="x").tensor.int_val.append(3)
    ours = prediction_log_pb2.PredictionLog.FromString(log.SerializeToString())
    assert their_prediction_log.PredictionLog.FromString(ours.SerializeToString()) == log


def test_the_modules_are_those_of_the_proto_files(tmp_path: Path) -> None:
    generate.generate(tmp_path)
    made = {path.name: path for path in (tmp_path / "lstm_sentiment" / "protocol").iterdir()}
    kept = {path.name: path for path in generate.FOLDER.glob("*_pb2.py*")}
    assert made.keys() == kept.keys()
    for name, path in made.items():
        assert path.read_text("utf-8") == kept[name].read_text("utf-8"), name


def test_the_messages_need_no_tensorflow() -> None:
    code = (
        "import sys, lstm_sentiment.protocol.services, lstm_sentiment.protocol.prediction_log_pb2\n"
        "import lstm_sentiment.protocol.saved_model\n"
        "assert not {'tensorflow', 'tensorflow_serving', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

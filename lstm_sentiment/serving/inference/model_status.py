"""Writes the states of versions as protocol buffers, and as their JSON.

`tensorflow_serving/apis/get_model_status.proto`.
"""

import json
from collections.abc import Iterable
from typing import Any

from google.protobuf import json_format

from lstm_sentiment.protocol import error_code_pb2
from lstm_sentiment.protocol.model_management_pb2 import GetModelStatusResponse
from lstm_sentiment.serving.inference.results import ServedModel
from lstm_sentiment.serving.servable import ServableState


def model_status_to_proto(
    states: Iterable[ServableState],
) -> GetModelStatusResponse:
    """Makes the response to GetModelStatus; a failed load has its reason and the code `UNKNOWN`."""
    response = GetModelStatusResponse()
    for state in states:
        version = response.model_version_status.add(
            version=state.id.version, state=int(state.state)
        )
        version.status.SetInParent()
        if state.error is not None:
            version.status.error_code = error_code_pb2.UNKNOWN
            version.status.error_message = str(state.error)
    return response


def model_status_to_json(states: Iterable[ServableState]) -> str:
    """Writes the response to GetModelStatus as JSON."""
    return json.dumps(_statuses(states), indent=1, ensure_ascii=False)


def served_models_to_json(models: Iterable[ServedModel]) -> str:
    """Writes all models as JSON: the states as in GetModelStatus, labels as in a models.config."""
    listed = [
        {
            "name": model.name,
            **_statuses(model.states),
            # The JSON of protocol buffers quotes 64-bit integers.
            "version_labels": {label: str(version) for label, version in model.labels.items()},
        }
        for model in models
    ]
    return json.dumps({"models": listed}, indent=1, ensure_ascii=False)


def _statuses(states: Iterable[ServableState]) -> dict[str, Any]:
    return json_format.MessageToDict(
        model_status_to_proto(states),
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )

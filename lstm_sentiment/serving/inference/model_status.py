"""Writes the states of versions as protocol buffers.

`tensorflow_serving/apis/get_model_status.proto`.
"""

from collections.abc import Iterable

from tensorflow.core.protobuf import error_codes_pb2
from tensorflow_serving.apis import get_model_status_pb2

from lstm_sentiment.serving.servable import ServableState


def model_status_to_proto(
    states: Iterable[ServableState],
) -> get_model_status_pb2.GetModelStatusResponse:
    """Makes the response to GetModelStatus; a failed load has its reason and the code `UNKNOWN`."""
    response = get_model_status_pb2.GetModelStatusResponse()
    for state in states:
        version = response.model_version_status.add(
            version=state.id.version, state=int(state.state)
        )
        version.status.SetInParent()
        if state.error is not None:
            version.status.error_code = error_codes_pb2.UNKNOWN
            version.status.error_message = str(state.error)
    return response

"""Writes the states of versions as protocol buffers.

`tensorflow_serving/apis/get_model_status.proto`.
"""

from collections.abc import Iterable

from lstm_sentiment.protocol import error_code_pb2
from lstm_sentiment.protocol.model_management_pb2 import GetModelStatusResponse
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

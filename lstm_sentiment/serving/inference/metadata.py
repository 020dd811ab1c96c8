"""Writes the signatures of a version, as protocol buffers and as JSON.

`tensorflow_serving/apis/get_model_metadata.proto`, and for the JSON
`tensorflow_serving/model_servers/http_rest_api_util.cc`.
"""

import json
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from lstm_sentiment.protocol.prediction_pb2 import GetModelMetadataResponse, SignatureDefMap
from lstm_sentiment.protocol.signature_pb2 import SignatureDef
from lstm_sentiment.serving.servable_id import ServableId

SIGNATURE_DEF = "signature_def"
"""The only metadata field that there is."""


def metadata_to_proto(
    servable_id: ServableId, signature_defs: Mapping[str, SignatureDef]
) -> GetModelMetadataResponse:
    """Makes the response to GetModelMetadata.

    Args:
        servable_id: The version.
        signature_defs: The message of each signature, by key.
    """
    response = GetModelMetadataResponse()
    response.model_spec.name = servable_id.name
    response.model_spec.version.value = servable_id.version
    response.metadata[SIGNATURE_DEF].Pack(_signature_def_map(signature_defs))
    return response


def metadata_to_json(servable_id: ServableId, signature_defs: Mapping[str, SignatureDef]) -> str:
    """Writes the signatures of a version as JSON.

    Args:
        servable_id: The version.
        signature_defs: The message of each signature, by key.

    Returns:
        `{"model_spec": {...}, "metadata": {"signature_def": {"signature_def": {...}}}}`, with
        field names as in the protocol buffers, empty fields included.
    """
    response = metadata_to_proto(servable_id, signature_defs)
    document = {
        "model_spec": _to_dict(response.model_spec),
        # The JSON of the packed message would hold a type URL.
        "metadata": {SIGNATURE_DEF: _to_dict(_signature_def_map(signature_defs))},
    }
    return json.dumps(document, ensure_ascii=False)


def _signature_def_map(
    signature_defs: Mapping[str, SignatureDef],
) -> SignatureDefMap:
    signature_def_map = SignatureDefMap()
    for key, signature_def in signature_defs.items():
        signature_def_map.signature_def[key].CopyFrom(signature_def)
    return signature_def_map


def _to_dict(message: Message) -> dict[str, Any]:
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )

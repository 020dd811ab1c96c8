"""The JSON Schemas of the Open Inference Protocol's bodies, by name."""

from lstm_sentiment.serving.rest_api.routing.json_schema import (
    NUMBER,
    NUMBERS,
    STRING,
    Schema,
    list_of,
    object_of,
    ref,
)

_PARAMETERS: Schema = {"parameters": {"type": "object"}}
_SHAPE = list_of({"type": "integer", "minimum": 0})
_DATATYPE: Schema = {"type": "string", "description": "Such as `BYTES`, `INT64` or `FP32`."}
_DATA: Schema = {
    "description": f"The elements, in one list or in lists nested like the shape. {NUMBERS}",
    **list_of(ref("OpenTensorData")),
}
_TENSOR: Schema = {"name": STRING, "shape": _SHAPE, "datatype": _DATATYPE, "data": _DATA}
_HEALTH: Schema = {"live": {"type": "boolean"}}
_DESCRIBED = list_of(
    object_of({"name": STRING, "datatype": _DATATYPE, "shape": list_of({"type": "integer"})}),
    description="Name, datatype and shape of each tensor; -1 stands for any size.",
)

OPEN_INFERENCE_SCHEMAS: dict[str, Schema] = {
    "OpenTensorData": {
        "anyOf": [STRING, NUMBER, {"type": "boolean"}, list_of(ref("OpenTensorData"))],
    },
    "InferRequest": object_of(
        {"inputs": list_of(object_of(_TENSOR, _PARAMETERS), minItems=1)},
        {
            "id": {"type": "string", "description": "An id that the answer repeats."},
            "parameters": {
                "type": "object",
                "properties": {"signature_name": STRING},
                "description": "`signature_name` names the signature to run.",
            },
            "outputs": list_of(
                object_of({"name": STRING}, _PARAMETERS),
                description="The outputs to return; without it, all.",
            ),
        },
        examples=[
            {
                "inputs": [
                    {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["房间很干净"]}
                ]
            }
        ],
    ),
    "InferResponse": object_of(
        {
            "model_name": STRING,
            "model_version": STRING,
            "outputs": list_of(object_of(_TENSOR)),
        },
        {"id": STRING},
    ),
    "ModelReady": object_of({"name": STRING, "ready": {"type": "boolean"}}),
    "OpenModelMetadata": object_of(
        {
            "name": STRING,
            "versions": list_of(STRING),
            "platform": STRING,
            "inputs": _DESCRIBED,
            "outputs": _DESCRIBED,
        },
        {"properties": {"type": "object"}},
    ),
    "ServerHealth": object_of(_HEALTH, {"ready": {"type": "boolean"}}),
    "ServerMetadata": object_of({"name": STRING, "version": STRING, "extensions": list_of(STRING)}),
}
"""The schemas, by name."""

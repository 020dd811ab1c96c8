"""The JSON Schemas of the bodies of the Open Inference Protocol, by name.

After `specification/protocol/open_inference_rest.yaml` in
https://github.com/kserve/open-inference-protocol.
"""

from collections.abc import Mapping
from typing import Any

_STRING, _INTEGER, _BOOLEAN = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
_DATATYPES = (
    *("BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"),
    *("FP16", "BF16", "FP32", "FP64", "BYTES"),
)


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: Mapping[str, Any], **optional: Any) -> dict[str, Any]:
    properties = {**required, **optional}
    return {"type": "object", "properties": properties, "required": [*required]}


def _list_of(items: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


_SHAPE = _list_of(
    {"type": "integer", "minimum": 0}, maxItems=64, description="The size of each dimension."
)
_TENSOR = {
    "name": _STRING,
    "datatype": {"enum": [*_DATATYPES]},
    "shape": _SHAPE,
    "data": _list_of(
        _ref("TensorValue"),
        description="The values, flat or nested as the shape; in answers flat.",
    ),
}
_PARAMETERS = {
    "type": "object",
    "description": "Only `signature_name` has a meaning; others are ignored.",
    "properties": {"signature_name": {**_STRING, "description": "The signature to run."}},
}
_TENSOR_METADATA = _list_of(
    _object(
        {
            "name": _STRING,
            "datatype": _STRING,
            "shape": _list_of(_INTEGER, description="-1 stands for any size."),
        }
    )
)

OPEN_INFERENCE_SCHEMAS: dict[str, dict[str, Any]] = {
    "TensorValue": {
        "description": "A value, or values in nested lists. NaN, Infinity and -Infinity are "
        "numbers, here and in answers, though no JSON.",
        "anyOf": [_STRING, {"type": "number"}, _BOOLEAN, _list_of(_ref("TensorValue"))],
    },
    "InferRequest": {
        **_object(
            {"inputs": _list_of(_object(_TENSOR, parameters={"type": "object"}), minItems=1)},
            id={**_STRING, "description": "Returned with the answer."},
            parameters=_PARAMETERS,
            outputs=_list_of(
                _object({"name": _STRING}, parameters={"type": "object"}),
                description="The outputs to return; without it, all.",
            ),
        ),
        "examples": [
            {
                "id": "42",
                "inputs": [
                    {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["房间很干净"]}
                ],
                "outputs": [{"name": "label"}],
            }
        ],
    },
    "InferResponse": _object(
        {
            "model_name": _STRING,
            "model_version": _STRING,
            "outputs": _list_of(_object(_TENSOR)),
        },
        id=_STRING,
    ),
    "ModelReady": _object({"name": _STRING, "ready": _BOOLEAN}),
    "OpenModelMetadata": _object(
        {
            "name": _STRING,
            "versions": _list_of(_STRING, description="The versions that can be asked."),
            "platform": _STRING,
            "inputs": _TENSOR_METADATA,
            "outputs": _TENSOR_METADATA,
            "properties": {"type": "object", "additionalProperties": _STRING},
        }
    ),
    "ServerHealth": _object({"live": _BOOLEAN}, ready=_BOOLEAN),
    "ServerMetadata": _object(
        {"name": _STRING, "version": _STRING, "extensions": _list_of(_STRING)}
    ),
}
"""The schemas, by name."""

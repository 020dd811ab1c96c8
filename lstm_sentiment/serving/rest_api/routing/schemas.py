"""The JSON Schemas of the bodies that the REST API takes and answers, by name.

JSON Schema 2020-12, as OpenAPI 3.1 has it. What a model takes is not in here, since the description
is the same for all models: `GET .../metadata` shows it.
"""

from lstm_sentiment.serving.rest_api.routing.json_schema import (
    INTEGER,
    NUMBER,
    NUMBERS,
    STRING,
    Schema,
    list_of,
    map_of,
    object_of,
    ref,
)
from lstm_sentiment.serving.rest_api.routing.open_inference_schemas import OPEN_INFERENCE_SCHEMAS

_INT64 = {"type": "string", "pattern": "^-?[0-9]+$", "description": "A 64-bit integer."}
_SIGNATURE = {
    "signature_name": {
        "type": "string",
        "description": "The signature to run; without it, `serving_default`.",
    }
}


def _examples_request(signature: str, feature: str) -> Schema:
    examples = list_of(ref("Example"), minItems=1, description="The examples.")
    context = {
        "context": {**ref("Example"), "description": "Features that all examples share."},
    }
    example = {"signature_name": signature, "examples": [{feature: "房间很干净"}]}
    return object_of({"examples": examples}, {**_SIGNATURE, **context}, examples=[example])


def _examples_response(result: Schema, description: str) -> Schema:
    return object_of({"results": list_of(result, description=description)})


_VERSION_STATUS = object_of(
    {
        "version": _INT64,
        "state": {"enum": ["UNKNOWN", "START", "LOADING", "AVAILABLE", "UNLOADING", "END"]},
        "status": object_of(
            {
                "error_code": {
                    "type": "string",
                    "description": "`OK`, or the error of the failed load.",
                },
                "error_message": STRING,
            }
        ),
    }
)
_TENSORS = map_of(
    object_of(
        {"dtype": STRING, "tensor_shape": {"type": "object"}, "name": STRING},
    )
)
_CLASS = {
    **list_of({"anyOf": [STRING, NUMBER]}, minItems=2, maxItems=2),
    "description": "The label and the score of a class.",
}
_LATENCY = {"type": ["number", "null"]}

SCHEMAS: dict[str, Schema] = {
    "Error": object_of({"error": {"type": "string", "description": "The error message."}}),
    "Value": {
        "description": "A value, or a nested list of values: a tensor is its elements in lists, "
        'bytes are `{"b64": "..."}`. ' + NUMBERS,
        "anyOf": [
            STRING,
            NUMBER,
            {"type": "boolean"},
            ref("Bytes"),
            list_of(ref("Value")),
        ],
    },
    "Bytes": object_of(
        {"b64": {"type": "string", "description": "The bytes as base64."}},
        additionalProperties=False,
    ),
    "NamedValues": map_of(ref("Value"), description="A value for each name."),
    "PredictRequest": {
        "type": "object",
        "properties": {
            **_SIGNATURE,
            "instances": list_of(
                {"anyOf": [ref("Value"), ref("NamedValues")]},
                minItems=1,
                description="Inputs by row: for each row a value, or a value for each input.",
            ),
            "inputs": {
                "anyOf": [ref("Value"), ref("NamedValues")],
                "description": "Inputs by column: one tensor, or a tensor for each input.",
            },
        },
        "oneOf": [{"required": ["instances"]}, {"required": ["inputs"]}],
        "examples": [
            {"signature_name": "text", "instances": ["房间很干净", "早餐太差"]},
            {"signature_name": "text", "inputs": {"text": ["房间很干净"]}},
        ],
    },
    "PredictResponse": {
        "type": "object",
        "properties": {
            "predictions": list_of(
                {"anyOf": [ref("Value"), ref("NamedValues")]},
                description="For `instances`: for each row the output, or all outputs by name.",
            ),
            "outputs": {
                "anyOf": [ref("Value"), ref("NamedValues")],
                "description": "For `inputs`: the output, or all outputs by name.",
            },
        },
        "oneOf": [{"required": ["predictions"]}, {"required": ["outputs"]}],
    },
    "Example": map_of(
        {"anyOf": [ref("Feature"), list_of(ref("Feature"))]},
        description="A value, or a list of values of one kind, for each feature.",
    ),
    "Feature": {
        "description": "Text or bytes, a float (a number with a point or an exponent), or an "
        "integer of 64 bits.",
        "anyOf": [STRING, NUMBER, {"type": "boolean"}, ref("Bytes")],
    },
    "ClassifyRequest": _examples_request("classify", "text"),
    "ClassifyResponse": _examples_response(
        list_of(_CLASS),
        "For each example, each class with its score.",
    ),
    "RegressRequest": _examples_request("regress", "text"),
    "RegressResponse": _examples_response(NUMBER, "A number for each example."),
    "ModelStatus": object_of(
        {"model_version_status": list_of(_VERSION_STATUS, description="The highest version first.")}
    ),
    "Models": object_of(
        {
            "models": list_of(
                object_of(
                    {
                        "name": STRING,
                        "model_version_status": list_of(_VERSION_STATUS),
                        "version_labels": map_of(_INT64),
                    }
                )
            )
        }
    ),
    "ModelMetadata": object_of(
        {
            "model_spec": object_of({"name": STRING, "version": _INT64}),
            "metadata": object_of(
                {
                    "signature_def": object_of(
                        {
                            "signature_def": map_of(
                                object_of(
                                    {
                                        "inputs": _TENSORS,
                                        "outputs": _TENSORS,
                                        "method_name": STRING,
                                    }
                                )
                            )
                        }
                    )
                }
            ),
        }
    ),
    "State": object_of(
        {
            "started": {"type": "string", "format": "date-time"},
            "uptime_seconds": NUMBER,
            "server": STRING,
            "models": list_of(
                object_of(
                    {
                        "name": STRING,
                        "labels": map_of(INTEGER),
                        "versions": list_of(
                            object_of(
                                {
                                    "version": INTEGER,
                                    "state": STRING,
                                    "engine": {"type": ["string", "null"]},
                                    "error": STRING,
                                    "state_seconds": NUMBER,
                                    "requests": INTEGER,
                                    "errors": INTEGER,
                                    "latency_ms": object_of(
                                        {"mean": _LATENCY, "p50": _LATENCY, "p99": _LATENCY}
                                    ),
                                },
                                {"drift": {"type": ["object", "null"]}},
                            )
                        ),
                        "errors_without_version": INTEGER,
                    }
                )
            ),
            "shadow": list_of({"type": "object"}),
            "request_log": list_of({"type": "object"}),
        },
        {"workers": {"type": "object"}},
    ),
    "About": object_of(
        {
            "model": STRING,
            "version": INTEGER,
            "labels": {"type": ["array", "null"], "items": STRING},
            "label_names": map_of(map_of(STRING), description="By label and language."),
            "trained": {"type": ["string", "null"], "format": "date-time"},
            "texts": map_of(INTEGER, description="Number of texts by part, such as `train`."),
            "scores": map_of(NUMBER, description="Scores of the test set, such as `accuracy`."),
            "max_length": {"type": ["integer", "null"], "description": "Tokens that it reads."},
            "examples": list_of(object_of({"text": STRING, "label": STRING})),
        }
    ),
    "OpenApi": {"type": "object", "description": "An OpenAPI 3.1 document."},
    "Text": STRING,
    **OPEN_INFERENCE_SCHEMAS,
}
"""All schemas, by name."""

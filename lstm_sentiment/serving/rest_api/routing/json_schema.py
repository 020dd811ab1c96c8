"""Makes JSON Schemas (2020-12, as OpenAPI 3.1 has it) of their parts."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

STRING: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
INTEGER: Schema = {"type": "integer"}
NUMBERS = (
    "NaN, Infinity and -Infinity count as numbers, here and in answers, although JSON lacks them: "
    "write them without quotes."
)
"""Description of numbers beyond JSON."""


def ref(name: str) -> Schema:
    """Returns a reference to a schema of the description."""
    return {"$ref": f"#/components/schemas/{name}"}


def object_of(required: Schema, optional: Schema | None = None, **more: Any) -> Schema:
    """Makes the schema of an object.

    Args:
        required: The schema of each property that it must have.
        optional: The schema of each property that it may have.
        **more: Other keywords.
    """
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": [*required], **more}


def map_of(values: Schema, **more: Any) -> Schema:
    """Makes the schema of an object with any names, and values of one schema."""
    return {"type": "object", "additionalProperties": values, **more}


def list_of(items: Schema, **more: Any) -> Schema:
    """Makes the schema of a list whose items have one schema."""
    return {"type": "array", "items": items, **more}

"""Predict requests and answers in the JSON of TensorFlow Serving's REST API.

After `tensorflow_serving/util/json_tensor.cc`, messages included.
"""

import enum
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lstm_sentiment.errors import InvalidInputError, LstmSentimentError
from lstm_sentiment.protocol.dtypes import DType
from lstm_sentiment.serving.canonical_code import canonical_code
from lstm_sentiment.serving.errors import NotImplementedInServingError
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.rest_api.json_document import (
    parse_document,
    refuse_format,
    signature_key_of,
)
from lstm_sentiment.serving.rest_api.json_text.json_object import members_of
from lstm_sentiment.serving.rest_api.json_text.quotation import quoted
from lstm_sentiment.serving.rest_api.json_value import (
    array_of_values,
    is_base64,
    json_values,
    value_reader,
)
from lstm_sentiment.serving.servable import Array, Signature

# NumPy's own limit.
_MAX_RANK = 64

_NO_LIMITS = RequestLimits()

_encode = json.JSONEncoder(ensure_ascii=False).encode


class RequestFormat(enum.Enum):
    """Format of a request's inputs, and of its answer's outputs."""

    ROW = "instances"
    COLUMNAR = "inputs"


@dataclass(frozen=True)
class JsonPredictRequest:
    """The body of a predict request, before its tensors are read.

    Attributes:
        document: The JSON object.
        signature_key: The `signature_name`; empty for the default.
    """

    document: Mapping[str, Any]
    signature_key: str

    @property
    def format(self) -> RequestFormat:
        """Row format if the document has `instances`, else columnar."""
        return RequestFormat.ROW if "instances" in self.document else RequestFormat.COLUMNAR

    def inputs(self, signature: Signature, limits: RequestLimits = _NO_LIMITS) -> dict[str, Array]:
        """Reads the tensors, of which more than the limits allow are refused unread.

        Args:
            signature: The signature to run.
            limits: How large a request may be.

        Returns:
            An array for each input, by name; strings are bytes in an array of objects.

        Raises:
            InvalidInputError: If a value does not fit the signature, or there are too many.
            NotImplementedInServingError: If a column has values of a dtype without JSON form.
        """
        if not signature.inputs:
            raise InvalidInputError(f"Failed to get input map for signature: {signature.key}")
        if "instances" in self.document and "inputs" in self.document:
            refuse_format(
                self.document,
                "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to "
                "exist ",
            )
        if "instances" in self.document:
            instances = self._instances()
            limits.check_shape(signature, next(iter(signature.inputs)), (len(instances),))
            return _inputs_from_rows(instances, signature)
        if "inputs" in self.document:
            return _inputs_from_columns(self.document["inputs"], signature, limits)
        raise InvalidInputError("Missing 'inputs' or 'instances' key")

    def _instances(self) -> list[Any]:
        instances = self.document["instances"]
        if not isinstance(instances, list):
            refuse_format(self.document, "Expecting 'instances' to be an list/array")
        if not instances:
            refuse_format(self.document, "No values in 'instances' array")
        return instances


def parse_predict_request(body: bytes) -> JsonPredictRequest:
    """Parses the body of a predict request.

    Args:
        body: JSON, as `parse_document` reads it.

    Raises:
        InvalidInputError: If the body is not an object, or its `signature_name` not a string.
    """
    document = parse_document(body)
    return JsonPredictRequest(document, signature_key_of(document))


def outputs_to_json(outputs: Mapping[str, Array], request_format: RequestFormat) -> str:
    """Writes an answer in the format of its request.

    Strings are text, with invalid UTF-8 replaced; outputs named `*_bytes` are base64. The name of a
    single output is left out.

    Args:
        outputs: An array for each output, by name; strings are bytes in an array of objects.
        request_format: The format of the request.

    Returns:
        `{"predictions": [...]}` for rows, `{"outputs": ...}` for columns.

    Raises:
        InvalidInputError: If the outputs have no common batch size, or a dtype without JSON form.
    """
    columns = {name: json_values(name, array) for name, array in sorted(outputs.items())}
    if request_format is RequestFormat.COLUMNAR:
        only = next(iter(columns.values())) if len(columns) == 1 else columns
        return _encode({"outputs": only})
    _check_batch_size(outputs)
    if len(columns) == 1:
        rows = next(iter(columns.values()))
    else:
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return _encode({"predictions": rows})


def _inputs_from_rows(instances: list[Any], signature: Signature) -> dict[str, Array]:
    if not isinstance(instances[0], dict) and len(signature.inputs) > 1:
        raise InvalidInputError(
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map"
        )
    has_names = _is_named(instances[0])
    rows = _Rows(signature)
    for index, instance in enumerate(instances):
        if _is_named(instance) is not has_names:
            expected, found = ("object", "list") if has_names else ("value/list", "object")
            raise InvalidInputError(
                f"Expecting {expected} but got {found} at item {index} of input list"
            )
        if has_names:
            rows.add_named(index, instance)
        else:
            rows.add(index, instance)
    return rows.arrays(len(instances))


class _Rows:
    """Collects instances of one shape into a batch."""

    def __init__(self, signature: Signature) -> None:
        self._inputs, self._defaults = signature.inputs, signature.defaults
        self._named: set[str] | None = None
        self._readers = {name: value_reader(info.dtype) for name, info in self._inputs.items()}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._values: dict[str, list[Any]] = {name: [] for name in signature.inputs}

    def add(self, index: int, value: Any) -> None:
        try:
            self._add_item(next(iter(self._inputs)), value)
        except (InvalidInputError, NotImplementedInServingError) as error:
            raise _processing_error(index, "", error) from error

    def add_named(self, index: int, instance: dict[str, Any]) -> None:
        names = set()
        for whole_name, item in members_of(instance):
            # To C++ a name ends at a NUL.
            name = whole_name.partition("\0")[0]
            names.add(name)
            try:
                self._add_item(name, item)
            except (InvalidInputError, NotImplementedInServingError) as error:
                raise _processing_error(index, f"key: {name} ", error) from error
        # All instances leave out the same inputs, if any.
        if self._named is None:
            self._named = names | (self._inputs.keys() - self._defaults.keys())
        if names != self._named:
            raise InvalidInputError(
                f"Failed to process element: {index} of 'instances' list. JSON object: "
                f"{quoted(instance)} keys must be equal to: {','.join(sorted(self._inputs))}"
            )

    def _add_item(self, name: str, item: Any) -> None:
        if name not in self._inputs:
            raise InvalidInputError(f"JSON object: does not have named input: {name}")
        shape = _dense_shape(item)
        if shape:
            self._values[name].extend(_flat_values(item, shape, self._readers[name]))
        else:
            self._values[name].append(self._readers[name](item))
        expected = self._shapes.setdefault(name, shape)
        if expected != shape:
            if math.prod(expected) != math.prod(shape):
                raise InvalidInputError(
                    f"Expecting tensor size: {math.prod(expected)} but got: {math.prod(shape)}"
                )
            raise InvalidInputError(
                f"Expecting shape {_bracketed(expected)} but got: {_bracketed(shape)}"
            )

    def arrays(self, batch_size: int) -> dict[str, Array]:
        return {
            name: _array(self._values[name], (batch_size, *self._shapes[name]), info.dtype)
            for name, info in self._inputs.items()
            if name in self._shapes
        }


def _processing_error(index: int, key: str, error: LstmSentimentError) -> InvalidInputError:
    return InvalidInputError(
        f"Failed to process element: {index} {key}of 'instances' list. "
        f"Error: {canonical_code(error).name}: {error}"
    )


def _inputs_from_columns(
    columns: Any, signature: Signature, limits: RequestLimits
) -> dict[str, Array]:
    if not _is_named(columns):
        if len(signature.inputs) > 1:
            raise InvalidInputError(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        columns = {next(iter(signature.inputs)): columns}
    arrays = {}
    for name, info in signature.inputs.items():
        if name not in columns:
            if name in signature.defaults:
                continue
            raise InvalidInputError(f"Missing named input: {name} in 'inputs' object.")
        shape = _dense_shape(columns[name])
        limits.check_shape(signature, name, shape)
        values = list(_flat_values(columns[name], shape, value_reader(info.dtype)))
        arrays[name] = _array(values, shape, info.dtype)
    return arrays


def _array(values: list[Any], shape: tuple[int, ...], dtype: DType) -> Array:
    # There are more where an instance names an input twice; the first count.
    return array_of_values(values[: math.prod(shape)], dtype).reshape(shape)


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not is_base64(value)


def _dense_shape(value: Any) -> tuple[int, ...]:
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    if len(shape) > _MAX_RANK:
        raise InvalidInputError(
            f"Lists must be nested at most {_MAX_RANK} deep. Received: {len(shape)}."
        )
    return tuple(shape)


def _flat_values(
    value: Any, shape: tuple[int, ...], read: Callable[[Any], Any], level: int = 0
) -> Iterator[Any]:
    if not isinstance(value, list):
        if level != len(shape):
            raise InvalidInputError(
                f"JSON Value: {quoted(value)} found at incorrect level: {level + 1} in the JSON "
                f"DOM. Expected at level: {len(shape)}"
            )
        yield read(value)
        return
    if level >= len(shape):
        raise InvalidInputError(
            f"Encountered list at unexpected level: {level} expected < {len(shape)}"
        )
    if len(value) != shape[level]:
        raise InvalidInputError(
            f"Encountered list at unexpected size: {len(value)} at level: {level} "
            f"expected size: {shape[level]}"
        )
    for item in value:
        yield from _flat_values(item, shape, read, level + 1)


def _check_batch_size(outputs: Mapping[str, Array]) -> None:
    batch_size = None
    for name, array in sorted(outputs.items()):
        if not array.ndim:
            raise InvalidInputError(f"Tensor name: {name} has no shape information ")
        size = len(array)
        if batch_size is not None and size != batch_size:
            raise InvalidInputError(
                f"Tensor name: {name} has inconsistent batch size: {size} expecting: {batch_size}"
            )
        batch_size = size


def _bracketed(shape: tuple[int, ...]) -> str:
    return "[" + ",".join(str(size) for size in shape) + "]"

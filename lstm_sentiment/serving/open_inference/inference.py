"""An inference request, whatever transport it came by, and what answers it."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.protocol.dtypes import DType
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.checked_inputs import check_dtype, check_names
from lstm_sentiment.serving.errors import UnknownLabelError
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.inference.messages import predict_messages
from lstm_sentiment.serving.inference.results import ModelSpec, PredictResult
from lstm_sentiment.serving.monitoring.request_notes import RequestNotes
from lstm_sentiment.serving.open_inference.signature_choice import choosing
from lstm_sentiment.serving.servable import Array, Signature
from lstm_sentiment.version_folder import parse_version

MODEL_INFER = "ModelInfer"
"""Name of the method in metrics and logs."""

# Parameters of Triton's extensions without which an answer would not be what was asked for.
_REFUSED_PARAMETERS = ("classification", "shared_memory_region")


@dataclass(frozen=True, slots=True)
class UnreadInput:
    """An input whose values are not read yet.

    Attributes:
        dtype: The dtype that it claims.
        shape: The shape that it claims.
        read: Returns the array; strings are bytes in an array of objects. Raises
            `InvalidInputError` if the values do not fit.
    """

    dtype: DType
    shape: tuple[int, ...]
    read: Callable[[], Array]


@dataclass(frozen=True, slots=True)
class InferRequest:
    """An inference request.

    Attributes:
        request_id: The `id`, which is returned with the answer; empty for none.
        signature_key: The signature that it names; empty for none.
        inputs: Each input, by name.
        outputs: Names of the outputs to return, in this order; empty for all.
    """

    request_id: str
    signature_key: str
    inputs: Mapping[str, UnreadInput]
    outputs: Sequence[str]


def check_parameters(parameters: Container[str], tensor: str) -> None:
    """Checks the parameters of an input or output; unknown ones are ignored.

    Args:
        parameters: The names of the parameters.
        tensor: The tensor's name, for the error message.

    Raises:
        InvalidInputError: If one requests classes instead of a tensor, or for shared memory.
    """
    for name in _REFUSED_PARAMETERS:
        if name in parameters:
            raise InvalidInputError(
                f"tensors must be in the request and in the answer as they are. Received: the "
                f"parameter `{name}` of `{tensor[:100]}`, which is not supported."
            )


def model_spec_of(name: str, version: str, notes: RequestNotes) -> ModelSpec:
    """Returns the model and version that a request names, and notes them.

    Args:
        name: The model.
        version: A version number, which is of digits alone; or else a label; empty for neither.
        notes: The notes of the request.

    Raises:
        InvalidInputError: If the number is beyond 64 bits.
    """
    notes.model_name = name
    if not version:
        return ModelSpec(name)
    if version.isascii() and version.isdigit():
        number = parse_version(version)
        if number is None:
            raise InvalidInputError(
                f"a version must be a number of at most 63 bits. Received: {version[:100]}."
            )
        return ModelSpec(name, version=number)
    notes.label = version
    return ModelSpec(name, label=version)


async def infer(
    data_plane: DataPlane,
    model_spec: ModelSpec,
    request: InferRequest,
    notes: RequestNotes,
    caller: Caller,
    *,
    is_large: bool = False,
) -> PredictResult:
    """Runs the signature that fits a request.

    Args:
        data_plane: The data plane.
        model_spec: The model and version.
        request: The request.
        notes: Its notes.
        caller: The caller who waits for the answer.
        is_large: Whether reading the inputs takes so long that a thread must read them.

    Raises:
        InvalidInputError: If the request does not fit the model, or is too large.
        ServableNotFoundError: If no such version is available.
        LstmSentimentError: If the model does not answer, see `Servable.run`.
    """
    notes.signature_key = request.signature_key
    dtypes = {name: unread.dtype for name, unread in request.inputs.items()}
    try:
        result = await data_plane.predict(
            model_spec,
            request.signature_key,
            partial(_read_inputs, request.inputs, data_plane.limits),
            request.outputs,
            caller=caller,
            is_large=is_large,
            choose_signature=choosing(request.signature_key, dtypes),
            api=MODEL_INFER,
        )
    except UnknownLabelError as error:
        raise ServableNotFoundError(str(error)) from error
    notes.answered_by(result, result.texts)
    # The request log knows TensorFlow Serving's messages alone.
    notes.messages = partial(predict_messages, model_spec, result.signature_key, result)
    return result


def _read_inputs(
    inputs: Mapping[str, UnreadInput], limits: RequestLimits, signature: Signature
) -> dict[str, Array]:
    """Reads inputs once all that they claim is known to fit."""
    check_names(signature, inputs)
    for name, unread in inputs.items():
        check_dtype(name, unread.dtype, signature.inputs[name])
        limits.check_shape(signature, name, unread.shape)
    return {name: unread.read() for name, unread in inputs.items()}


def output_names(request: InferRequest, result: PredictResult) -> Sequence[str]:
    """Returns the names of the outputs in the order of the answer: as asked, else sorted."""
    return request.outputs or sorted(result.outputs)

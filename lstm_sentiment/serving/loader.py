"""One version folder in, a servable that answers out.

After `tensorflow_serving/servables/tensorflow/saved_model_bundle_factory.h` and
`saved_model_warmup.cc`.
"""

import gc
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the SentencePiece ops that a SavedModel may hold
from tensorflow_serving.apis import classification_pb2, predict_pb2, prediction_log_pb2

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.classification import classify, serialized_examples
from lstm_sentiment.serving.servable import (
    DEFAULT_SIGNATURE_KEY,
    Servable,
    ServableId,
    ServableLoadError,
    ServableRunError,
    Signature,
    SignatureNotFoundError,
    TensorInfo,
)
from lstm_sentiment.serving.tensor_proto import tensor_from_proto
from lstm_sentiment.serving.xla import with_xla

WARMUP_REQUESTS = Path("assets.extra") / "tf_serving_warmup_requests"
MAX_WARMUP_REQUESTS = 1000

# What a graph raises when the values sent to it are at fault, as opposed to itself.
_ERRORS_OF_THE_INPUT = (tf.errors.InvalidArgumentError, tf.errors.OutOfRangeError)

_BOILERPLATE = re.compile(
    r"Graph execution error:|Detected at node|<stack traces unavailable>|\d+ root error|\s*$"
    r"|\s+(?![\s(])|\[\[|\[Op:"
)
_PREFIX = re.compile(r"(\s*\(\d+\) [A-Z_]+:\s+)?(\{\{.*?\}\} )?")


class SavedModelServable:
    """A SavedModel in memory, asked through its signatures."""

    def __init__(self, saved_model: Any) -> None:
        """Takes what `tf.saved_model.load` gave.

        Args:
            saved_model: The loaded object; held here so that its variables live as long.
        """
        self._saved_model = saved_model
        self._functions: dict[str, Any] = dict(saved_model.signatures)
        self._signatures = {
            key: _signature_of(key, function) for key, function in self._functions.items()
        }

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """Its signatures, by key."""
        return self._signatures

    def run(self, signature_key: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Answers one request, see `Servable.run`.

        Args:
            signature_key: One of `signatures`.
            inputs: One `np.ndarray` or `tf.Tensor` for each input of the signature, by name.

        Returns:
            One `tf.Tensor` for each output of the signature, by name.

        Raises:
            SignatureNotFoundError: If there is no such signature.
            InvalidInputError: If names, dtypes or shapes do not fit the signature, or the graph
                refuses the values.
            ServableRunError: If the graph itself failed.
        """
        signature = self._signatures.get(signature_key)
        if signature is None:
            raise SignatureNotFoundError(signature_key)
        _check_input_names(signature, inputs)
        tensors = {
            name: _tensor_for(info, inputs[name], name) for name, info in signature.inputs.items()
        }
        try:
            outputs: dict[str, Any] = self._functions[signature_key](**tensors)
        except _ERRORS_OF_THE_INPUT as error:
            raise InvalidInputError(one_line(error)) from error
        except tf.errors.OpError as error:
            raise ServableRunError(one_line(error)) from error
        return outputs


class SavedModelLoader:
    """Loads one SavedModel folder and warms it up."""

    def __init__(
        self, servable_id: ServableId, path: Path, *, xla: bool = False, warmup: bool = True
    ) -> None:
        """Prepares to load; reads nothing yet.

        Args:
            servable_id: Which version this is, for messages.
            path: The version's folder, the one that holds `saved_model.pb`.
            xla: Whether to compile what is worth it: see `with_xla`.
            warmup: Whether to send it its own warmup requests.
        """
        self._id = servable_id
        self._path = path
        self._xla, self._warmup = xla, warmup
        self._servable: SavedModelServable | None = None

    def load(self) -> SavedModelServable:
        """Loads the SavedModel and, if wanted, sends it its own warmup requests.

        Returns:
            The servable, ready to answer.

        Raises:
            ServableLoadError: One line, if the folder cannot be read as a SavedModel or a warmup
                request fails.
        """
        folder = self._path
        try:
            with with_xla(self._path) if self._xla else nullcontext(self._path) as folder:
                servable = SavedModelServable(tf.saved_model.load(str(folder), tags="serve"))
            if self._warmup:
                run_warmup_requests(servable, self._path / WARMUP_REQUESTS)
        except Exception as error:
            # A damaged SavedModel makes TensorFlow raise nearly anything: OSError, KeyError,
            # ValueError, AttributeError, errors of its runtime.
            raise ServableLoadError(
                f"version {self._id.version} of model {self._id.name} could not be loaded: "
                f"{self._without_base_path(one_line(error), folder)}"
            ) from error
        self._servable = servable
        return servable

    def unload(self) -> None:
        """Drops the servable and frees its memory."""
        self._servable = None
        # Reference cycles inside a loaded SavedModel would keep its weights for long.
        gc.collect()

    def _without_base_path(self, message: str, folder: Path) -> str:
        # The message reaches clients, whom the server's folders do not concern.
        for path in (folder, self._path):
            message = message.replace(f"{path}/", "").replace(str(path), self._path.name)
        return message


def run_warmup_requests(servable: Servable, path: Path) -> int:
    """Sends a servable the requests recorded for it, so that the first user does not wait.

    Predict and Classify requests are sent, each as a client's would be; other kinds of records
    are passed over.

    Args:
        servable: Who answers them.
        path: TFRecord file of `PredictionLog`; need not exist.

    Returns:
        How many requests were sent.

    Raises:
        InvalidInputError: If a request fails or there are more than `MAX_WARMUP_REQUESTS`.
        tf.errors.DataLossError: If the file is damaged.
    """
    if not path.is_file():
        return 0
    count = 0
    for log in _prediction_logs(path):
        kind = log.WhichOneof("log_type")
        if kind not in _SENDERS:
            continue
        count += 1
        if count > MAX_WARMUP_REQUESTS:
            raise InvalidInputError(
                f"{path.name} must hold at most {MAX_WARMUP_REQUESTS} requests. Received: more."
            )
        _SENDERS[kind](servable, getattr(log, kind).request)
    return count


def one_line(error: BaseException) -> str:
    """Says in one line what a failure of TensorFlow was about.

    Its runtime wraps the reason in tracebacks of the Python that once built the graph.

    Args:
        error: Any exception.

    Returns:
        The first line that holds a reason; the exception's class where none does.
    """
    for line in str(error).splitlines():
        if not _BOILERPLATE.match(line):
            reason = _PREFIX.sub("", line, count=1)
            return re.sub(r" ?\[Op:\w+\].*$", "", reason).strip()
    return type(error).__name__


def _prediction_logs(path: Path) -> Iterator[prediction_log_pb2.PredictionLog]:
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        yield prediction_log_pb2.PredictionLog.FromString(record)


def _send_predict(servable: Servable, request: predict_pb2.PredictRequest) -> None:
    inputs = {name: tensor_from_proto(proto, name) for name, proto in request.inputs.items()}
    servable.run(request.model_spec.signature_name or DEFAULT_SIGNATURE_KEY, inputs)


def _send_classify(servable: Servable, request: classification_pb2.ClassificationRequest) -> None:
    key = request.model_spec.signature_name or DEFAULT_SIGNATURE_KEY
    classify(servable, key, serialized_examples(request.input))


_SENDERS: dict[str, Callable[[Servable, Any], None]] = {
    "predict_log": _send_predict,
    "classify_log": _send_classify,
}


def _signature_of(key: str, function: Any) -> Signature:
    _, inputs = function.structured_input_signature
    return Signature(key, _infos(inputs), _infos(function.structured_outputs))


def _infos(specs: Mapping[str, Any]) -> dict[str, TensorInfo]:
    return {name: TensorInfo(spec.dtype, spec.shape) for name, spec in sorted(specs.items())}


def _check_input_names(signature: Signature, inputs: Mapping[str, Any]) -> None:
    sent, required = set(inputs), set(signature.inputs)
    if sent != required:
        raise InvalidInputError(
            f"input size does not match signature: {len(sent)}!={len(required)}"
            f" len({_braced(sent)}) != len({_braced(required)})."
            f" Sent extra: {_braced(sent - required)}."
            f" Missing but required: {_braced(required - sent)}."
        )


def _braced(names: set[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"


def _tensor_for(info: TensorInfo, value: Any, name: str) -> Any:
    dtype = value.dtype if isinstance(value, tf.Tensor) else _dtype_of(value)
    if dtype != info.dtype:
        raise InvalidInputError(
            f"`{name}` must have dtype {info.dtype.name}. Received: dtype {dtype.name}."
        )
    if not info.shape.is_compatible_with(value.shape):
        raise InvalidInputError(
            f"`{name}` must have shape {info.shape}. Received: shape {tuple(value.shape)}."
        )
    try:
        return tf.convert_to_tensor(value, dtype=info.dtype)
    except (TypeError, ValueError, tf.errors.OpError) as error:
        raise InvalidInputError(
            f"`{name}` could not be read as {dtype.name}: {one_line(error)}"
        ) from error


def _dtype_of(array: np.ndarray[Any, Any]) -> Any:
    return tf.string if array.dtype.kind in "OSU" else tf.as_dtype(array.dtype)

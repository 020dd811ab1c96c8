"""A SavedModel in memory, run as TensorFlow Serving's C++ server runs it: in a Session of its own.

After `tensorflow/cc/saved_model/loader.cc` and
`tensorflow_serving/servables/tensorflow/predict_util.cc`. What cannot be loaded there cannot be
loaded here: `tf.saved_model.load` is more lenient. Closing the session frees all that the version
held, tokenizers and tables included; functions of `tf.saved_model.load` would stay for good.
"""

import inspect
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the SentencePiece ops that a SavedModel may hold
from tensorflow.core.protobuf import config_pb2

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.caller import ANYBODY, Caller
from lstm_sentiment.serving.checked_inputs import (
    checked_inputs,
)
from lstm_sentiment.serving.errors import ServableRunError, SignatureNotFoundError
from lstm_sentiment.serving.servable import Array, Signature, TensorInfo

_TAG = "serve"

# Without its advice to use the newer loader, which takes what the C++ server does not.
_load = inspect.unwrap(tf.compat.v1.saved_model.load)

# What a graph raises when the values sent to it are at fault, as opposed to itself.
_ERRORS_OF_THE_INPUT = (tf.errors.InvalidArgumentError, tf.errors.OutOfRangeError)

_BOILERPLATE = re.compile(
    r"Graph execution error:|Detected at node|<stack traces unavailable>|\d+ root error|\s*$"
    r"|\s+(?![\s(])|\[\[|\[Op:"
)
_PREFIX = re.compile(r"(\s*\(\d+\) [A-Z_]+:\s+)?(\{\{.*?\}\}\s*)*")


class SavedModelServable:
    """A SavedModel in memory, asked through its signatures. Safe to share among threads.

    Attributes:
        signatures: The signatures, by key.
    """

    def __init__(self, session: Any, signature_defs: Mapping[str, Any]) -> None:
        """Made by `load_saved_model`.

        Args:
            session: A `tf.compat.v1.Session` that holds the graph and its variables.
            signature_defs: The `SignatureDef` of each signature, by key.
        """
        self._session = session
        self._signature_defs = dict(signature_defs)
        self.signatures = {
            key: _signature_of(key, definition)
            for key, definition in self._signature_defs.items()
            if _is_dense(definition)
        }
        self._lock = threading.Lock()
        self._callables: dict[str, Callable[..., Sequence[Any]]] = {}

    @property
    def signature_defs(self) -> Mapping[str, Any]:
        """Its signatures as the SavedModel has them, by key."""
        return self._signature_defs

    def run(
        self, signature_key: str, inputs: Mapping[str, Array], *, caller: Caller = ANYBODY
    ) -> dict[str, Array]:
        """Answers one request, see `Servable.run`; once begun, it is not broken off.

        Args:
            signature_key: One of `signatures`.
            inputs: An array for each input of the signature, by name.
            caller: Who waits for the answer; not looked at.

        Returns:
            An array for each output of the signature, by name.

        Raises:
            SignatureNotFoundError: If there is no such signature.
            InvalidInputError: If names, dtypes or shapes do not fit the signature, or the graph
                refuses the values.
            ServableRunError: If the graph itself failed.
        """
        signature = self.signatures.get(signature_key)
        if signature is None:
            raise SignatureNotFoundError(signature_key)
        checked = checked_inputs(signature, inputs)
        try:
            call = self._callables.get(signature_key) or self._make_callable(signature)
            values = call(*checked.values())
        except _ERRORS_OF_THE_INPUT as error:
            raise InvalidInputError(one_line(error)) from error
        except tf.errors.OpError as error:
            raise ServableRunError(one_line(error)) from error
        # A session gives a single string as bytes, of which NumPy would drop zeros.
        return {
            name: np.array(value, dtype=object) if isinstance(value, bytes) else np.asarray(value)
            for name, value in zip(signature.outputs, values, strict=True)
        }

    def close(self) -> None:
        """Frees the session; nothing may be asked any more."""
        self._callables.clear()
        self._session.close()

    def _make_callable(self, signature: Signature) -> Callable[..., Sequence[Any]]:
        # What `Session.run` does anew for each call, finding its part of the graph, is done once.
        with self._lock:
            if signature.key not in self._callables:
                definition = self._signature_defs[signature.key]
                self._callables[signature.key] = self._session._make_callable_from_options(
                    config_pb2.CallableOptions(
                        feed=[definition.inputs[name].name for name in signature.inputs],
                        fetch=[definition.outputs[name].name for name in signature.outputs],
                    )
                )
            return self._callables[signature.key]


def load_saved_model(folder: Path) -> SavedModelServable:
    """Loads a SavedModel.

    Args:
        folder: The one that holds `saved_model.pb`.

    Returns:
        The servable.

    Raises:
        Exception: Nearly any, if the SavedModel is damaged.
    """
    graph = tf.Graph()
    config = tf.compat.v1.ConfigProto()
    # For each signature it takes as long as loading does, and graphs that are written to be served
    # answer no sooner for it.
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    session = tf.compat.v1.Session(graph=graph, config=config)
    try:
        with graph.as_default():
            meta_graph = _load(session, [_TAG], str(folder))
    except BaseException:
        session.close()
        raise
    return SavedModelServable(session, meta_graph.signature_def)


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


def _is_dense(definition: Any) -> bool:
    infos = (*definition.inputs.values(), *definition.outputs.values())
    # What initializes a graph is listed among the signatures, without a tensor of a known type.
    return all(info.WhichOneof("encoding") == "name" and info.dtype for info in infos)


def _signature_of(key: str, definition: Any) -> Signature:
    return Signature(key, _infos(definition.inputs), _infos(definition.outputs))


def _infos(infos: Mapping[str, Any]) -> dict[str, TensorInfo]:
    return {
        name: TensorInfo(tf.as_dtype(info.dtype), tf.TensorShape(info.tensor_shape))
        for name, info in sorted(infos.items())
    }

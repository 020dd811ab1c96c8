"""A loaded SavedModel, run as TensorFlow Serving's C++ server runs it: in a session of its own.

After `tensorflow/cc/saved_model/loader.cc` and
`tensorflow_serving/servables/tensorflow/predict_util.cc`. A SavedModel that does not load there
does not load here: `tf.saved_model.load` is more lenient. Closing the session frees everything that
the version held, tokenizers and tables included; functions of `tf.saved_model.load` would stay for
good.
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
from lstm_sentiment.protocol.signature_pb2 import SignatureDef
from lstm_sentiment.serving.caller import ANYBODY, Caller
from lstm_sentiment.serving.checked_inputs import checked_inputs
from lstm_sentiment.serving.errors import ServableRunError, SignatureNotFoundError
from lstm_sentiment.serving.saved_model.threads import TensorFlowThreads
from lstm_sentiment.serving.servable import Array, Signature, read_signatures
from lstm_sentiment.serving.thread_priority import at_normal_priority

_TAG = "serve"

# Without the warning that recommends the newer loader, which is more lenient.
_load = inspect.unwrap(tf.compat.v1.saved_model.load)

# Raised by a graph for bad input values, as opposed to a fault of its own.
_ERRORS_OF_THE_INPUT = (tf.errors.InvalidArgumentError, tf.errors.OutOfRangeError)

_BOILERPLATE = re.compile(
    r"Graph execution error:|Detected at node|<stack traces unavailable>|\d+ root error|\s*$"
    r"|\s+(?![\s(])|\[\[|\[Op:"
)
_PREFIX = re.compile(r"(\s*\(\d+\) [A-Z_]+:\s+)?(\{\{.*?\}\}\s*)*")


class SavedModelServable:
    """A loaded SavedModel, run through its signatures. Thread-safe.

    Attributes:
        signatures: The signatures, by key.
    """

    def __init__(self, session: Any, signature_defs: Mapping[str, SignatureDef]) -> None:
        """Wraps a session; see `load_saved_model`.

        Args:
            session: A `tf.compat.v1.Session` that holds the graph and its variables.
            signature_defs: The message of each signature, by key.
        """
        self._session = session
        self._signature_defs = dict(signature_defs)
        self.signatures = read_signatures(self._signature_defs)
        self._lock = threading.Lock()
        self._callables: dict[str, Callable[..., Sequence[Any]]] = {}

    @property
    def signature_defs(self) -> Mapping[str, SignatureDef]:
        """The message of each signature, by key."""
        return self._signature_defs

    def run(
        self,
        signature_key: str,
        inputs: Mapping[str, Array],
        *,
        caller: Caller = ANYBODY,
        with_counts: bool = False,
    ) -> dict[str, Array]:
        """Runs a signature, see `Servable.run`; ignores the caller's deadline and makes no counts.

        Raises:
            SignatureNotFoundError: If there is no such signature.
            InvalidInputError: If names or dtypes do not fit the signature, or the graph refuses
                shapes or values.
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
        """Frees the session; `run` must not be called any more."""
        self._callables.clear()
        self._session.close()

    def _make_callable(self, signature: Signature) -> Callable[..., Sequence[Any]]:
        # `Session.run` would prune the graph for every call; a callable is pruned once.
        with self._lock:
            if signature.key not in self._callables:
                definition = self._signature_defs[signature.key]
                call = self._session._make_callable_from_options(
                    config_pb2.CallableOptions(
                        feed=[definition.inputs[name].name for name in signature.inputs],
                        fetch=[definition.outputs[name].name for name in signature.outputs],
                    )
                )
                self._callables[signature.key] = _with_quantized(signature, call)
            return self._callables[signature.key]


def _with_quantized(
    signature: Signature, call: Callable[..., Sequence[Any]]
) -> Callable[..., Sequence[Any]]:
    """Gives outputs of quantized dtypes their dtype, where a session gives plain integers."""
    dtypes = [info.dtype for info in signature.outputs.values()]
    if not any(dtype.is_quantized for dtype in dtypes):
        return call

    def with_dtypes(*inputs: Array) -> list[Any]:
        return [
            np.asarray(value).view(dtype.numpy) if dtype.is_quantized else value
            for dtype, value in zip(dtypes, call(*inputs), strict=True)
        ]

    return with_dtypes


def load_saved_model(
    folder: Path,
    threads: TensorFlowThreads = TensorFlowThreads(),  # noqa: B008
) -> SavedModelServable:
    """Loads a SavedModel from the folder that holds `saved_model.pb`.

    It is a program: its operations can read and write files with the rights of this process.

    Args:
        folder: The folder.
        threads: The threads of TensorFlow, where this is the first SavedModel of the process.

    Raises:
        Exception: Nearly any, if the SavedModel is damaged.
    """
    graph = tf.Graph()
    config = tf.compat.v1.ConfigProto()
    # The optimizer takes as long for each signature as loading does, and makes exported graphs no
    # faster.
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.intra_op_parallelism_threads = threads.intra_op
    config.inter_op_parallelism_threads = threads.inter_op
    # The first session starts the threads that compute, for all sessions.
    session = at_normal_priority(lambda: tf.compat.v1.Session(graph=graph, config=config))
    try:
        with graph.as_default():
            meta_graph = _load(session, [_TAG], str(folder))
    except BaseException:
        session.close()
        raise
    # Out of TensorFlow's messages into this package's, which are other classes.
    definitions = {
        key: SignatureDef.FromString(definition.SerializeToString())
        for key, definition in meta_graph.signature_def.items()
    }
    return SavedModelServable(session, definitions)


def one_line(error: BaseException) -> str:
    """Extracts the reason from an error of TensorFlow, as one line.

    TensorFlow's runtime wraps the reason in tracebacks of the Python that once built the graph.

    Returns:
        The first line of the message that holds a reason; else the name of the error's class.
    """
    for line in str(error).splitlines():
        if not _BOILERPLATE.match(line):
            reason = _PREFIX.sub("", line, count=1)
            return re.sub(r" ?\[Op:\w+\].*$", "", reason).strip()
    return type(error).__name__

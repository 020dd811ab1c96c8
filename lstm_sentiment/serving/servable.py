"""Servables, their states, loaders and handles.

The terms are TensorFlow Serving's: a servable stream is all versions under one name, a servable is
one version of it (`tensorflow_serving/core/servable_id.h`, `core/servable_state.h`).
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.dtypes import DType, dtype_of
from lstm_sentiment.protocol.signature_pb2 import SignatureDef
from lstm_sentiment.protocol.signature_pb2 import TensorInfo as TensorInfoProto
from lstm_sentiment.protocol.tensors import Array as Array
from lstm_sentiment.protocol.tensors import read_tensor, shape_of
from lstm_sentiment.serving.caller import ANYBODY, Caller
from lstm_sentiment.serving.errors import ServableLoadError
from lstm_sentiment.serving.manager_state import ManagerState as ManagerState
from lstm_sentiment.serving.servable_id import ServableId

_NO_SIGNATURES = frozenset[str]()


@dataclass(frozen=True)
class ServableState:
    """A version's state as the manager reports it.

    Attributes:
        id: The version's id.
        state: The version's state.
        error: The error of the failed load that ended the version; else `None`.
        engine: The engine that answers, see `Loader.engine`; `None` while the version is not
            loaded.
    """

    id: ServableId
    state: ManagerState
    error: ServableLoadError | None = None
    engine: str | None = None


@dataclass(frozen=True)
class TensorInfo:
    """Dtype and shape of one input or output of a signature.

    Attributes:
        dtype: The element type.
        shape: The size of each dimension, `None` for any size; `None` instead of the tuple for any
            number of dimensions.
        tensor_name: Its name in the graph, such as `text_text:0`, for messages.
    """

    dtype: DType
    shape: tuple[int | None, ...] | None
    tensor_name: str = field(default="", compare=False)


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs of one signature.

    Attributes:
        key: The signature's key, such as `serving_default`.
        inputs: Dtype and shape of each input, by name.
        outputs: Dtype and shape of each output, by name.
        defaults: The values of the inputs that a request may leave out, by name.
    """

    key: str
    inputs: Mapping[str, TensorInfo] = field(default_factory=dict)
    outputs: Mapping[str, TensorInfo] = field(default_factory=dict)
    defaults: Mapping[str, Array] = field(default_factory=dict, compare=False)


def read_signatures(definitions: Mapping[str, SignatureDef]) -> dict[str, Signature]:
    """Reads the signatures that can be run.

    Args:
        definitions: The message of each signature, by key.

    Returns:
        The signatures by key, without those of sparse or ragged tensors; inputs and outputs in the
        order of their names.
    """
    found = {}
    for key, definition in definitions.items():
        inputs, outputs = _tensor_infos(definition.inputs), _tensor_infos(definition.outputs)
        if inputs is not None and outputs is not None:
            found[key] = Signature(key, inputs, outputs, _defaults(definition, inputs))
    return found


def _tensor_infos(infos: Mapping[str, TensorInfoProto]) -> dict[str, TensorInfo] | None:
    found = {}
    for name, info in sorted(infos.items()):
        dtype = dtype_of(info.dtype)
        # A graph's init op is listed among the signatures, without a tensor of a known dtype.
        if dtype is None or info.WhichOneof("encoding") != "name":
            return None
        found[name] = TensorInfo(dtype, shape_of(info.tensor_shape), info.name)
    return found


def _defaults(definition: SignatureDef, inputs: Mapping[str, TensorInfo]) -> dict[str, Array]:
    found = {}
    for name in definition.defaults.keys() & inputs.keys():
        # One that cannot be read is none: a request that leaves it out is refused.
        with suppress(InvalidInputError):
            found[name] = read_tensor(definition.defaults[name])
    return found


class Servable(Protocol):
    """A loaded version."""

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The signatures, by key."""
        ...

    @property
    def signature_defs(self) -> Mapping[str, SignatureDef]:
        """The message of each signature in the SavedModel, by key."""
        ...

    def run(
        self,
        signature_key: str,
        inputs: Mapping[str, Array],
        *,
        caller: Caller = ANYBODY,
        with_counts: bool = False,
    ) -> dict[str, Array]:
        """Runs a signature on the inputs of one request.

        Args:
            signature_key: One of `signatures`.
            inputs: An array for each input of the signature, by name; strings are bytes in an
                array of objects.
            caller: Sets the deadline, and may cancel the request.
            with_counts: Whether to add the counts of the texts, see `inference.text_counts`, if
                the servable has made them anyway.

        Returns:
            An array for each output of the signature, by name; strings as in `inputs`. With
            counts, possibly those too.

        Raises:
            SignatureNotFoundError: If there is no such signature.
            InvalidInputError: If the inputs do not fit the signature.
            ServableRunError: If the servable itself failed.
            OverloadedError: If too many requests wait for a batch.
            DeadlineExceededError: If the caller's deadline passes first.
            RequestCancelledError: If the caller cancels first.
        """
        ...


def quick_signatures(servable: Servable) -> AbstractSet[str]:
    """Returns the signatures that answer a short text in about a millisecond, waiting for nothing.

    An event loop may run them itself. A servable that has such names them in an attribute
    `quick_signatures`.
    """
    return getattr(servable, "quick_signatures", _NO_SIGNATURES)


class Loader(Protocol):
    """Loads and unloads one version; `tensorflow_serving/core/loader.h`."""

    @property
    def engine(self) -> str | None:
        """Name of the engine that answers once the version is loaded; `None` if not known."""
        ...

    def estimate_bytes(self) -> int:
        """Estimates the memory that the version will take, in bytes; called before `load`.

        Raises:
            ServableLoadError: If its files cannot be read.
        """
        ...

    def load(self) -> Servable:
        """Loads the version; called once, or again after an error.

        Raises:
            ServableLoadError: If the version cannot be loaded.
        """
        ...

    def unload(self) -> None:
        """Frees the version's memory; called once, when no request holds the version any more."""
        ...


class ServableHandle:
    """Holds a loaded version, which is not unloaded before the handle is released."""

    def __init__(
        self, servable_id: ServableId, servable: Servable, release: Callable[[], None]
    ) -> None:
        """Created only by `Manager.get_handle`; `release` is called once."""
        self.id = servable_id
        self.servable = servable
        self._release: Callable[[], None] | None = release

    def release(self) -> None:
        """Releases the version; a second call does nothing."""
        release, self._release = self._release, None
        if release is not None:
            release()

    def __enter__(self) -> "ServableHandle":
        """Returns the handle itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Releases the version."""
        self.release()

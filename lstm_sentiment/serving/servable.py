"""What is served: its id, its state, and what a loaded one offers.

The names are TensorFlow Serving's: a servable stream is all versions under one name, a servable
is one version of it (`tensorflow_serving/core/servable_id.h`, `core/servable_state.h`).
"""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from lstm_sentiment.serving.caller import ANYBODY, Caller
from lstm_sentiment.serving.errors import (
    ServableLoadError,
)
from lstm_sentiment.serving.servable_id import ServableId

Array = NDArray[Any]


class ManagerState(enum.IntEnum):
    """Where a version stands in its life, numbered as `ModelVersionStatus.State` on the wire.

    `tensorflow_serving/apis/get_model_status.proto`.
    """

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True)
class ServableState:
    """A version's state as the manager tells it to others.

    Attributes:
        id: Which version.
        state: Where it stands.
        error: Why it is `END`, where a failed load is the reason; else `None`.
    """

    id: ServableId
    state: ManagerState
    error: ServableLoadError | None = None


@dataclass(frozen=True)
class TensorInfo:
    """Type and shape of one input or output of a signature.

    Attributes:
        dtype: A `tf.DType`.
        shape: A `tf.TensorShape`; unknown dimensions are `None`.
    """

    dtype: Any
    shape: Any


@dataclass(frozen=True)
class Signature:
    """One way of asking a servable.

    Attributes:
        key: Its name, such as `serving_default`.
        inputs: What it takes, by name.
        outputs: What it answers, by name.
    """

    key: str
    inputs: Mapping[str, TensorInfo] = field(default_factory=dict)
    outputs: Mapping[str, TensorInfo] = field(default_factory=dict)


class Servable(Protocol):
    """What a loaded version offers."""

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """Its signatures, by key."""
        ...

    @property
    def signature_defs(self) -> Mapping[str, Any]:
        """Its signatures as the SavedModel has them: a `SignatureDef` message each, by key."""
        ...

    def run(
        self, signature_key: str, inputs: Mapping[str, Array], *, caller: Caller = ANYBODY
    ) -> dict[str, Array]:
        """Answers one request.

        Args:
            signature_key: One of `signatures`.
            inputs: An array for each input of the signature, by name; strings are bytes in an
                array of objects.
            caller: Who waits for the answer.

        Returns:
            An array for each output of the signature, by name; strings as in `inputs`.

        Raises:
            SignatureNotFoundError: If there is no such signature.
            InvalidInputError: If the inputs do not fit the signature.
            ServableRunError: If the servable itself failed.
            OverloadedError: If too many requests wait.
            DeadlineExceededError: If the caller's deadline passes first.
            RequestCancelledError: If the caller goes away first.
        """
        ...


class Loader(Protocol):
    """Brings one version into memory and lets it go; `tensorflow_serving/core/loader.h`."""

    def estimate_bytes(self) -> int:
        """Estimates how much memory the version will take; asked before it is loaded.

        Raises:
            ServableLoadError: If its files cannot be read.
        """
        ...

    def load(self) -> Servable:
        """Loads the version; called once, save after an error.

        Raises:
            ServableLoadError: If it cannot be loaded.
        """
        ...

    def unload(self) -> None:
        """Lets the version go; called once, when no request holds it any more."""
        ...


class ServableHandle:
    """A hold on a loaded version: until it is released, the version is not unloaded."""

    def __init__(
        self, servable_id: ServableId, servable: Servable, release: Callable[[], None]
    ) -> None:
        """Made by `Manager.get_handle` alone.

        Args:
            servable_id: Which version is held.
            servable: What it offers.
            release: Called once, on release.
        """
        self.id = servable_id
        self.servable = servable
        self._release: Callable[[], None] | None = release

    def release(self) -> None:
        """Lets the version go; a second call does nothing."""
        release, self._release = self._release, None
        if release is not None:
            release()

    def __enter__(self) -> "ServableHandle":
        """Gives the handle itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Releases it."""
        self.release()

"""Errors of the server, in addition to those of `lstm_sentiment.errors`."""

from collections.abc import Iterable, Mapping, Sequence

from lstm_sentiment.errors import InvalidInputError, LstmSentimentError, ServableUnavailableError
from lstm_sentiment.serving.servable_id import ServableId


class ServableLoadError(ServableUnavailableError):
    """A version could not be loaded; other versions are still served."""


class LightEngineRefusedError(ServableLoadError):
    """A version cannot be answered without TensorFlow, or would be answered differently."""


class NoLightTwinError(LightEngineRefusedError):
    """A version that only the light engine may load has no light twin."""


class OtherEngineError(ServableLoadError):
    """A loader has chosen another engine, which needs other memory; its next call loads by it."""


class ServableRunError(LstmSentimentError):
    """A servable failed on a valid request."""


class NotImplementedInServingError(LstmSentimentError):
    """A part of TensorFlow Serving's protocol that this server does not implement."""


class OverloadedError(ServableUnavailableError):
    """The queue of requests for a servable is full."""


class ResourceExhaustedError(ServableUnavailableError):
    """The server does as much at once as it may; the same request may fit later."""


class NotEnoughMemoryError(ServableLoadError):
    """A version does not fit into the memory that is left for models."""


class DeadlineExceededError(LstmSentimentError):
    """A request was not answered before its deadline."""


class RequestCancelledError(LstmSentimentError):
    """The caller of a request has gone away."""


class UnauthenticatedError(LstmSentimentError):
    """A request lacks the credentials that the server requires."""


class PermissionDeniedError(LstmSentimentError):
    """A request requires a role that its caller lacks."""


class CannotListenError(InvalidInputError):
    """An address cannot be listened on.

    Attributes:
        port: The port to replace, if another one would help; else 0.
    """

    def __init__(self, message: str, port: int = 0) -> None:
        """Keeps the port beside the message."""
        super().__init__(message)
        self.port = port


class RequestTooLargeError(InvalidInputError):
    """A request is larger than the server's limits.

    Attributes:
        max_batch_size: The limit of rows, if the request has too many; else `None`.
    """

    def __init__(self, message: str, *, max_batch_size: int | None = None) -> None:
        """Creates the error from a whole message."""
        super().__init__(message)
        self.max_batch_size = max_batch_size


class SignatureNotFoundError(InvalidInputError):
    """The servable has no signature of that key."""

    def __init__(self, signature_key: str) -> None:
        """Creates the error, worded as in `servables/tensorflow/predict_util.cc`."""
        super().__init__(f'Serving signature key "{signature_key}" not found.')
        self.signature_key = signature_key


class UnknownLabelError(InvalidInputError):
    """A request names a version label that the model does not have."""

    def __init__(self, label: str) -> None:
        """Creates the error, worded as in `tensorflow_serving/model_servers/server_core.cc`."""
        super().__init__(f"Unrecognized servable version label: {label}")


class VersionNotAvailableError(InvalidInputError):
    """A label should point to a version that is not available."""

    def __init__(self, servable_id: "ServableId") -> None:
        """Creates the error, worded as in `tensorflow_serving/model_servers/server_core.cc`."""
        super().__init__(
            f"Request to assign label to version {servable_id.version} of model "
            f"{servable_id.name}, which is not currently available for inference"
        )


class ModelsNotAvailableError(ServableLoadError):
    """No version of some new models can be served."""

    def __init__(self, count: int, reasons: Iterable[str]) -> None:
        """Creates the error, worded as in `server_core.cc`, from a number of models and reasons."""
        listed = ", ".join(f"{{{reason}}}" for reason in reasons)
        super().__init__(f"{count} model(s) did not become available: {{{listed}}}")

    @classmethod
    def after_loading(
        cls, failed: Mapping[ServableId, ServableLoadError | None]
    ) -> "ModelsNotAvailableError":
        """Creates the error from the versions that failed to load, each with its error if known."""
        return cls(
            len({version.name for version in failed}),
            (f"{v}{'' if e is None else f' due to error: {e}'}" for v, e in failed.items()),
        )


class NoVersionsFoundError(ModelsNotAvailableError):
    """Some new models have no version to load."""

    def __init__(self, names: Sequence[str]) -> None:
        """Creates the error from the names of the models."""
        super().__init__(len(names), (f"no versions of model {name} found" for name in names))


class VersionDidNotLoadError(VersionNotAvailableError):
    """A label should point to a version that a reload failed to load."""

    def __init__(self, servable_id: ServableId, reason: ServableLoadError | None) -> None:
        """Creates the error; the message ends with the reason if it is known."""
        super().__init__(servable_id)
        if reason is not None:
            self.args = (f"{self.args[0]}: {reason}",)

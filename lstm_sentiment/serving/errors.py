"""The errors of a server, beside those that the whole package raises."""

from collections.abc import Iterable, Mapping, Sequence

from lstm_sentiment.errors import InvalidInputError, LstmSentimentError, ServableUnavailableError
from lstm_sentiment.serving.servable_id import ServableId


class NoRegressionTensorError(InvalidInputError):
    """A signature whose tensors are not named as Regress needs them."""


class ServableLoadError(ServableUnavailableError):
    """A version that could not be loaded; the others serve on."""


class ServableRunError(LstmSentimentError):
    """A servable that failed while answering, through no fault of the request."""


class NotImplementedInServingError(LstmSentimentError):
    """A part of TensorFlow Serving's protocol that this server does not speak."""


class OverloadedError(ServableUnavailableError):
    """A servable that has as many requests waiting as it may have."""


class NotEnoughMemoryError(ServableLoadError):
    """A version that does not fit into the memory that is left for models."""


class DeadlineExceededError(LstmSentimentError):
    """A request that was not answered before its caller's deadline."""


class RequestCancelledError(LstmSentimentError):
    """A request whose caller has gone away."""


class UnauthenticatedError(LstmSentimentError):
    """A request without the credentials that the server asks for."""


class RequestTooLargeError(InvalidInputError):
    """A request that is larger than the server takes.

    Attributes:
        max_batch_size: The most rows that it takes, where there were too many; else `None`.
    """

    def __init__(self, message: str, *, max_batch_size: int | None = None) -> None:
        """Takes the message as it is.

        Args:
            message: The rule, then what arrived.
            max_batch_size: The most rows that the server takes, where there were too many.
        """
        super().__init__(message)
        self.max_batch_size = max_batch_size


class SignatureNotFoundError(InvalidInputError):
    """A signature key that the servable does not have."""

    def __init__(self, signature_key: str) -> None:
        """Builds the message of `tensorflow_serving/servables/tensorflow/predict_util.cc`."""
        super().__init__(f'Serving signature key "{signature_key}" not found.')
        self.signature_key = signature_key


class VersionNotAvailableError(InvalidInputError):
    """A label asked to point to a version that is not available."""

    def __init__(self, servable_id: "ServableId") -> None:
        """Builds the message of `tensorflow_serving/model_servers/server_core.cc`."""
        super().__init__(
            f"Request to assign label to version {servable_id.version} of model "
            f"{servable_id.name}, which is not currently available for inference"
        )


class ModelsNotAvailableError(ServableLoadError):
    """New models of which no version can be served."""

    def __init__(self, count: int, reasons: Iterable[str]) -> None:
        """Builds the message after that of `tensorflow_serving/model_servers/server_core.cc`.

        Args:
            count: How many models.
            reasons: What is wrong with each, or with each of its versions.
        """
        listed = ", ".join(f"{{{reason}}}" for reason in reasons)
        super().__init__(f"{count} model(s) did not become available: {{{listed}}}")

    @classmethod
    def after_loading(
        cls, failed: Mapping[ServableId, ServableLoadError | None]
    ) -> "ModelsNotAvailableError":
        """Says which versions could not be loaded.

        Args:
            failed: Each version, with the reason where it is known.

        Returns:
            The error, to be raised.
        """
        return cls(
            len({version.name for version in failed}),
            (f"{v}{'' if e is None else f' due to error: {e}'}" for v, e in failed.items()),
        )


class NoVersionsFoundError(ModelsNotAvailableError):
    """New models that have no version to load."""

    def __init__(self, names: Sequence[str]) -> None:
        """Names the models.

        Args:
            names: All of them.
        """
        super().__init__(len(names), (f"no versions of model {name} found" for name in names))


class VersionDidNotLoadError(VersionNotAvailableError):
    """A label asked to point to a version that a reload tried to bring, and could not."""

    def __init__(self, servable_id: ServableId, reason: ServableLoadError | None) -> None:
        """Adds the reason to the message.

        Args:
            servable_id: The version.
            reason: Why it could not be loaded, where that is known.
        """
        super().__init__(servable_id)
        if reason is not None:
            self.args = (f"{self.args[0]}: {reason}",)

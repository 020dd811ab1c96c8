"""Options of a shadow: its version, and the requests to ask."""

from dataclasses import dataclass

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.version_folder import MAX_VERSION

VersionOrLabel = int | str
"""A version number, or a version label, which is looked up for each request."""


@dataclass(frozen=True)
class ShadowOptions:
    """A shadow version: it gets a share of the requests that another version answered.

    Attributes:
        to: The shadow version, by number or by label.
        of: The version whose requests the shadow version gets, by number or by label; `None` for
            every version of the model except `to`.
        model_name: The model; may be `None` where there is only one.
        share: Share of the requests, above 0 and up to 1; drawn for each request.

    Raises:
        InvalidInputError: If a value is out of its range, or `of` and `to` are the same.
    """

    to: VersionOrLabel
    of: VersionOrLabel | None = None
    model_name: str | None = None
    share: float = 0.1

    def __post_init__(self) -> None:
        """Checks the values."""
        if not 0 < self.share <= 1:
            raise InvalidInputError(
                f"`share` must be above 0 and at most 1. Received: share={self.share}."
            )
        for name, value in (("to", self.to), ("of", self.of)):
            if value == "" or (isinstance(value, int) and not 0 <= value <= MAX_VERSION):
                raise InvalidInputError(
                    f"`{name}` must be a version number or a version label. "
                    f"Received: {name}={value!r}."
                )
        if self.of == self.to:
            raise InvalidInputError(
                f"`of` and `to` must be two versions. Received: {self.to!r} for both."
            )

    def to_dict(self) -> dict[str, object]:
        """Returns `of` and `to` as `{"version": 2}`, `{"label": "next"}` or `{}`, and `share`."""
        return {"of": _as_dict(self.of), "to": _as_dict(self.to), "share": self.share}


def _as_dict(value: VersionOrLabel | None) -> dict[str, object]:
    if value is None:
        return {}
    return {"version": value} if isinstance(value, int) else {"label": value}

"""Which requests a second version is to answer too, so that its answers can be compared."""

from dataclasses import dataclass

from lstm_sentiment.errors import InvalidInputError

VersionOrLabel = int | str
"""A version by its number, or whichever a version label points to at the time."""


@dataclass(frozen=True)
class ShadowOptions:
    """A share of one model's requests is answered a second time, and callers never see it.

    Attributes:
        to: The version that answers a second time, by number or by label.
        of: The version whose requests it answers, by number or by label; `None` for every version
            of the model but `to`.
        model_name: The model; may be `None` where there is only one.
        share: The share of these requests, above 0 and up to 1; drawn for each request.

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
            if value == "" or (isinstance(value, int) and value < 0):
                raise InvalidInputError(
                    f"`{name}` must be a version number or a version label. "
                    f"Received: {name}={value!r}."
                )
        if self.of == self.to:
            raise InvalidInputError(
                f"`of` and `to` must be two versions. Received: {self.to!r} for both."
            )

    def to_dict(self) -> dict[str, object]:
        """Tells `of` and `to` as `{"version": 2}`, `{"label": "canary"}` or `{}`, and `share`."""
        return {"of": _told(self.of), "to": _told(self.to), "share": self.share}


def _told(value: VersionOrLabel | None) -> dict[str, object]:
    if value is None:
        return {}
    return {"version": value} if isinstance(value, int) else {"label": value}

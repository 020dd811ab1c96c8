"""Which version of which model; `tensorflow_serving/core/servable_id.h`."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class ServableId:
    """One version of one servable stream.

    Attributes:
        name: The servable stream: the `name` of a model in `models.config`.
        version: Its version number, as the folder's name gives it. Not negative.
    """

    name: str
    version: int

    def __str__(self) -> str:
        """Writes it as `{name: sentiment version: 3}`, as TensorFlow Serving logs it."""
        return f"{{name: {self.name} version: {self.version}}}"

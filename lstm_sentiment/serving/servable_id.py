"""Ids of servables; `tensorflow_serving/core/servable_id.h`."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class ServableId:
    """Id of one version of one servable stream.

    Attributes:
        name: The servable stream: the `name` of a model in `models.config`.
        version: The version number, not negative.
    """

    name: str
    version: int

    def __str__(self) -> str:
        """Formats the id as TensorFlow Serving does: `{name: sentiment version: 3}`."""
        return f"{{name: {self.name} version: {self.version}}}"

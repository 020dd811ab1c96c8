"""Stands in for tensorflow-text where it has no release: can be imported, and no more."""

from typing import Any

__version__ = "0"


def _missing(*_: Any, **__: Any) -> None:
    raise RuntimeError("tensorflow-text has no release for this TensorFlow")


class Operations:
    """Operations that cannot be called."""

    def __getattr__(self, name: str) -> Any:
        """Returns a function that raises an error."""
        return _missing


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return _missing

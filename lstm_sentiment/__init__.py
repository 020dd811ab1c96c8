"""Trains a text classifier on labelled texts and serves it over TensorFlow Serving's protocol.

The public names are those of `__init__.pyi`. Each is imported when it is first used, so that
`import lstm_sentiment` is quick and loads no TensorFlow. Names that need TensorFlow raise
`MissingExtraError`, which is an `ImportError`, where it is not installed.
"""

import lazy_loader

from lstm_sentiment.checks import train_imports

__version__ = "0.1.0"

_imported, _, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = [*_names, "__version__"]


def __dir__() -> list[str]:
    """Returns the public names, sorted."""
    return sorted(__all__)


def __getattr__(name: str) -> object:
    """Imports a public name from its module."""
    with train_imports():
        return _imported(name)

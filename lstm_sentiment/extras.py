"""The extra `train`: packages that training needs, and asking and answering do not."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager

from lstm_sentiment.errors import MissingExtraError

_TRAIN = {
    "tensorflow": "TensorFlow",
    "tensorflow_text": "tensorflow-text",
    "keras": "Keras",
    "sklearn": "scikit-learn",
    "scipy": "SciPy",
    "onnx": "onnx",
}


def require_train(work: str = "training") -> None:
    """Checks that the packages of the extra `train` are installed, without importing them.

    Args:
        work: Names in the message what needs them.

    Raises:
        MissingExtraError: If one is missing.
    """
    for module, name in _TRAIN.items():
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(
                f"{work} needs {name}: pip install 'lstm-sentiment[train]'", name=module
            )


@contextmanager
def train_imports(work: str = "training") -> Iterator[None]:
    """Names the extra `train` where an import inside the block, or the function, lacks it.

    Args:
        work: Names in the message what needs the package.

    Raises:
        MissingExtraError: In the place of the `ModuleNotFoundError` of a package of `train`.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in _TRAIN:
            require_train(work)  # whichever package was asked for first, TensorFlow is named
        raise

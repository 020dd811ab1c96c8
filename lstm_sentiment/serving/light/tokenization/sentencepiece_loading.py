"""Loads SentencePiece models without stopping the other threads of Python.

The package `sentencepiece` keeps Python's interpreter lock while it builds the index of a model's
pieces: a tenth of a second for 100,000 pieces, in which a server answers nobody. Its C++ function
touches nothing of Python, so it is called here through `ctypes`, which releases the lock.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import sentencepiece

# `util::Status SentencePieceProcessor::LoadFromSerializedProto(std::string_view)`, spelled as in
# the Itanium C++ ABI with GNU's library: the wheels for Linux export it. `pyproject.toml` allows
# one version of the package.
_SYMBOL = (
    "_ZN13sentencepiece22SentencePieceProcessor23LoadFromSerializedProto"
    "ESt17basic_string_viewIcSt11char_traitsIcEE"
)


class _StringView(ctypes.Structure):
    """`std::string_view` of GNU's library."""

    _fields_ = (("size", ctypes.c_size_t), ("data", ctypes.c_char_p))


class _Status(ctypes.Structure):
    """`util::Status`: one pointer, null if all went well.

    The further fields are never written. A class with a destructor is returned through a hidden
    pointer to its place, as C returns a structure of this size.
    """

    _fields_ = (("error", ctypes.c_void_p), ("unused", ctypes.c_void_p * 3))


def load_processor(serialized: bytes) -> sentencepiece.SentencePieceProcessor:
    """Loads a serialized `ModelProto`.

    Where the package does not export its function, the interpreter lock is kept.

    Raises:
        RuntimeError: If it is no model.
    """
    load = _load_without_lock()
    if load is not None:
        processor = sentencepiece.SentencePieceProcessor()
        if load(int(processor.this), _StringView(len(serialized), serialized)).error is None:
            return processor
        # The package words the error.
    return sentencepiece.SentencePieceProcessor(model_proto=serialized)


def _load_without_lock() -> Callable[[int, _StringView], Any] | None:
    try:
        library = ctypes.CDLL(sentencepiece._sentencepiece.__file__)
        function = library[_SYMBOL]
    except (AttributeError, OSError):
        return None
    function.argtypes, function.restype = (ctypes.c_void_p, _StringView), _Status
    return function

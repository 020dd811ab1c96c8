"""Flags of TensorFlow Serving that set nothing here: accepted, or refused if that misleads.

A command line of TensorFlow Serving starts this server too. The table is shown in
docs/serving-protocol.md; the flags are in no help.
"""

from collections.abc import Callable
from typing import NamedTuple

from lstm_sentiment.errors import InvalidInputError

Kind = Callable[[str], object]

_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


class StockFlag(NamedTuple):
    """A flag of TensorFlow Serving's `main.cc`.

    Attributes:
        kind: Converts the value, and raises `ValueError` for one that TensorFlow Serving refuses.
        same: The value that matches what this server does.
        instead: Why another value has no effect, or what to do instead.
        is_refused: Whether another value is an error.
    """

    kind: Kind
    same: object
    instead: str
    is_refused: bool = False


def truth(given: str) -> bool:
    """Converts the value of a switch, as TensorFlow Serving does.

    Raises:
        ValueError: If it is none of true, false, 1 and 0.
    """
    try:
        return _TRUTHS[given.lower()]
    except KeyError:
        raise ValueError(given) from None


_TENSORFLOW_LITE = "TensorFlow Lite is not served"

STOCK_FLAGS = {
    "--rest-api-num-threads": StockFlag(
        int, None, "one event loop answers REST; `--grpc-max-threads` bounds what is computed"
    ),
    "--enable-per-model-batching-parameters": StockFlag(
        truth, False, "give all models one `--batching-parameters-file`", is_refused=True
    ),
    "--num-unload-threads": StockFlag(int, None, "unloading takes no thread from requests"),
    "--flush-filesystem-caches": StockFlag(
        truth, False, "files that are read again share the system's cache"
    ),
    "--tensorflow-session-config-file": StockFlag(
        str, "", "there is no file of session settings; leave the flag out", is_refused=True
    ),
    "--use-alts-credentials": StockFlag(
        truth, False, "give a certificate with `--ssl-config-file`", is_refused=True
    ),
    "--platform-config-file": StockFlag(
        str, "", "only the platform tensorflow is served; leave the flag out", is_refused=True
    ),
    "--per-process-gpu-memory-fraction": StockFlag(float, 0.0, "answers are computed on the CPU"),
    "--saved-model-tags": StockFlag(
        str, "serve", "only the graph with the tag serve is loaded", is_refused=True
    ),
    "--remove-unused-fields-from-bundle-metagraph": StockFlag(
        truth, True, "the MetaGraphDef is not kept"
    ),
    "--prefer-tflite-model": StockFlag(
        truth, False, f"{_TENSORFLOW_LITE}; leave the flag out for the SavedModel", is_refused=True
    ),
    "--num-tflite-pools": StockFlag(int, None, _TENSORFLOW_LITE),
    "--num-tflite-interpreters-per-pool": StockFlag(int, None, _TENSORFLOW_LITE),
    "--enable-signature-method-name-check": StockFlag(
        truth, False, "Classify and Regress take signatures whatever their method is called"
    ),
    "--xla-gpu-compilation-enabled": StockFlag(
        truth, False, "answers are computed on the CPU; `--xla-cpu-compilation-enabled` compiles"
    ),
    "--enable-profiler": StockFlag(
        truth, False, "there is no profiler service; `python -m cProfile` or py-spy profile it"
    ),
    "--thread-pool-factory-config-file": StockFlag(
        str, "", "there are no thread pools to choose; leave the flag out", is_refused=True
    ),
    "--mixed-precision": StockFlag(
        str, "", "answers are computed as the version was exported", is_refused=True
    ),
    "--skip-initialize-tpu": StockFlag(truth, True, "there is no TPU to initialize"),
    "--enable-serialization-as-tensor-content": StockFlag(
        truth, False, "outputs are sent as values; clients read either"
    ),
}
"""The flags of TensorFlow Serving's `main.cc` that `serve` has no parameter for."""


def note_on(name: str, given: str | None) -> str | None:
    """Returns the note on a flag of `STOCK_FLAGS`.

    Args:
        name: The flag, with dashes.
        given: Its value; `None` where none was given.

    Returns:
        A line for the log; `None` where the server does what the flag means.

    Raises:
        InvalidInputError: If the flag is refused, or has no value or one of another type.
    """
    flag = STOCK_FLAGS[name]
    if given is None:
        if flag.kind is not truth:
            raise InvalidInputError(f"`{name}` must have a value. Received: none.")
        given = "true"
    try:
        value = flag.kind(given)
    except ValueError:
        raise InvalidInputError(
            f"`{name}` must be {_RULES[flag.kind]}. Received: {given}."
        ) from None
    if value == flag.same:
        return None
    if flag.is_refused:
        raise InvalidInputError(f"`{name}` is not supported: {flag.instead}. Received: {given}.")
    return f"{name} has no effect here: {flag.instead}"


_RULES: dict[Kind, str] = {int: "an integer", float: "a number", truth: "true or false"}

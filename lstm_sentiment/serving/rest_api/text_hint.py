"""The hint for who sends a text without a `signature_name`: which signature takes texts."""

from collections.abc import Mapping

from lstm_sentiment.protocol import tensor_pb2
from lstm_sentiment.protocol.signature_pb2 import SignatureDef
from lstm_sentiment.version_folder import DEFAULT_SIGNATURE_KEY, TEXT

_SIGNS_OF_TEXT = ("Type: String is not of expected type", "does not have named input")
# Their strings are serialized examples.
_METHODS_OF_EXAMPLES = ("tensorflow/serving/classify", "tensorflow/serving/regress")
_INPUT_OF_EXAMPLES = "inputs"


def may_be_of_text(message: str) -> bool:
    """Returns whether an error may be that of a text that was sent to a signature of numbers."""
    return any(sign in message for sign in _SIGNS_OF_TEXT)


def text_hint(signatures: Mapping[str, SignatureDef]) -> str:
    """Returns a sentence that names a signature for texts; empty if there is none.

    Args:
        signatures: The message of each signature of the version, by key.
    """
    default = signatures.get(DEFAULT_SIGNATURE_KEY)
    of_texts = sorted(key for key, signature in signatures.items() if _takes_texts(signature))
    if default is None or not of_texts or DEFAULT_SIGNATURE_KEY in of_texts:
        return ""
    key = TEXT if TEXT in of_texts else of_texts[0]
    [name] = signatures[key].inputs
    names = ", ".join(f"`{name}`" for name in sorted(default.inputs))
    return (
        f" Without a `signature_name`, signature `{DEFAULT_SIGNATURE_KEY}` is called; it takes "
        f"{names}. Send texts to signature `{key}`, as its input `{name}`: add "
        f'"signature_name": "{key}".'
    )


def _takes_texts(signature: SignatureDef) -> bool:
    return (
        signature.method_name not in _METHODS_OF_EXAMPLES
        and _INPUT_OF_EXAMPLES not in signature.inputs
        and [info.dtype for info in signature.inputs.values()] == [tensor_pb2.DT_STRING]
    )

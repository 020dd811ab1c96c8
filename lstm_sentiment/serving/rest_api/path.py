"""Parses REST paths by TensorFlow Serving's two regular expressions.

`tensorflow_serving/model_servers/http_rest_api_util.cc`.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.inference.results import ModelSpec
from lstm_sentiment.version_folder import parse_version

_VERSION_OR_LABEL = r"(?:(?:/versions/([0-9]+))|(?:/labels/([^/:]+)))?"
_PREDICTION_PATH = re.compile(
    rf"(?i)/v1/models/([^/:]+){_VERSION_OR_LABEL}:(classify|regress|predict)"
)
_STATUS_PATH = re.compile(rf"(?i)/v1/models(?:/([^/:]+))?{_VERSION_OR_LABEL}(?:/(metadata))?")
_ANY_PATH = re.compile(r"(?i)/v1/.*")

# The case of these words matters, unlike that of the path around them.
_APIS = {"classify": "Classify", "regress": "Regress", "predict": "Predict"}
_METADATA = "metadata"


@dataclass(frozen=True)
class RestTarget:
    """The API and the model that a path names.

    Attributes:
        api: Name of the gRPC method.
        match: Name, version and label, as groups 1, 2 and 3.
    """

    api: str
    match: re.Match[str]

    def model_spec(self) -> ModelSpec:
        """Returns the model and version.

        Raises:
            InvalidInputError: If there is no name, or the version is beyond 64 bits.
        """
        name, version, label = self.match.group(1, 2, 3)
        if name is None:
            raise InvalidInputError("Missing model name in request.")
        return ModelSpec(
            unquote(name),
            version=None if version is None else _version_number(version),
            label=None if label is None else unquote(label),
        )


def is_api_path(path: str) -> bool:
    """Returns whether the API answers a path, be it with an error."""
    return _ANY_PATH.fullmatch(path) is not None


def find_target(method: str, path: str) -> RestTarget | None:
    """Parses the path of a request.

    Args:
        method: The HTTP method.
        path: The path as it was sent: a name may hold an escaped slash or colon.

    Returns:
        The API and the model; `None` for another path.
    """
    if method == "POST" and (match := _PREDICTION_PATH.fullmatch(path)):
        return RestTarget(_APIS[match[4]], match) if match[4] in _APIS else None
    if method == "GET" and (match := _STATUS_PATH.fullmatch(path)):
        is_metadata = match[4] == _METADATA
        return RestTarget("GetModelMetadata" if is_metadata else "GetModelStatus", match)
    return None


def _version_number(text: str) -> int:
    version = parse_version(text)
    if version is None:
        raise InvalidInputError(f"Failed to convert version: {text} to numeric.")
    return version

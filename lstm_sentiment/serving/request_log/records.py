"""Records of the request log: `PredictionLog` messages, put together from serialized parts.

`tensorflow_serving/apis/prediction_log.proto`. A request over gRPC and its answer are serialized
anyway, and a message in protocol buffers' wire format is its parts with their lengths. So they are
joined as they are, which takes less time than to parse and to serialize them again.
"""

from functools import lru_cache

from lstm_sentiment.protocol.model_server_config_pb2 import SamplingConfig
from lstm_sentiment.protocol.prediction_log_pb2 import (
    LogMetadata,
    PredictionLog,
    PredictLog,
)
from lstm_sentiment.protocol.tfrecord import framed

_LENGTH_DELIMITED, _VARINT = 2, 0
# The tags of models that were saved to be served; no others can be loaded.
_SAVED_MODEL_TAGS = ("serve",)


def _tag(number: int, wire_type: int = _LENGTH_DELIMITED) -> bytes:
    return bytes([number << 3 | wire_type])


_METADATA = _tag(PredictionLog.LOG_METADATA_FIELD_NUMBER)
_TIMESTAMP = _tag(LogMetadata.TIMESTAMP_SECS_FIELD_NUMBER, _VARINT)
_REQUEST = _tag(PredictLog.REQUEST_FIELD_NUMBER)
_RESPONSE = _tag(PredictLog.RESPONSE_FIELD_NUMBER)
_KINDS = {
    "Predict": _tag(PredictionLog.PREDICT_LOG_FIELD_NUMBER),
    "Classify": _tag(PredictionLog.CLASSIFY_LOG_FIELD_NUMBER),
    "Regress": _tag(PredictionLog.REGRESS_LOG_FIELD_NUMBER),
    "MultiInference": _tag(PredictionLog.MULTI_INFERENCE_LOG_FIELD_NUMBER),
}

LOGGED_APIS = frozenset(_KINDS)
"""The APIs whose requests are logged."""


def log_record(api: str, metadata: bytes, seconds: int, request: bytes, response: bytes) -> bytes:
    """Makes a record of the log, as it stands in a file.

    Args:
        api: One of `LOGGED_APIS`.
        metadata: The serialized `LogMetadata`, without a timestamp.
        seconds: When the request was answered, in seconds since 1970.
        request: The serialized request of the API.
        response: The serialized response.
    """
    time = _TIMESTAMP + _varint(seconds)
    sizes = _varint(len(request)), _varint(len(response))
    whole = 2 + len(sizes[0]) + len(request) + len(sizes[1]) + len(response)
    return framed(
        b"".join(
            (
                _METADATA,
                _varint(len(metadata) + len(time)),
                metadata,
                time,
                _KINDS[api],
                _varint(whole),
                _REQUEST,
                sizes[0],
                request,
                _RESPONSE,
                sizes[1],
                response,
            )
        )
    )


# A version has few signatures, and a server few versions.
@lru_cache(maxsize=256)
def log_metadata(name: str, sampling: bytes, version: int, signature_key: str) -> bytes:
    """Serializes what is known of a logged request beside its messages.

    Args:
        name: The model.
        sampling: Its serialized `SamplingConfig`.
        version: The version that answered.
        signature_key: The signature that was run.
    """
    metadata = LogMetadata(saved_model_tags=_SAVED_MODEL_TAGS)
    metadata.model_spec.name = name
    metadata.model_spec.version.value = version
    metadata.model_spec.signature_name = signature_key
    metadata.sampling_config.CopyFrom(SamplingConfig.FromString(sampling))
    return metadata.SerializeToString()


# Most messages are short, and many of one length.
@lru_cache(maxsize=4096)
def _varint(value: int) -> bytes:
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)

"""The model that a request to the `DataPlane` names, and the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lstm_sentiment.protocol.signature_pb2 import SignatureDef
from lstm_sentiment.serving.inference.classification import Classifications
from lstm_sentiment.serving.inference.multi_inference import InferenceResult
from lstm_sentiment.serving.inference.regression import Regressions
from lstm_sentiment.serving.inference.text_counts import TextCounts
from lstm_sentiment.serving.servable import Array, ServableState
from lstm_sentiment.serving.servable_id import ServableId


@dataclass(frozen=True)
class ModelSpec:
    """The model and version that a request names; `tensorflow_serving/apis/model.proto`.

    Attributes:
        name: The servable stream.
        version: A version number; `None` for the highest available.
        label: A version label, instead of a number.
    """

    name: str
    version: int | None = None
    label: str | None = None


@dataclass(frozen=True)
class ServedModel:
    """A model that is served.

    Attributes:
        name: Its name.
        states: The states of its versions, the highest version first.
        labels: The version number of each label.
    """

    name: str
    states: Sequence[ServableState]
    labels: Mapping[str, int]


@dataclass(frozen=True)
class Answer:
    """Base class of the answers to requests.

    Attributes:
        servable_id: The version that answered.
        signature_key: The signature that was run.
        batch_size: Rows or examples in the request; `None` where its inputs have no rows.
        counts: Counts of the texts, if they were requested and the engine has made them.
    """

    servable_id: ServableId
    signature_key: str
    batch_size: int | None
    counts: TextCounts | None = field(default=None, repr=False, kw_only=True)


@dataclass(frozen=True)
class PredictResult(Answer):
    """An answer to Predict.

    Attributes:
        outputs: An array for each requested output, by name.
        texts: The input of a signature whose only input is a string named `text`; else empty.
        inputs: An array for each input, by name.
    """

    outputs: Mapping[str, Array]
    texts: Sequence[bytes] = field(default=(), repr=False)
    inputs: Mapping[str, Array] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class ClassifyResult(Answer):
    """An answer to Classify.

    Attributes:
        classifications: The classes of each example, in order.
    """

    classifications: Classifications


@dataclass(frozen=True)
class RegressResult(Answer):
    """An answer to Regress.

    Attributes:
        regressions: The number for each example, in order.
    """

    regressions: Regressions


@dataclass(frozen=True)
class MultiInferenceResult(Answer):
    """An answer to MultiInference; its signature is that of the first task.

    Attributes:
        results: The answer to each task, in order.
    """

    results: Sequence[InferenceResult]


@dataclass(frozen=True)
class ModelMetadata:
    """The signatures of a version.

    Attributes:
        servable_id: The version.
        signature_defs: The message of each signature, by key.
    """

    servable_id: ServableId
    signature_defs: Mapping[str, SignatureDef]

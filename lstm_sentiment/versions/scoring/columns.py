"""Names of the columns that scoring adds to a table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from lstm_sentiment.errors import LstmSentimentError
from lstm_sentiment.predictions import Explanation, Prediction

if TYPE_CHECKING:
    from lstm_sentiment.client.predict_client import PredictClient
    from lstm_sentiment.versions.predictor import SavedModelPredictor

PREDICTED_LABEL: Final = "predicted_label"
_PROBABILITY: Final = "probability_"


def added_columns(label_names: Sequence[str], header: Sequence[str] = ()) -> list[str]:
    """Returns the names of the added columns: `predicted_label`, then one for each class.

    Args:
        label_names: The classes in id order.
        header: Columns of the table, which keep their names: an added column whose name is taken
            ends in `_2`, `_3` and so on.
    """
    names: list[str] = []
    for wanted in (PREDICTED_LABEL, *(f"{_PROBABILITY}{name}" for name in label_names)):
        name, number = wanted, 2
        while name in header or name in names:
            name, number = f"{wanted}_{number}", number + 1
        names.append(name)
    return names


def prediction_record(
    text: str, prediction: Prediction, label_names: Sequence[str]
) -> dict[str, Any]:
    """Returns a text and its prediction as `predict --json` and `score` write them.

    Args:
        text: The text.
        prediction: Its prediction.
        label_names: The classes in id order.
    """
    return {
        "text": text,
        "label": prediction.label,
        "classification": prediction.classification,
        "probabilities": dict(zip(label_names, prediction.probabilities, strict=True)),
    }


def class_names(
    asked: "PredictClient | SavedModelPredictor", predictions: Sequence[Prediction | Explanation]
) -> tuple[str, ...]:
    """Returns the names of a version's classes; their ids if it does not name them.

    Args:
        asked: The version, in this process or on a server.
        predictions: Some of its predictions, which tell how many classes it has.
    """
    try:
        names = asked.label_names
        known = names() if callable(names) else names
    except LstmSentimentError:
        known = ()
    if not predictions or len(set(known)) == len(predictions[0].probabilities):
        return known
    return tuple(map(str, range(len(predictions[0].probabilities))))

"""Answers of a classifier: to a text, with the weight of each token, and to a row of token ids."""

from dataclasses import dataclass

from lstm_sentiment.notebook_html import explanation_html


@dataclass(frozen=True)
class Prediction:
    """The classification of one text.

    Attributes:
        label: The most probable label.
        classification: The index of the label among the classes.
        probabilities: One for each class; they sum to 1.
        model_version: The version that answered; `None` if it has no number, as before an export.
    """

    label: str
    classification: int
    probabilities: tuple[float, ...]
    model_version: int | None


@dataclass(frozen=True)
class Explanation:
    """The classification of one text, with the weight of each token.

    Attributes:
        label: The most probable label.
        probabilities: One for each class; they sum to 1.
        tokens: The tokens that the model read, in order, without padding.
        attributions: The weight of each token: positive for the label, negative against it.
        model_version: The version that answered; `None` if the server does not name it.
    """

    label: str
    probabilities: tuple[float, ...]
    tokens: tuple[str, ...]
    attributions: tuple[float, ...]
    model_version: int | None

    def _repr_html_(self) -> str:
        """Returns the tokens, coloured by weight, for a notebook."""
        return explanation_html(self.label, self.probabilities, self.tokens, self.attributions)


@dataclass(frozen=True)
class IdPrediction:
    """The answer of `serving_default` to one row of token ids.

    Attributes:
        predict_classification: Index of the highest score.
        predict_scores: One logit for each class.
        model_version: The version that answered; `None` if the server does not name it.
    """

    predict_classification: int
    predict_scores: tuple[float, ...]
    model_version: int | None

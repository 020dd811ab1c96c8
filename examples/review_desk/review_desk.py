"""Finds the reviews that somebody should answer.

    review-desk train reviews.csv models/reviews        learn from labelled reviews
    review-desk sort models/reviews inbox.txt           the unhappy ones first, with their reasons

A small project beside lstm-sentiment, to be copied and changed.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import lstm_sentiment as ls

UNHAPPY = "negative"


@dataclass(frozen=True)
class Case:
    """A review that somebody should answer.

    Attributes:
        text: What the guest wrote.
        probability: Probability that the guest is unhappy, 0 to 1.
        reasons: The words with the largest weights for it, the largest first.
    """

    text: str
    probability: float
    reasons: tuple[str, ...]


class ReviewDesk:
    """Sorts incoming reviews.

    desk = ReviewDesk("models/reviews")
    for case in desk.sort(["房间有霉味", "早餐很好"]):
        print(case.probability, case.text)
    """

    def __init__(self, model_dir: str | Path, *, threshold: float = 0.5) -> None:
        """Loads the newest version.

        Args:
            model_dir: Folder to which `train` exported versions.
            threshold: Lowest probability at which a review becomes a case, 0 to 1.

        Raises:
            lstm_sentiment.ServableNotFoundError: If there is no version.
        """
        self._model = ls.SavedModelPredictor(model_dir)
        self._unhappy = self._model.label_names.index(UNHAPPY)
        self.threshold = threshold

    def sort(self, texts: Sequence[str], *, reasons: int = 3) -> list[Case]:
        """Picks the reviews of unhappy guests.

        Args:
            texts: Reviews, at least one.
            reasons: Number of words for each case.

        Returns:
            The cases, the unhappiest first.
        """
        answers = self._model.predict(texts)
        probabilities = [answer.probabilities[self._unhappy] for answer in answers]
        chosen = [
            (probability, text)
            for probability, text in zip(probabilities, texts, strict=True)
            if probability >= self.threshold
        ]
        chosen.sort(reverse=True)
        return [
            Case(text, probability, self._reasons(text, reasons)) for probability, text in chosen
        ]

    def _reasons(self, text: str, count: int) -> tuple[str, ...]:
        [explanation] = self._model.explain([text])
        sign = 1 if explanation.label == UNHAPPY else -1
        weights = [sign * weight for weight in explanation.attributions]
        ranked = sorted(zip(weights, explanation.tokens, strict=True), reverse=True)
        words = [token for weight, token in ranked if weight > 0 and token.isalnum()]
        return tuple(words[:count])


def train(
    reviews: Path,
    model_dir: Path,
    *,
    model: ls.ModelConfig | None = None,
    training: ls.TrainingConfig | None = None,
    vectors: ls.VectorTrainingConfig | None = None,
) -> ls.PipelineResult:
    """Trains a classifier on labelled reviews and exports the next version.

    Args:
        reviews: A CSV with the columns `text` and `label`; one label is `negative`.
        model_dir: Folder of the versions.
        model: Hyperparameters of the model; `None` takes the defaults.
        training: Hyperparameters of training; `None` takes the defaults.
        vectors: Hyperparameters of the word vectors; `None` takes the defaults.

    Raises:
        lstm_sentiment.InvalidInputError: If the file is not such a CSV.
    """
    labels = ls.read_corpus([reviews], text_column="text", label_column="label").label_names
    if UNHAPPY not in labels:
        raise ls.InvalidInputError(
            f"{reviews}: one label must be {UNHAPPY!r}. Received: {', '.join(labels)}."
        )
    return ls.run_pipeline(
        ls.PipelineConfig(
            data=(reviews,),
            model_dir=model_dir,
            run_dir=model_dir.parent / "runs" / str(1 + sum(1 for _ in model_dir.glob("[0-9]*"))),
            model=model or ls.ModelConfig(),
            training=training or ls.TrainingConfig(),
            vector_training=vectors or ls.VectorTrainingConfig(),
        )
    )


def report(desk: ReviewDesk, texts: Sequence[str]) -> list[str]:
    """Returns one line for each case."""
    return [
        f"{case.probability:.2f}  {case.text}  ({'、'.join(case.reasons)})"
        for case in desk.sort(texts)
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(prog="review-desk", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train", help="learn from labelled reviews")
    training.add_argument("reviews", type=Path)
    training.add_argument("model_dir", type=Path)
    sorting = commands.add_parser("sort", help="print the unhappy reviews first")
    sorting.add_argument("model_dir", type=Path)
    sorting.add_argument("inbox", type=Path, help="a review a line")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == "train":
            result = train(chosen.reviews, chosen.model_dir)
            print(f"accuracy {result.test.accuracy:.3f}: {result.version_dir}")
        else:
            print(*report(ReviewDesk(chosen.model_dir), ls.read_texts(chosen.inbox)), sep="\n")
    except ls.LstmSentimentError as error:
        parser.exit(2, f"error: {error}\n")


if __name__ == "__main__":
    main()

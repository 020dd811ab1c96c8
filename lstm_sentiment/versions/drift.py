"""Do live texts still look like the texts that a version was trained on?"""

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lstm_sentiment.drift.defaults import ALPHA, TOLERANCE
from lstm_sentiment.drift.evidence import DriftTest, MovedFeature
from lstm_sentiment.drift.features import MeasuredTexts
from lstm_sentiment.drift.reference import DriftReference
from lstm_sentiment.drift.stream import LATEST_STARTS, WINDOW_TEXTS, DriftStream
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import MUTED, SILENT, Progress
from lstm_sentiment.serving.loading.options import Engine
from lstm_sentiment.version_folder import TokenCounts, find_version, load_card, version_number
from lstm_sentiment.versions.logged_request import LoggedRequest
from lstm_sentiment.versions.new_words import NewWord, WordCounter
from lstm_sentiment.versions.predictor import SavedModelPredictor

_TEXTS_AT_ONCE = 256


@dataclass(frozen=True)
class DriftCheck:
    """What a check for drift found.

    Attributes:
        version_dir: Folder of the version.
        version: Its number; `None` if the folder's name is not a number.
        texts: Number of live texts.
        found_after: Number of texts after which drift was first found; `None` if it was not.
        log10_e_value: Base-10 logarithm of the highest e-value, which measures the evidence for
            drift; an e-value of `1 / alpha` or more counts as drift.
        alpha: Largest probability of a false alarm, however often the texts are looked at.
        tolerance: Largest difference of a share of texts that is no drift.
        since_text: Number of texts before the ones that `moved` and `new_words` describe.
        moved: The features that moved, the one with the most evidence first; empty without drift.
        new_words: Words that are frequent in the live texts and were rare in training.
    """

    version_dir: Path
    version: int | None
    texts: int
    found_after: int | None
    log10_e_value: float
    alpha: float
    tolerance: float
    since_text: int
    moved: tuple[MovedFeature, ...]
    new_words: tuple[NewWord, ...]

    @property
    def is_drift(self) -> bool:
        """Whether live texts look different from those of training."""
        return self.found_after is not None

    def to_dict(self) -> dict[str, Any]:
        """Returns the JSON object that `models drift --json` prints."""
        return {
            "is_drift": self.is_drift,
            **asdict(self),
            "version_dir": str(self.version_dir),
        }


class _Live(NamedTuple):
    """A live text, with the class and the probability of a known answer."""

    text: str
    answer: tuple[int, float] | None


def load_drift_reference(version_dir: Path) -> DriftReference:
    """Loads what a version's card keeps of training.

    Raises:
        InvalidInputError: If the version keeps nothing, as those of earlier releases.
    """
    return DriftReference.from_card(load_card(version_dir), version_dir)


def check_drift(
    model_dir: str | os.PathLike[str],
    texts: Iterable[str | LoggedRequest],
    *,
    alpha: float = ALPHA,
    tolerance: float = TOLERANCE,
    engine: Engine = "auto",
    progress: Progress = SILENT,
) -> DriftCheck:
    """Compares live texts with what the card of a version keeps of training.

        requests = ls.read_prediction_log("logs/sentiment")
        if ls.check_drift("models/sentiment", requests).is_drift: ...

    Compared are lengths, OOV rates, frequent words, predicted classes and their probabilities. The
    test is sequential: see `lstm_sentiment.drift.e_values`. It assumes that live texts are drawn
    independently of each other, so leave out probes that send the same text again and again.

    Args:
        model_dir: A version's folder, or a servable's base path, of which the highest version is
            taken.
        texts: Live texts in the order in which they came, or the requests of a log. A logged answer
            is taken if this version gave it; other texts are answered anew.
        alpha: Largest probability of a false alarm, however many texts come and however often they
            are looked at.
        tolerance: Largest difference of a share of texts that is no drift.
        engine: As in `SavedModelPredictor`.
        progress: Counts the texts, where their number is known.

    Raises:
        InvalidInputError: If the version keeps nothing of training, there is no text, or a number
            is out of its range.
        ServableNotFoundError: If there is no version; other errors are those of
            `SavedModelPredictor`.
    """
    version_dir = find_version(Path(model_dir))
    reference = load_drift_reference(version_dir)
    test = DriftTest(reference, alpha=alpha, tolerance=tolerance)
    predictor = SavedModelPredictor(version_dir, engine)
    stream, words = DriftStream(test), WordCounter(WINDOW_TEXTS, LATEST_STARTS)
    total = len(texts) if isinstance(texts, Sequence) else 0
    live = _live_texts(texts, version_number(version_dir), predictor.label_names)
    # A log shows its own progress: how many texts it holds is not known.
    with (progress if total else MUTED).step("Comparing texts", total) as advance:
        while part := list(islice(live, _TEXTS_AT_ONCE)):
            given, answers = zip(*part, strict=True)
            stream.add(measure_texts(predictor, given, answers))
            words.add(given)
            advance(len(part))
    if not stream.texts:
        raise InvalidInputError("`texts` must hold at least one text. Received: none.")
    evidence = stream.evidence()
    return DriftCheck(
        version_dir=version_dir,
        version=version_number(version_dir),
        texts=stream.texts,
        found_after=stream.found_after,
        log10_e_value=stream.highest_log_e_value / math.log(10),
        alpha=alpha,
        tolerance=tolerance,
        since_text=evidence.window * WINDOW_TEXTS,
        moved=evidence.moved if stream.found_after is not None else (),
        new_words=words.new_words(reference, evidence.window),
    )


def _live_texts(
    texts: Iterable[str | LoggedRequest], version: int | None, labels: Sequence[str]
) -> Iterator[_Live]:
    for given in texts:
        if isinstance(given, str):
            yield _Live(given, None)
            continue
        is_own = version is not None and given.version == version
        answers = _answers(given, labels) if is_own else None
        for place, text in enumerate(given.texts):
            yield _Live(text, None if answers is None else answers[place])


def _answers(request: LoggedRequest, labels: Sequence[str]) -> list[tuple[int, float]] | None:
    """Returns class and probability of a request's answers; `None` if they are not known."""
    if request.probabilities is None or request.labels is None:
        return None
    if not set(request.labels) <= set(labels):
        return None
    return [
        (labels.index(label), max(row))
        for label, row in zip(request.labels, request.probabilities, strict=True)
    ]


def measure_texts(
    predictor: SavedModelPredictor,
    texts: Sequence[str],
    answers: Sequence[tuple[int, float] | None] | None = None,
) -> MeasuredTexts:
    """Measures what a version's reference is compared with.

    Args:
        predictor: The version.
        texts: At least one.
        answers: Class and probability of each text's answer, where it is known; `None` if none is.
    """
    known = list(answers or [None] * len(texts))
    unknown = [place for place, answer in enumerate(known) if answer is None]
    if unknown:
        predictions = predictor.predict([texts[place] for place in unknown])
        for place, predicted in zip(unknown, predictions, strict=True):
            known[place] = predicted.classification, max(predicted.probabilities)
    classes, confidences = zip(*(answer for answer in known if answer is not None), strict=True)
    statistics = predictor.text_statistics(texts)
    counts = statistics and TokenCounts(*(statistics[name] for name in TokenCounts.OUTPUTS))
    return MeasuredTexts(
        texts,
        oov_rates=counts.oov_rates if counts else None,
        classes=np.array(classes),
        confidences=np.array(confidences),
    )

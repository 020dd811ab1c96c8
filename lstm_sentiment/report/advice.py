"""Advice on the next step, where the scores of a version support it."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lstm_sentiment.report.analysis.version_evaluation import VersionEvaluation
from lstm_sentiment.report.language import Wording
from lstm_sentiment.report.page.card_facts import learning_history
from lstm_sentiment.report.wording import percent
from lstm_sentiment.training.evaluation.intervals import estimate_accuracy

_FEW_TEST_TEXTS = 200
_FEW_TRAINING_TEXTS = 1_000  # the teacher e5 is expected to help where there are fewer
_CUT_OFF, _LEAST_CUT_OFF, _READ_WHOLE = 0.01, 10, 0.99
_FAR_OFF = 0.05
_LEAST_OF_CLASS = 10
_UNKNOWN = 0.05
_SURE, _SURE_MISTAKES = 0.9, 5
_NAMED = 3


@dataclass(frozen=True)
class Advice:
    """One thing to do.

    Attributes:
        reason: What the scores show, and what to do about it: whole sentences.
        command: The command with its flags, without the name of the program.
    """

    reason: str
    command: str


def advice(
    w: Wording, evaluated: VersionEvaluation, card: Mapping[str, Any] | None
) -> list[Advice]:
    """Returns what to do next; each advice has its reason in the numbers, so there may be none.

    Args:
        w: The language.
        evaluated: The scores.
        card: The version's card; `None` without one. May hold anything.
    """
    found = dict(card or {})
    return [
        *_hardly_better_than_one_class(w, evaluated),
        *_few_test_texts(w, evaluated),
        *_rare_classes(w, evaluated, _setting(found, "training", "class_weights")),
        *_best_in_the_last_epoch(w, found),
        *_cut_off(w, evaluated, _setting(found, "model", "max_length")),
        *_unknown_tokens(w, evaluated),
        *_few_training_texts(w, found),
        *_miscalibrated(w, evaluated),
        *_doubtful_labels(w, evaluated),
    ]


def _hardly_better_than_one_class(w: Wording, evaluated: VersionEvaluation) -> Iterator[Advice]:
    label, size = evaluated.facts.largest_class
    share, accuracy = size / evaluated.facts.texts, evaluated.accuracy
    # Few texts tell little: they have an advice of their own.
    known = accuracy.low if evaluated.facts.texts >= _FEW_TEST_TEXTS else accuracy.value
    if known <= share and len(evaluated.facts.classes) > 1:
        yield Advice(
            w(
                "The version may be no better than always predicting {name}, which is correct for "
                "{share}. Check that the columns of texts and labels are the right ones and that "
                "the texts are like those of the training.",
                name=w.label(label),
                share=percent(share),
            ),
            "fit --text-column COLUMN --label-column COLUMN",
        )


def _few_test_texts(w: Wording, evaluated: VersionEvaluation) -> Iterator[Advice]:
    texts, accuracy = evaluated.facts.texts, evaluated.accuracy
    if texts < _FEW_TEST_TEXTS:
        yield Advice(
            w(
                "{texts} are few: the accuracy lies between {low} and {high}. Evaluate on more "
                "labelled texts before you compare versions.",
                texts=w.counted(texts, "text"),
                low=percent(accuracy.low),
                high=percent(accuracy.high),
            ),
            "evaluate --data FILE",
        )


def _rare_classes(
    w: Wording, evaluated: VersionEvaluation, class_weights: object
) -> Iterator[Advice]:
    classes = evaluated.evaluation.classes
    mean = evaluated.facts.texts / len(classes)
    rare = [
        scores
        for scores in classes
        if _LEAST_OF_CLASS <= scores.support <= mean / 2
        and estimate_accuracy(round(scores.recall * scores.support), scores.support).high
        < evaluated.evaluation.accuracy
    ]
    if not rare:
        return
    rare.sort(key=lambda scores: scores.recall)
    names = w.listed(w.label(scores.label) for scores in rare[:_NAMED])
    values = {"names": names, "recall": percent(rare[0].recall)}
    if class_weights == "balanced":
        yield Advice(
            w(
                "Texts of rare classes are missed more often than others ({names}; of one class "
                "only {recall} are found), although they have more weight in training. Label more "
                "texts of these classes.",
                **values,
            ),
            "labels next --pool FILE",
        )
    else:
        yield Advice(
            w(
                "Texts of rare classes are missed more often than others ({names}; of one class "
                "only {recall} are found). Give all classes the same weight in training.",
                **values,
            ),
            "fit --set training.class_weights=balanced",
        )


def _best_in_the_last_epoch(w: Wording, card: Mapping[str, Any]) -> Iterator[Advice]:
    losses = learning_history(card).get("val_loss", [])
    epochs = len(losses)
    if epochs > 1 and losses[-1] == min(losses) and losses[-1] < losses[-2]:
        yield Advice(
            w(
                "The loss on the dev set, the texts that decide when training stops, was lowest in "
                "the last of {epochs} epochs. Training may have ended too early: allow more "
                "epochs.",
                epochs=epochs,
            ),
            f"fit --epochs {2 * epochs}",
        )


def _cut_off(w: Wording, evaluated: VersionEvaluation, max_length: object) -> Iterator[Advice]:
    scores = evaluated.scores
    if scores.sizes is None or not isinstance(max_length, int):
        return
    is_long = scores.sizes.truncated > 0
    long, texts = int(is_long.sum()), evaluated.facts.texts
    if not max(_CUT_OFF * texts, _LEAST_CUT_OFF) <= long < texts:
        return
    of_long, of_others = scores.is_right[is_long].mean(), scores.is_right[~is_long].mean()
    if of_long >= of_others:
        return
    enough = sorted(scores.sizes.tokens.tolist())[math.ceil(_READ_WHOLE * texts) - 1]
    # More than twice as much would cost more than the last few texts are worth.
    advised = min(2 * max_length, math.ceil(enough / 50) * 50)
    yield Advice(
        w(
            "{long} of {texts} are longer than the {max_length} tokens (words or characters) that "
            "the model reads; the rest is cut off. {of_long} of them are classified correctly, "
            "{of_others} of the others. Let the model read more.",
            long=f"{long:,}",
            texts=w.counted(texts, "text"),
            max_length=f"{max_length:,}",
            of_long=percent(float(of_long)),
            of_others=percent(float(of_others)),
        ),
        f"fit --max-length {max(max_length + 50, advised)}",
    )


def _unknown_tokens(w: Wording, evaluated: VersionEvaluation) -> Iterator[Advice]:
    rate = evaluated.evaluation.oov_rate
    if rate is not None and rate > _UNKNOWN:
        yield Advice(
            w(
                "{rate} of the tokens are unknown to the version. Train word vectors on more texts "
                "of this kind; they need no labels.",
                rate=percent(rate),
            ),
            "fit --unlabelled FILE",
        )


def _few_training_texts(w: Wording, card: Mapping[str, Any]) -> Iterator[Advice]:
    given = card.get("data")
    data = given if isinstance(given, Mapping) else {}
    texts = _setting(data, "train", "texts")
    if isinstance(texts, int) and 0 < texts < _FEW_TRAINING_TEXTS and "teacher" not in data:
        yield Advice(
            w(
                "The version learned from {texts}. If you have more texts without labels, let the "
                "teacher e5, a large pretrained model, label them. It needs the extra “teacher”.",
                texts=w.counted(texts, "text"),
            ),
            "fit --teacher e5 --unlabelled FILE",
        )


def _miscalibrated(w: Wording, evaluated: VersionEvaluation) -> Iterator[Advice]:
    error = evaluated.evaluation.calibration_error or 0.0
    stated = float(evaluated.scores.confidences.mean())
    accuracy = evaluated.accuracy
    if error <= _FAR_OFF or accuracy.low <= stated <= accuracy.high:
        return
    values = {"stated": percent(stated), "accuracy": percent(accuracy.value)}
    reason = (
        w(
            "The probabilities are too high: {stated} on average, while {accuracy} of the texts "
            "are classified correctly.",
            **values,
        )
        if stated > accuracy.value
        else w(
            "The probabilities are too low: {stated} on average, while {accuracy} of the texts "
            "are classified correctly.",
            **values,
        )
    )
    yield Advice(
        reason + w(" They are calibrated on the dev set: give one with more texts, like these."),
        "fit --dev-data FILE",
    )


def _doubtful_labels(w: Wording, evaluated: VersionEvaluation) -> Iterator[Advice]:
    scores = evaluated.scores
    sure = int((~scores.is_right & (scores.confidences >= _SURE)).sum())
    contradictory = evaluated.facts.contradictory
    reason = ""
    if sure >= _SURE_MISTAKES:
        mistakes = w.counted(sure, "mistake")
        reason += w("{sure} have a probability of at least 90%. ", sure=mistakes)
    if contradictory:
        texts = w.counted(contradictory, "text")
        reason += w("The same text occurs with several labels, in {texts}. ", texts=texts)
    if reason:
        yield Advice(
            reason + w("Some labels may be wrong: look through them and correct them."),
            "labels check --data FILE --page suspects.html",
        )


def _setting(values: Mapping[str, Any], part: str, name: str) -> object:
    section = values.get(part)
    return section.get(name) if isinstance(section, Mapping) else None

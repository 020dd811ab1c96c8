"""What to do next: each advice has its reason in the numbers, and a command that exists."""

import re
import shlex
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import typer

from lstm_sentiment import VersionEvaluation
from lstm_sentiment.cli.app import app
from lstm_sentiment.pipeline.overrides import setting_types
from lstm_sentiment.report.advice import advice
from lstm_sentiment.report.language import ENGLISH, Wording
from lstm_sentiment.version_folder import TokenCounts
from tests.report.evaluations import make_evaluation


def evaluation(
    right: dict[str, tuple[int, int]], *, stated: float | None = None, text: str = "好的房间"
) -> VersionEvaluation:
    """Classes with their numbers of texts and of right answers; each text is another one.

    All answers have the probability `stated`; without it, mistakes have a low one, and the mean is
    the accuracy.
    """
    names = tuple(right)
    labels, given = [], []
    for label, (texts, number) in enumerate(right.values()):
        labels += [label] * texts
        given += [label if n < number else (label + 1) % len(names) for n in range(texts)]
    accuracy = sum(number for _, number in right.values()) / len(labels)
    low = 0.6 if stated is None else stated
    high = max(low, (accuracy - low * (1 - accuracy)) / accuracy) if stated is None else stated
    tops = np.where(np.array(labels) == given, high, low)
    rows = np.repeat((1 - tops[:, np.newaxis]) / (len(names) - 1), len(names), axis=1)
    rows[np.arange(len(labels)), given] = tops
    return make_evaluation(
        [f"{text}{n}" for n in range(len(labels))], labels, rows.tolist(), names=names
    )


def commands(evaluated: VersionEvaluation, card: dict[str, Any] | None = None) -> list[str]:
    return [one.command for one in advice(ENGLISH, evaluated, card)]


GOOD = {"a": (300, 255), "b": (300, 255)}


def test_good_scores_need_no_advice() -> None:
    card = {
        "data": {"train": {"texts": 5000}},
        "history": {"val_loss": [0.4, 0.3, 0.31]},
        "model": {"max_length": 200},
    }
    assert commands(evaluation(GOOD), card) == []
    assert commands(evaluation(GOOD)) == []


def test_few_test_texts_are_too_few_to_compare() -> None:
    (one,) = advice(ENGLISH, evaluation({"a": (50, 45), "b": (50, 45)}), None)
    assert one.command == "evaluate --data FILE"
    assert one.reason.startswith("100 texts are few: the accuracy lies between 82.6% and 94.5%.")


RARE = {"a": (400, 380), "b": (400, 380), "c": (40, 12)}


@pytest.mark.parametrize(
    ("card", "command"),
    [
        (None, "fit --set training.class_weights=balanced"),
        (
            {"training": {"class_weights": "none"}},
            "fit --set training.class_weights=balanced",
        ),
        ({"training": {"class_weights": "balanced"}}, "labels next --pool FILE"),
    ],
)
def test_a_rare_class_that_is_missed_gets_weight_or_texts(
    card: dict[str, Any] | None, command: str
) -> None:
    (one,) = advice(ENGLISH, evaluation(RARE), card)
    assert one.command == command
    assert "(c; of one class only 30.0% are found)" in one.reason


def test_a_rare_class_that_may_be_as_good_as_the_others_gets_no_advice() -> None:
    assert commands(evaluation({**RARE, "c": (40, 36)})) == []
    assert commands(evaluation({**RARE, "c": (3, 2)})) == []


def test_the_best_epoch_was_the_last() -> None:
    card = {"history": {"val_loss": [0.4, 0.3, 0.25]}}
    assert commands(evaluation(GOOD), card) == ["fit --epochs 6"]
    for losses in ([0.4, 0.25, 0.25], [0.4], [0.25, 0.4]):
        assert commands(evaluation(GOOD), {"history": {"val_loss": losses}}) == []


def with_long(evaluated: VersionEvaluation, *, wrong: bool) -> VersionEvaluation:
    """Makes thirty texts longer than the model reads: wrongly classified ones, or others."""
    scores = evaluated.scores
    chosen = np.flatnonzero(scores.is_right != wrong)[:30]
    tokens = np.full(len(scores.corpus), 50)
    tokens[chosen] = 333
    sizes = TokenCounts(tokens, np.maximum(0, tokens - 200), np.zeros_like(tokens))
    return VersionEvaluation(replace(scores, sizes=sizes), 0, 0, None)


def test_long_texts_that_are_wrong_are_read_further() -> None:
    card = {"model": {"max_length": 200}}
    (one,) = advice(ENGLISH, with_long(evaluation(GOOD), wrong=True), card)
    assert one.command == "fit --max-length 350"
    assert one.reason.startswith("30 of 600 texts are longer than the 200 tokens")
    assert commands(with_long(evaluation(GOOD), wrong=False), card) == []
    assert commands(with_long(evaluation(GOOD), wrong=True), {}) == []


def test_very_long_texts_are_not_read_to_their_end() -> None:
    evaluated = with_long(evaluation(GOOD), wrong=True)
    sizes = evaluated.scores.sizes
    assert sizes is not None
    longer = replace(evaluated.scores, sizes=replace(sizes, tokens=sizes.tokens * 20))
    (one,) = advice(ENGLISH, replace(evaluated, scores=longer), {"model": {"max_length": 200}})
    assert one.command == "fit --max-length 400"


def test_unknown_words_are_learned_from_more_texts() -> None:
    assert commands(evaluation(GOOD, text="????好")) == ["fit --unlabelled FILE"]


def test_few_training_texts_get_a_teacher_unless_they_had_one() -> None:
    few = {"train": {"texts": 800}}
    assert commands(evaluation(GOOD), {"data": few}) == ["fit --teacher e5 --unlabelled FILE"]
    assert commands(evaluation(GOOD), {"data": {**few, "teacher": {}}}) == []


@pytest.mark.parametrize(("stated", "word"), [(0.97, "high"), (0.7, "low")])
def test_probabilities_that_are_off_need_a_better_dev_set(stated: float, word: str) -> None:
    found = advice(ENGLISH, evaluation(GOOD, stated=stated), None)
    assert found[0].command == "fit --dev-data FILE"
    assert found[0].reason.startswith(f"The probabilities are too {word}: {stated:.1%} on average")


def test_sure_mistakes_may_be_wrong_labels() -> None:
    found = advice(ENGLISH, evaluation(GOOD, stated=0.97), None)
    assert found[1].command == "labels check --data FILE --page suspects.html"
    assert found[1].reason.startswith("90 mistakes have a probability of at least 90%.")


def test_few_texts_do_not_tell_that_a_version_learned_nothing() -> None:
    assert commands(evaluation({"a": (70, 65), "b": (30, 15)})) == ["evaluate --data FILE"]


def test_a_version_that_learned_nothing_is_told() -> None:
    (one,) = advice(ENGLISH, evaluation({"a": (300, 300), "b": (300, 0)}, stated=0.51), None)
    assert "no better than always predicting a, which is correct for 50.0%" in one.reason


@pytest.mark.parametrize(
    "card",
    [
        {"data": 3, "history": None, "model": [], "training": "x"},
        {"data": {"train": 3}, "history": {"val_loss": "x"}, "model": {"max_length": "x"}},
    ],
)
def test_a_card_of_another_program_does_no_harm(card: dict[str, Any]) -> None:
    assert commands(evaluation(GOOD), card) == []


def test_every_command_exists_in_both_languages() -> None:
    evaluations: list[tuple[VersionEvaluation, dict[str, Any]]] = [
        (evaluation(RARE, stated=0.99, text="???"), {"data": {"train": {"texts": 5}}}),
        (evaluation({"a": (50, 50), "b": (50, 0)}), {"history": {"val_loss": [2.0, 1.0]}}),
        (with_long(evaluation(GOOD), wrong=True), {"model": {"max_length": 200}}),
        (evaluation(RARE), {"training": {"class_weights": "balanced"}}),
    ]
    found = [one for each, card in evaluations for one in advice(ENGLISH, each, card)]
    chinese = [one for each, card in evaluations for one in advice(Wording("zh"), each, card)]
    assert [one.command for one in found] == [one.command for one in chinese]
    assert not [one.reason for one in chinese if re.search(r"[a-z]{2,} [a-z]{2,}", one.reason)]
    assert len({one.command for one in found}) >= 8
    for one in found:
        command: Any = typer.main.get_command(app)
        words = shlex.split(one.command)
        while words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        flags = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= flags, one.command
        for name in re.findall(r"--set ([\w.]+)=", one.command):
            assert name in setting_types()

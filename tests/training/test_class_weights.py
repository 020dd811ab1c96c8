"""Rare classes weigh more where that finds more of them, and costs no accuracy."""

import pytest

from lstm_sentiment import Corpus, FitResult, TrainingConfig, Vocabulary, fit, make_tokenizer
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.training.class_weights import class_weights_of
from tests.recorder import Recorder

TOKENIZER = make_tokenizer("whitespace", Vocabulary(["mixed", "fine", "poor"]))
MODEL = ModelConfig(lstm_units=2, bidirectional=False, pooling="last", ngrams=0)


def texts(word: str, label: str, count: int) -> list[tuple[str, str]]:
    """Different texts of one known word."""
    return [(f"{word} {word}{label}{number}", label) for number in range(count)]


def trained(rows: list[tuple[str, str]], dev: list[tuple[str, str]]) -> tuple[FitResult, str]:
    recorder = Recorder()
    train = Corpus.from_rows(rows)
    result = fit(
        train,
        Corpus.from_rows(dev, train.label_names),
        tokenizer=TOKENIZER,
        model=MODEL,
        training=TrainingConfig(
            epochs=1, batch_size=64, cross_validation="off", class_weights="auto"
        ),
        progress=recorder,
    )
    said = [line for line in recorder.said if line.startswith("Class weights: ")]
    return result, "".join(said)


def test_classes_are_balanced_where_that_finds_the_rare_class_at_no_cost() -> None:
    # Texts of the word "mixed" are of either class. As many of the rare class as are to be had.
    rows = [*texts("mixed", "bad", 10), *texts("mixed", "good", 12), *texts("fine", "good", 40)]
    result, line = trained(rows, rows[::10])
    assert result.training.class_weights == "balanced"
    assert line.startswith("Class weights: balanced. A linear classifier has accuracy ")


def test_classes_are_not_balanced_where_that_costs_accuracy() -> None:
    rows = [*texts("mixed", "bad", 4), *texts("mixed", "good", 40), *texts("fine", "good", 10)]
    result, line = trained(rows, rows[::10])
    assert result.training.class_weights == "none"
    assert "with balanced classes" in line


def test_classes_of_the_same_size_need_no_choice() -> None:
    rows = [*texts("poor", "bad", 10), *texts("fine", "good", 11)]
    result, line = trained(rows, rows[::4])
    assert result.training.class_weights == "none"
    assert line == ""


def test_balanced_class_weights_make_all_classes_weigh_alike() -> None:
    labels = [0] * 6 + [1] * 2
    weights = class_weights_of(labels, 3, "balanced")
    assert weights is not None
    assert weights[0] * 6 == pytest.approx(weights[1] * 2)
    assert sum(weights[label] for label in labels) == pytest.approx(len(labels))
    assert weights[2] == 1
    assert class_weights_of(labels, 3, "none") is None

"""What training keeps of its texts, for live texts to be compared with."""

from dataclasses import replace
from typing import Literal

import pytest

from lstm_sentiment import Corpus, FitResult, TrainingConfig, Vocabulary, fit, make_tokenizer
from lstm_sentiment.drift.reference import DriftReference
from lstm_sentiment.model.config import ModelConfig

TOKENIZER = make_tokenizer("whitespace", Vocabulary(["good", "bad", "very"]))
TRAIN = Corpus.from_rows([(f"good {n} good", "1") for n in range(6)] + [("bad " * 5, "0")] * 6)
DEV = Corpus.from_rows([("good", "1"), ("very new words", "1"), ("very bad", "0"), ("bad", "0")])
HELD_OUT = Corpus.from_rows([("good", "1"), ("other words", "0")])
MODEL = ModelConfig(lstm_units=3, bidirectional=False, pooling="last", ngrams=0)


def trained(cross_validation: Literal["off"] | int) -> FitResult:
    training = TrainingConfig(epochs=1, batch_size=8)
    training = replace(training, cross_validation=cross_validation)
    return fit(TRAIN, DEV, tokenizer=TOKENIZER, model=MODEL, training=training)


@pytest.fixture(scope="module")
def result() -> FitResult:
    return trained("off")


def counted(result: FitResult, group: str) -> dict[str, int]:
    reference = known(result)
    return {
        reference.features.name(group, at): int(count)
        for at, count in enumerate(reference.tally.counts[group])
    }


def known(result: FitResult) -> DriftReference:
    assert result.drift_reference is not None
    return result.drift_reference


def test_lengths_and_words_are_those_of_all_texts(result: FitResult) -> None:
    assert counted(result, "words")["with the word 'good'"] == 7
    assert counted(result, "length")["longer than 15 characters"] == 6
    assert known(result).tally.texts["words"] == 16


def test_answers_are_those_to_the_dev_texts(result: FitResult) -> None:
    texts = known(result).tally.texts
    assert texts["classes"] == texts["confidence"] == texts["oov_rate"] == 4
    assert sum(counted(result, "classes").values()) == 4
    # Of "very new words", two in three tokens are unknown.
    assert counted(result, "oov_rate")["with more than 50% of tokens out of the vocabulary"] == 1


def test_held_out_texts_add_their_answers(result: FitResult) -> None:
    scores, more = result.evaluate_held_out(HELD_OUT)
    assert scores == result.evaluate(HELD_OUT)
    assert known(more).tally.texts["classes"] == known(more).tally.texts["oov_rate"] == 6
    assert known(more).tally.texts["words"] == 16
    assert known(result).tally.texts["classes"] == 4


def test_after_a_cross_validation_answers_are_those_of_the_folds() -> None:
    result = trained(2)
    texts = known(result).tally.texts
    assert texts["classes"] == texts["confidence"] == sum(map(sum, result.dev.confusion_matrix))
    # The vocabulary may know all of their words.
    assert "oov_rate" not in texts
    _, more = result.evaluate_held_out(HELD_OUT)
    assert known(more).tally.texts["oov_rate"] == 2

"""How much a teacher counts where a text has a label too: as much as helps with unseen texts."""

import numpy as np
import pytest

from lstm_sentiment import Corpus, TrainingConfig, Vocabulary, fit, make_tokenizer
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.text.corpus.soft_labels import SoftLabels
from tests.recorder import Recorder

NAMES = ("bad", "good")
WORDS = ("poor", "fine")
TOKENIZER = make_tokenizer("whitespace", Vocabulary([*WORDS, *(f"n{n}" for n in range(20))]))
MODEL = ModelConfig(lstm_units=2, bidirectional=False, pooling="last", ngrams=0)


def corpus(count: int, first: int, wrong: float = 0.0) -> Corpus:
    """Texts whose first word says the class; a share of the labels is wrong."""
    labels = np.arange(first, first + count) % 2
    flips = np.random.default_rng(first).random(count) < wrong
    rows = [
        (f"{WORDS[label]} n{place % 20} n{place // 20} n{(place * 7) % 20}", NAMES[label ^ flip])
        for place, (label, flip) in enumerate(zip(labels, flips, strict=True))
    ]
    return Corpus.from_rows(rows, NAMES)


def settled(
    train: Corpus, dev: Corpus, soft: SoftLabels | None, training: TrainingConfig | None = None
) -> tuple[object, list[str]]:
    recorder = Recorder()
    result = fit(
        train,
        dev,
        tokenizer=TOKENIZER,
        model=MODEL,
        training=training or TrainingConfig(epochs=1, cross_validation="off"),
        soft_labels=soft,
        progress=recorder,
    )
    said = [line for line in recorder.said if line.startswith("Teacher: its share")]
    return result.training.teacher_weight, said


def judged(texts: Corpus, right: bool) -> SoftLabels:
    """A teacher that goes by the first word, or one that says the contrary."""
    says_good = np.array([text.startswith("fine") == right for text in texts.texts])
    rows = np.where(says_good[:, None], [0.1, 0.9], [0.9, 0.1]).astype(np.float32)
    return SoftLabels(tuple(texts.texts), rows, NAMES)


def test_a_teacher_that_knows_better_than_noisy_labels_counts_more() -> None:
    train, dev = corpus(300, 0, wrong=0.4), corpus(240, 300)
    weight, said = settled(train, dev, judged(train, right=True))
    assert isinstance(weight, float) and weight > 0.5
    assert said[0].startswith(f"Teacher: its share is {weight:g} where a text has a label too. ")


def test_a_teacher_that_is_wrong_never_counts_more_than_labels() -> None:
    train, dev = corpus(300, 0), corpus(240, 300)
    weight, _ = settled(train, dev, judged(train, right=False))
    assert isinstance(weight, float) and weight <= 0.5


def test_a_teacher_of_other_texts_alone_leaves_nothing_to_choose() -> None:
    train, dev = corpus(60, 0), corpus(30, 300)
    others = Corpus.from_rows([("fine n1 n2 n3 n4", "good")], NAMES)
    assert settled(train, dev, judged(others, right=True)) == (0.5, [])


def test_a_share_that_is_given_stays() -> None:
    train, dev = corpus(60, 0), corpus(30, 300)
    given = TrainingConfig(epochs=1, cross_validation="off", teacher_weight=0.2)
    assert settled(train, dev, judged(train, right=True), given) == (0.2, [])
    assert settled(train, dev, None)[0] == "auto"


@pytest.mark.parametrize("wrong", [-0.1, 1.1, "best", True])
def test_a_share_is_auto_or_from_0_to_1(wrong: object) -> None:
    with pytest.raises(InvalidInputError, match="`teacher_weight` must be from 0 to 1 or 'auto'"):
        TrainingConfig(teacher_weight=wrong)  # type: ignore[arg-type]

"""How sure a teacher is taken to be: as often as it is right on labelled texts."""

import numpy as np
import pytest

from lstm_sentiment import Corpus, TrainingConfig
from lstm_sentiment.text.corpus.soft_labels import SoftLabels
from lstm_sentiment.training.inputs.soft_targets import tempered
from lstm_sentiment.training.inputs.teacher_temperature import FEWEST_TEXTS, settle_teacher
from tests.recorder import Recorder

NAMES = ("0", "1")


def corpus(name: str, size: int) -> Corpus:
    return Corpus.from_rows([(f"{name} {n}", str(n % 2)) for n in range(size)], NAMES)


def judged(texts: Corpus, *, right: float, sure: float) -> SoftLabels:
    """A teacher that is right on this share of the texts, and gives its class this probability."""
    is_right = np.arange(len(texts)) < right * len(texts)
    classes = np.where(is_right, texts.labels, 1 - np.array(texts.labels))
    rows = np.full((len(texts), 2), 1 - sure, np.float32)
    rows[np.arange(len(texts)), classes] = sure
    return SoftLabels(tuple(texts.texts), rows, NAMES)


def settled(
    soft: SoftLabels | None, train: Corpus, dev: Corpus, training: TrainingConfig | None = None
) -> object:
    return settle_teacher(training or TrainingConfig(), train, dev, soft).teacher_temperature


@pytest.mark.parametrize("sure", [0.6, 0.95, 1.0])
def test_dev_texts_tell_how_sure_a_teacher_may_be(sure: float) -> None:
    dev, recorder = corpus("dev", 400), Recorder()
    soft = judged(dev, right=0.8, sure=sure)
    training = settle_teacher(TrainingConfig(), corpus("train", 9), dev, soft, recorder)
    assert isinstance(training.teacher_temperature, float)
    tempered_rows = tempered(soft.probabilities, training.teacher_temperature)
    np.testing.assert_allclose(tempered_rows.max(axis=1), 0.8, atol=0.02)
    [line] = recorder.said
    assert line.startswith("Teacher: right on 80.0% of 400 dev texts; the temperature of its")
    assert line.endswith(f" is {training.teacher_temperature:g}")


@pytest.mark.parametrize(("sure", "gets_softer"), [(0.6, False), (0.95, True)])
def test_training_texts_can_only_make_a_teacher_softer(sure: float, gets_softer: bool) -> None:
    train, dev = corpus("train", 100), corpus("dev", FEWEST_TEXTS - 1)
    temperature = settled(judged(train, right=0.8, sure=sure), train, dev)
    assert (temperature != 1) == gets_softer
    assert isinstance(temperature, float) and temperature >= 1


def test_few_labelled_texts_tell_nothing() -> None:
    train, dev = corpus("train", FEWEST_TEXTS - 1), corpus("dev", 5)
    assert settled(judged(train, right=0.8, sure=0.99), train, dev) == 1


def test_a_temperature_that_is_given_stays() -> None:
    dev = corpus("dev", 400)
    soft = judged(dev, right=0.8, sure=0.99)
    given = TrainingConfig(teacher_temperature=2.5)
    assert settled(soft, corpus("train", 9), dev, given) == 2.5
    assert settled(None, corpus("train", 9), dev) == "auto"

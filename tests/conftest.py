"""Fixtures that several rooms share."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest
import tensorflow as tf
from hypothesis import settings

from lstm_sentiment.export import servable, signatures
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.text.corpus import Corpus
from lstm_sentiment.text.tokenizer import make_tokenizer
from lstm_sentiment.text.words import build_vocabulary
from lstm_sentiment.training.config import StrategyName, TrainingConfig
from lstm_sentiment.training.fit import fit
from lstm_sentiment.training.fit_result import FitResult
from tests.corpora import hotel_like

# Two logical devices on one CPU: enough to run MirroredStrategy for real. Must come before
# TensorFlow computes anything.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

# Time on a busy machine says nothing; the first call of an op is slow anywhere.
settings.register_profile("lstm_sentiment", deadline=None, max_examples=50)
settings.load_profile("lstm_sentiment")

REPOSITORY = Path(__file__).parent.parent


def pytest_collection_finish() -> None:
    """Spares each garbage collection a look at all that was imported, which stays."""
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def _light_exports(request: pytest.FixtureRequest) -> Iterator[None]:
    """Exports in half the time: without gradients in `explain`, without warmup requests.

    A module that needs the whole of them says `WHOLE_EXPORTS = True`.
    """
    if getattr(request.module, "WHOLE_EXPORTS", False):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signatures, "make_attributions", lambda model, vectors: _no_attributions)
        patch.setattr(servable, "save_warmup_requests", lambda path, tokenizer, max_length: None)
        yield


def _no_attributions(token_ids: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    return tf.zeros(tf.shape(token_ids))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real corpora; tests that need it are skipped where it is absent."""
    default = REPOSITORY.parent / "shared" / "data"
    folder = Path(os.environ.get("LSTM_SENTIMENT_TEST_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"needs the real corpora: {folder} is absent (LSTM_SENTIMENT_TEST_DATA)")
    return folder


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """240 short made-up hotel reviews of three classes, all different."""
    return hotel_like(240)


@pytest.fixture(scope="session")
def fitted(corpus: Corpus) -> FitResult:
    """A small classifier, trained for real in a few seconds."""
    return fit_small(corpus)


def fit_small(corpus: Corpus, *, strategy: StrategyName = "default", seed: int = 0) -> FitResult:
    train, dev, _ = corpus.split(seed=0)
    tokenizer = make_tokenizer("unigram", build_vocabulary(train.texts, "unigram"))
    return fit(
        train,
        dev,
        tokenizer=tokenizer,
        model=ModelConfig(lstm_units=8, max_length=20),
        training=TrainingConfig(
            epochs=4, batch_size=16, learning_rate=0.01, strategy=strategy, seed=seed
        ),
    )

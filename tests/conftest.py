"""Fixtures that several rooms share."""

import gc
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lstm_sentiment.cli import verbosity
from tests.corpora import hotel_like

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

if TYPE_CHECKING:
    import tensorflow as tf

    from lstm_sentiment.text.corpus.corpus import Corpus
    from lstm_sentiment.training.fit_result import FitResult

REPOSITORY = Path(__file__).parent.parent

# They run in an environment of their own: see .ci/core_only.
collect_ignore = ["core_only"]

# By the time that they take: where several processes share them out, none ends long before another.
LONGEST_FIRST = (
    "integration/test_distributed.py",
    "cli/test_commands.py",
    "integration/test_no_skew.py",
    "integration/test_pipeline.py",
    "documentation/test_snippets.py",
    "model/test_recurrence.py",
    "integration/test_page.py",
    "serving/light/tokenization/test_tokenizer.py",
    "training/test_fit.py",
    "integration/test_score_ray.py",
    "export/test_signatures.py",
    "test_examples.py",
    "integration/test_end_to_end.py",
    "training/test_resume.py",
    "model/test_sentiment_model.py",
    "test_gpu_check.py",
    "serving/shadow/test_shadow_serving.py",
    "text/test_tokenizer.py",
    "text/vectors/test_files.py",
    "training/test_steps.py",
    "export/test_inference_network.py",
    "integration/test_resume.py",
    "serving/saved_model/test_loader.py",
    "integration/test_model_server.py",
    "training/inputs/test_batches.py",
    "serving/test_server.py",
    "cli/test_score_command.py",
    "training/test_snapshots.py",
    "integration/test_export_along_the_way.py",
    "cli/test_tune_command.py",
    "export/test_servable.py",
    "model/test_embedding_storage.py",
    "cli/test_vectors_command.py",
    "cli/test_launch_command.py",
    "tuning/test_search.py",
    "pipeline/test_preparation.py",
    "integration/test_faults.py",
)


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        return  # this process hands the tests out, and need not wait for TensorFlow
    import tensorflow as tf
    from hypothesis import settings

    # Two logical devices on one CPU: enough to run MirroredStrategy for real. Must come before
    # TensorFlow computes anything.
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    # Time on a busy machine says nothing; the first call of an op is slow anywhere.
    settings.register_profile("lstm_sentiment", deadline=None, max_examples=50)
    settings.load_profile("lstm_sentiment")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {REPOSITORY / "tests" / name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


def pytest_collection_finish() -> None:
    """Spares each garbage collection a look at all that was imported, which stays."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _verbosity_as_before() -> Iterator[None]:
    """Resets `--quiet` and `--verbose`, which a command in a test chooses for the whole process.

    The tests that follow in a process depend on how the modules are shared out.
    """
    loggers = [logging.getLogger(name) for name in ("", "lstm_sentiment", "tensorflow")]
    before = [(logger.level, logger.handlers[:]) for logger in loggers]
    yield
    if verbosity.is_quiet() or verbosity.is_verbose():
        verbosity.begin()
    for logger, (level, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.fixture(scope="module", autouse=True)
def _what_stays_is_not_looked_at() -> None:
    """Frees what the last module left; each version that is unloaded looks through all else."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def _light_exports(request: pytest.FixtureRequest) -> Iterator[None]:
    """Exports in half the time: without gradients in `explain`, without warmup requests.

    A module that needs the whole of them says `WHOLE_EXPORTS = True`.
    """
    from lstm_sentiment.export import servable, signatures

    if getattr(request.module, "WHOLE_EXPORTS", False):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signatures, "make_attributions", _no_attributions)
        patch.setattr(servable, "save_warmup_requests", lambda *_: None)
        yield


def _no_attributions(
    model: object, vectors: object, width: int
) -> "Callable[[tf.Tensor, tf.Tensor], tf.Tensor]":
    import tensorflow as tf

    return lambda token_ids, classes: tf.zeros((tf.shape(token_ids)[0], width))


@pytest.fixture(scope="module", autouse=True)
def _graphs_as_written(request: pytest.FixtureRequest) -> Iterator[None]:
    """Runs graphs as they are written: to optimize them takes longer than a short training.

    A module that wants them as users have them says `OPTIMIZED_GRAPHS = True`. Versions are served
    as they are written in any case.
    """
    with optimized_graphs(getattr(request.module, "OPTIMIZED_GRAPHS", False)):
        yield


@contextmanager
def optimized_graphs(wanted: bool) -> Iterator[None]:
    import tensorflow as tf

    before = tf.config.optimizer.get_experimental_options()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": not wanted})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False, **before})


@pytest.fixture(scope="module")
def versions_loaded_once() -> Iterator[None]:
    """Loads a version, and makes it ready for its first answers, once: that is what takes long."""
    from lstm_sentiment.serving.saved_model import loader, saved_model
    from tests.exported import loaded_once

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "load_saved_model", loaded_once(saved_model.load_saved_model))
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real corpora; tests that need it are skipped where it is absent."""
    default = REPOSITORY.parent / "shared" / "data"
    folder = Path(os.environ.get("LSTM_SENTIMENT_TEST_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"needs the real corpora: {folder} is absent (LSTM_SENTIMENT_TEST_DATA)")
    return folder


@pytest.fixture(scope="session")
def corpus() -> "Corpus":
    """240 short made-up hotel reviews of three classes, all different."""
    return hotel_like(240)


@pytest.fixture(scope="session")
def fitted(corpus: "Corpus") -> "FitResult":
    """A small classifier, trained for real in a few seconds."""
    return fit_small(corpus)


def fit_small(corpus: "Corpus") -> "FitResult":
    from lstm_sentiment.model.config import ModelConfig
    from lstm_sentiment.text.tokenizer import make_tokenizer
    from lstm_sentiment.text.words import build_vocabulary
    from lstm_sentiment.training.config import TrainingConfig
    from lstm_sentiment.training.fit import fit

    train, dev, _ = corpus.split(seed=0)
    tokenizer = make_tokenizer("unigram", build_vocabulary(train.texts, "unigram"))
    with optimized_graphs(False):  # to the same bits, whichever module asks first
        return fit(
            train,
            dev,
            tokenizer=tokenizer,
            model=ModelConfig(lstm_units=8, max_length=20),
            training=TrainingConfig(
                cross_validation="off", epochs=4, batch_size=16, learning_rate=0.01
            ),
        )

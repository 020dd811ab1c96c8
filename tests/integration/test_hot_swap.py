"""Versions come and go under load, as long as one likes."""

import gc
import os
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from lstm_sentiment.client.predict_client import PredictClient
from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.saved_model.loader import SavedModelLoader
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions
from tests.serving.saved_models import copy_version, save_version

SWAPS, CALLERS = 12, 3
TIMEOUT_SECONDS = 60
BALLAST_BYTES = 32 * 2**20


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Two versions that tell themselves apart."""
    folder = tmp_path_factory.mktemp("saved")
    return {version: save_version(folder, version) for version in (1, 2)}


class Callers:
    """Threads that ask without a pause and keep every answer and every error."""

    def __init__(self, server: ModelServer) -> None:
        self.answers: list[tuple[int | None, str]] = []
        self.errors: list[Exception] = []
        self._ending = threading.Event()
        self._answered = threading.Condition()
        self._address = f"127.0.0.1:{server.port}"
        self._threads = [threading.Thread(target=self._ask) for _ in range(CALLERS)]

    def __enter__(self) -> "Callers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS)

    def are_answered_by(self, version: int) -> bool:
        """Waits until a version has answered somebody."""
        with self._answered:
            return self._answered.wait_for(
                lambda: any(answer[0] == version for answer in reversed(self.answers)),
                TIMEOUT_SECONDS,
            )

    def _ask(self) -> None:
        with PredictClient(self._address, "sentiment", max_retries=0, timeout_seconds=60) as client:
            while not self._ending.is_set():
                try:
                    [answer] = client.predict(["a"])
                except Exception as error:
                    self.errors.append(error)
                else:
                    with self._answered:
                        self.answers.append((answer.model_version, answer.label))
                        self._answered.notify_all()


@pytest.mark.parametrize("batching", [None, BatchingParameters(num_batch_threads=2)])
def test_versions_are_swapped_under_load_without_a_failed_or_a_wrong_answer(
    tmp_path: Path, saved: dict[int, Path], batching: BatchingParameters | None
) -> None:
    base_path = tmp_path / "sentiment"
    base_path.mkdir()
    copy_version(saved[1], base_path, 1)
    config = single_model_config("sentiment", base_path)
    options = ServerOptions(file_system_poll_wait_seconds=0, batching=batching)
    with (
        ModelServer(config, options, port=0, rest_api_port=None) as server,
        Callers(server) as callers,
    ):
        assert callers.are_answered_by(1)
        for version in range(2, SWAPS + 2):
            copy_version(saved[version % 2 or 2], base_path, version)
            server.poll_now()
            assert server.wait_until(partial(has_taken_over, version), TIMEOUT_SECONDS)
            assert callers.are_answered_by(version)
    assert callers.errors == []
    assert all(label == f"v{version % 2 or 2}:a" for version, label in callers.answers if version)


def has_taken_over(version: int, states: Sequence[ServableState]) -> bool:
    found = {state.id.version: state.state for state in states}
    return (
        found[version] is ManagerState.AVAILABLE
        and found.get(version - 1, ManagerState.END) is ManagerState.END
    )


class Heavy(tf.Module):
    """Answers ids from a large table, looked up by a hash table of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.ballast = tf.Variable(tf.ones([BALLAST_BYTES // 4]))
        keys = tf.constant([b"a", b"b"])
        values = tf.constant([1, 2], tf.int64)
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(keys, values), default_value=0
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def serving_default(self, text: Any) -> dict[str, Any]:
        return {"score": tf.gather(self.ballast, self.table.lookup(text))}


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("heavy") / "1"
    module = Heavy()
    tf.saved_model.save(module, str(path), signatures=module.serving_default)
    yield path


def test_memory_after_50_loads_and_unloads_is_that_after_5(heavy: Path) -> None:
    used = {}
    for cycle in range(1, 51):
        loader = SavedModelLoader(ServableId("heavy", 1), heavy)
        servable = loader.load()
        answer = servable.run("serving_default", {"text": np.array([b"a", b"?"], object)})
        assert answer["score"].tolist() == [1, 1]
        loader.unload()
        del servable, loader
        if cycle in (5, 50):
            gc.collect()
            used[cycle] = resident_bytes()
    # Beside the libraries, a fifth of what is used would hide a leak: less than one version.
    assert used[50] - used[5] < BALLAST_BYTES / 2


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")

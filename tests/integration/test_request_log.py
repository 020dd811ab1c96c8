"""`serve` with a request log, in processes that are stopped, killed or out of space."""

import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.protobuf import text_format

from lstm_sentiment import FitResult
from lstm_sentiment.protocol.prediction_log_pb2 import PredictionLog
from lstm_sentiment.protocol.tfrecord import read_records
from tests.conftest import REPOSITORY
from tests.exported import add_version
from tests.integration.worker_processes import (
    TIMEOUT_SECONDS,
    Callers,
    Served,
    ask,
    config_of,
    serving,
)

TEXTS = ["房间很干净，服务非常好", "早餐真的差", "位置 一般😀"]
LIGHT = ("--engine", "light")


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
def config(tmp_path: Path, logs: Path, fitted: FitResult) -> Path:
    base_path = tmp_path / "sentiment"
    base_path.mkdir()
    add_version(base_path, 1, fitted)
    message = config_of(base_path, 1)
    logging = message.model_config_list.config[0].logging_config
    logging.log_collector_config.type = "file"
    logging.log_collector_config.filename_prefix = str(logs / "requests")
    logging.sampling_config.sampling_rate = 1
    path = tmp_path / "models.config"
    path.write_text(text_format.MessageToString(message), "utf-8")
    return path


@pytest.fixture
def served(config: Path) -> Iterator[Served]:
    with serving(config, *LIGHT, "--workers", "1") as served:
        yield served


def logged(logs: Path, torn: list[Path] | None = None) -> list[tuple[str, float]]:
    """Each logged text, with the probability of its first class."""
    found = []
    for path in sorted(logs.iterdir()):
        for record in read_records(path, when_torn=_noting(path, torn)):
            log = PredictionLog.FromString(record).predict_log
            (text,) = log.request.inputs["text"].string_val
            (first, *_) = log.response.outputs["probabilities"].float_val
            found.append((text.decode(), first))
    return found


def _noting(path: Path, torn: list[Path] | None) -> Callable[[int], None] | None:
    return None if torn is None else lambda at: torn.append(path)


def answered(callers: Callers) -> list[tuple[str, float]]:
    return [
        (text, answer.outputs["probabilities"].float_val[0]) for text, answer in callers.answers
    ]


def wait_until_written(served: Served, count: int) -> None:
    end = time.monotonic() + TIMEOUT_SECONDS
    while served.state()["request_log"][0]["written"] < count:
        assert time.monotonic() < end


def test_each_answer_of_all_workers_is_in_a_file_once_they_have_ended(
    config: Path, logs: Path
) -> None:
    with serving(config, *LIGHT) as served:
        pids = served.pids()
        with Callers(served, TEXTS, 8) as callers:
            assert callers.have_more_answers(200)
            # Whoever is answered while the server stops is logged too.
            served.process.terminate()
            assert served.process.wait(TIMEOUT_SECONDS) == 0
    found, expected = Counter(logged(logs)), Counter(answered(callers))
    assert not expected - found
    # No more than one a caller can have been under way when the connections were closed.
    assert (found - expected).total() <= 8
    writers = {int(path.name.split("-")[2]) for path in logs.iterdir()}
    assert writers <= set(pids)
    assert len(writers) > 1, "all eight connections at one of two workers: once in 128 times"


def test_a_killed_server_leaves_whole_records(served: Served, logs: Path) -> None:
    with served.channel() as channel:
        ask(channel, "第一")
    wait_until_written(served, 1)
    with Callers(served, TEXTS, 4) as callers:
        assert callers.have_more_answers(100)
        served.process.kill()
        served.process.wait(TIMEOUT_SECONDS)
    torn: list[Path] = []
    found = logged(logs, torn)
    assert found[0][0] == "第一"
    assert {text for text, _ in found[1:]} <= set(TEXTS)
    assert len(torn) <= 1


def test_a_full_disk_stops_the_log_once_and_fails_no_request(served: Served, logs: Path) -> None:
    limit = 4096
    # As of a disk: no file of the process may grow beyond.
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (limit, limit))
    with Callers(served, TEXTS, 4) as callers:
        assert callers.have_more_answers(300)
    assert not callers.errors
    served.lines.wait_for(r"ERROR the request log .*/requests is stopped: File too large")
    (entry,) = served.state()["request_log"]
    assert entry["stopped"] == "File too large"
    assert (entry["stops"], entry["dropped"]) == (1, 0)
    assert entry["failed"] > 0
    metrics = served.get("/monitoring/prometheus/metrics")
    assert 'lstm_sentiment_request_log_stops_total{model_name="sentiment"} 1\n' in metrics
    # Whole records up to there, although the last did not fit.
    found = logged(logs)
    assert len(found) == entry["written"] > 0
    assert sum(path.stat().st_size for path in logs.iterdir()) == entry["bytes"] <= limit
    assert sum("is stopped" in line for line in served.lines.all) == 1


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_unknown_collector_is_refused_in_one_line(
    config: Path, logs: Path, workers: str
) -> None:
    config.write_text(config.read_text("utf-8").replace('type: "file"', 'type: "kafka"'), "utf-8")
    command = [sys.executable, str(REPOSITORY / "cli.py"), "serve", "--workers", workers]
    command += ["--model-config-file", str(config), "--port", "auto", "--rest-api-port", "0"]
    process = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    assert process.returncode == 2
    assert process.stderr == (
        f'error: {config}: the type of log_collector_config must be "file". '
        "Received: type='kafka' for model 'sentiment'.\n"
    )

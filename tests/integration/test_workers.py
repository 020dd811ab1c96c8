"""`serve --workers 2`: real processes, real versions, and what callers see of them."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from numpy.typing import NDArray

from lstm_sentiment import Corpus, FitResult, ModelConfig, TrainingConfig, export_servable, fit
from lstm_sentiment.protocol.prediction_pb2 import PredictResponse
from lstm_sentiment.protocol.tensors import read_tensor
from lstm_sentiment.serving.light.loader import load_light_servable
from tests.conftest import REPOSITORY
from tests.integration.worker_processes import (
    TIMEOUT_SECONDS,
    Callers,
    Served,
    ask,
    config_of,
    is_alive,
    reload,
    serving,
)

TEXTS = ["房间很干净，服务非常好", "早餐真的差", "位置 一般😀", "前台特别脏", "还会再来"]
SWAPS, CALLERS, ANSWERS_BETWEEN = 5, 6, 40
MOST_LOST = 10
CONNECTIONS = 16
"""All of them at one of two workers: once in 32,768 times."""

Known = dict[int, dict[str, NDArray[np.float32]]]


@pytest.fixture(scope="module")
def exported(
    fitted: FitResult, corpus: Corpus, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    """Two versions with other scores."""
    train, dev, _ = corpus.split(seed=0)
    other = fit(
        train,
        dev,
        tokenizer=fitted.tokenizer,
        model=ModelConfig(lstm_units=4, bidirectional=False, pooling="last", ngrams=0),
        training=TrainingConfig(cross_validation="off", epochs=1, batch_size=16),
    )
    path = tmp_path_factory.mktemp("exported") / "sentiment"
    return [export_servable(result, path) for result in (fitted, other)]


@pytest.fixture(scope="module")
def known(exported: Sequence[Path]) -> Known:
    """What either of them answers."""
    texts = np.array([text.encode() for text in TEXTS], object)
    found = {}
    for number, version_dir in enumerate(exported):
        scores = load_light_servable(version_dir).run("text", {"text": texts})["probabilities"]
        found[number] = dict(zip(TEXTS, scores, strict=True))
    first, second = (np.array(list(scores.values())) for scores in found.values())
    assert np.abs(first - second).max(axis=1).min() > 1e-3, "an answer must tell who gave it"
    return found


@pytest.fixture
def base_path(tmp_path: Path, exported: Sequence[Path]) -> Path:
    path = tmp_path / "sentiment"
    for version in range(1, SWAPS + 2):
        shutil.copytree(exported[version % 2], path / str(version), copy_function=os.link)
    return path


@pytest.fixture
def config(base_path: Path) -> Path:
    path = base_path.parent / "models.config"
    path.write_text(text_format.MessageToString(config_of(base_path, 1)), "utf-8")
    return path


@pytest.fixture
def served(config: Path) -> Iterator[Served]:
    with serving(config) as served:
        yield served


def is_right(text: str, response: PredictResponse, known: Known) -> bool:
    version = response.model_spec.version.value
    scores = read_tensor(response.outputs["probabilities"])[0]
    return bool(np.abs(scores - known[version % 2][text]).max() < 1e-4)


def versions_by_label(served: Served) -> set[int]:
    """Who answers requests by the label `stable`, over many connections."""
    found = set()
    for _ in range(CONNECTIONS):
        with served.channel() as channel:
            found.add(ask(channel, TEXTS[0], "stable").model_spec.version.value)
    return found


def counted(served: Served) -> set[int]:
    """The number of answered requests on pages of metrics, asked for over many connections."""
    found = set()
    for _ in range(CONNECTIONS):
        lines = served.get("/monitoring/prometheus/metrics").splitlines()
        name = ':tensorflow:serving:request_count{model_name="sentiment",status="OK"} '
        found |= {int(line.removeprefix(name)) for line in lines if line.startswith(name)}
    return found


def test_swaps_and_a_killed_worker_cost_no_answer_but_its_own(
    served: Served, base_path: Path, known: Known
) -> None:
    with Callers(served, TEXTS, CALLERS) as callers, served.channel() as channel:
        assert callers.have_more_answers(ANSWERS_BETWEEN)
        for version in range(2, SWAPS + 2):
            reload(channel, config_of(base_path, version))
            assert callers.have_more_answers(ANSWERS_BETWEEN)
        assert callers.errors == []
        # Not the worker of this channel alone: both have to have the last version.
        killed = served.pids()[0]
        os.kill(killed, signal.SIGKILL)
        served.is_ready_again(1, times=2)
        assert callers.have_more_answers(ANSWERS_BETWEEN)
        assert versions_by_label(served) == {SWAPS + 1}
    assert all(is_right(text, answer, known) for text, answer in callers.answers)
    # A caller whose worker was the killed one loses what it sent on that connection: a request, and
    # what gRPC's client still sends there before it notices. Who connects again is answered.
    assert all(
        lost <= MOST_LOST for lost in Counter(number for number, _ in callers.errors).values()
    )
    assert killed not in served.pids()


def test_any_worker_tells_what_all_have_counted(served: Served) -> None:
    for _ in range(CONNECTIONS):
        with served.channel() as channel:
            ask(channel, TEXTS[0])
    assert counted(served) == {CONNECTIONS}
    [version] = served.state()["models"][0]["versions"]
    assert (version["requests"], version["state"]) == (CONNECTIONS, "AVAILABLE")
    assert version["engine"] == "light"
    # What was on a page stays counted, whoever has counted it.
    os.kill(served.pids()[0], signal.SIGKILL)
    served.is_ready_again(1, times=2)
    assert counted(served) == {CONNECTIONS}
    assert served.state()["workers"]["restarts"] == 1
    [version] = served.state()["models"][0]["versions"]
    assert version["requests"] == CONNECTIONS


def test_a_reload_reaches_all_or_none(served: Served, base_path: Path) -> None:
    with served.channel() as channel:
        reload(channel, config_of(base_path, 2))
        assert versions_by_label(served) == {2}
        with pytest.raises(Exception, match="Request to assign label to version 99"):
            reload(channel, config_of(base_path, 99))
    assert versions_by_label(served) == {2}
    for path in ("/v1/models/sentiment", "/v1/models"):
        assert {served.get(path) for _ in range(CONNECTIONS)} == {served.get(path)}
    # One that takes the place of another serves what the others do, and not what the file says.
    os.kill(served.pids()[1], signal.SIGKILL)
    served.is_ready_again(2, times=2)
    assert versions_by_label(served) == {2}


def test_a_signal_drains_all_processes(config: Path) -> None:
    with serving(config) as served:
        pids = served.pids()
        assert all(map(is_alive, pids))
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(TIMEOUT_SECONDS) == 0
        assert not any(map(is_alive, pids))


def test_workers_end_when_their_parent_is_killed(config: Path) -> None:
    with serving(config) as served:
        served.process.kill()
        served.process.wait(TIMEOUT_SECONDS)
        # The last process that has the pipe open has ended.
        served.lines.join()
        assert not served.lines.is_open()


def test_the_access_log_is_written_by_all_in_whole_lines(config: Path) -> None:
    with serving(config, "--access-log", "json", "--access-log-texts") as served:
        long = "很好" * 8_000
        with Callers(served, [long], CALLERS) as callers:
            assert callers.have_more_answers(200)
    entries = [json.loads(line) for line in served.lines.all if line.startswith("{")]
    assert len(entries) == len(callers.answers)
    assert all(entry["texts"] == [long] for entry in entries)


def test_what_one_server_refuses_workers_refuse(tmp_path: Path) -> None:
    config = tmp_path / "models.config"
    config.write_text("model_config_list { config { nme: 'sentiment' } }")
    command = [sys.executable, str(REPOSITORY / "cli.py"), "serve", "--port", "auto"]
    command += ["--rest-api-port", "0", "--model-config-file", str(config)]
    alone, together = (
        subprocess.run([*command, "--workers", number], capture_output=True, text=True, check=False)
        for number in ("1", "2")
    )
    assert together.returncode == alone.returncode == 2
    assert together.stderr == alone.stderr
    assert together.stderr.startswith(f"error: {config}:1:")


@pytest.mark.parametrize(
    ("workers", "flag", "other"),
    [("1", "--rest-api-port", "--port"), ("2", "--port", "--rest-api-port")],
)
def test_a_port_that_somebody_has_is_refused_with_the_flag_that_chooses_another(
    served: Served, config: Path, workers: str, flag: str, other: str
) -> None:
    command = [sys.executable, str(REPOSITORY / "cli.py"), "serve"]
    command += ["--model-config-file", str(config), "--workers", workers]
    command += [flag, str(served.port), other, "auto"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1] == (
        f"error: cannot listen on 127.0.0.1:{served.port}: address already in use. "
        f"Choose another port with `{flag} N`, or any free one with `{flag} auto`."
    )

"""`score` on a real Ray on this machine: the same outputs, and workers that die."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_sentiment import FitResult, InvalidInputError, ServableUnavailableError
from lstm_sentiment.serving.errors import ServableLoadError
from lstm_sentiment.versions.scoring.on_ray import map_on_ray
from lstm_sentiment.versions.scoring.score import find_shards, score
from tests.corpora import hotel_like
from tests.exported import add_version

ray = pytest.importorskip("ray", reason="needs the extra `ray`")

TEXTS = hotel_like(60).texts


@pytest.fixture(scope="module")
def base_path(fitted: FitResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "sentiment"
    add_version(path, 3, fitted)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four shards of 15 texts each, and one that is no UTF-8."""
    folder = tmp_path / "shards"
    folder.mkdir()
    for number in range(4):
        lines = "".join(f"{text}\n" for text in TEXTS[number * 15 : number * 15 + 15])
        (folder / f"{number}.txt").write_text(lines, "utf-8")
    (folder / "bad.txt").write_bytes(b"caf\xe9\n")
    for file in folder.iterdir():
        os.utime(file, (1e9, 1e9))
    return folder


def probabilities(result_dir: Path) -> Any:
    outputs = sorted(result_dir.glob("*.scored.jsonl"))
    lines = [line for file in outputs for line in file.read_text("utf-8").splitlines()]
    assert [json.loads(line)["text"] for line in lines] == list(TEXTS)
    return np.array([list(json.loads(line)["probabilities"].values()) for line in lines])


def test_a_worker_writes_what_this_process_writes_and_goes_on_where_a_run_ended(
    folder: Path, base_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shards = find_shards("shards")
    here = score(shards, base_path, output_dir="here")
    first = score(shards[1:], base_path, output_dir="there", engine="ray", workers=1)
    assert [shard.shard.name for shard in first.scored] == ["1.txt", "2.txt", "3.txt"]
    assert [failed.shard.name for failed in first.failed] == ["bad.txt"]
    assert "bad.txt:1: must be UTF-8" in first.failed[0].reason
    assert not ray.is_initialized()
    # In this process now, and only what is left.
    rest = score(shards, base_path, output_dir="there")
    assert [shard.shard.name for shard in rest.scored] == ["0.txt"]
    assert [job.shard.name for job in rest.skipped] == ["1.txt", "2.txt", "3.txt"]
    assert here.texts == first.texts + rest.texts == 60
    np.testing.assert_allclose(
        probabilities(tmp_path / "there"), probabilities(tmp_path / "here"), atol=1e-5
    )


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nonsense"])
def test_says_at_once_that_there_is_no_cluster(address: str) -> None:
    with pytest.raises(InvalidInputError, match="must be that of a running Ray cluster") as raised:
        list(map_on_ray(lambda: str, ["a"], lost=lost, address=address))
    assert "\n" not in str(raised.value)


def test_says_what_to_do_where_ray_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**options: object) -> None:
        raise RuntimeError("Timed out waiting for a file.")

    monkeypatch.setattr(ray, "init", fail)
    with pytest.raises(ServableUnavailableError, match="Ray could not be started") as raised:
        list(map_on_ray(lambda: str, ["a"], lost=lost))
    assert "\n" not in str(raised.value)
    assert "the engine `auto`" in str(raised.value)


@pytest.fixture(scope="module")
def connected() -> Iterator[Any]:
    """A Ray that the calling process has started, as a notebook may have."""
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


def lost(job: str, reason: str) -> str:
    return reason


def test_a_worker_that_dies_costs_at_most_the_job_that_kills_it(
    connected: Any, tmp_path: Path
) -> None:
    def make() -> Callable[[str], str]:
        def run(job: str) -> str:
            deaths = tmp_path / job
            count = deaths.stat().st_size if deaths.exists() else 0
            if job == "kills" or (job == "kills once" and count == 0):
                with deaths.open("ab") as file:
                    file.write(b"x")
                os._exit(1)
            return f"{job} is done"

        return run

    jobs = ["a", "kills", "kills once", "b", "c"]
    outcomes = sorted(map_on_ray(make, jobs, lost=lost, workers=2))
    assert outcomes[:3] == ["a is done", "b is done", "c is done"]
    assert outcomes[4] == "kills once is done"
    assert outcomes[3].startswith("its worker died 3 times.")
    assert (tmp_path / "kills").read_bytes() == b"xxx"
    assert connected.is_initialized()


def test_the_function_is_made_once_a_worker(connected: Any, tmp_path: Path) -> None:
    def make() -> Callable[[int], tuple[int, int]]:
        with (tmp_path / "made").open("a") as file:
            print(os.getpid(), file=file)
        return lambda job: (job, os.getpid())

    outcomes = list(map_on_ray(make, range(9), lost=lambda job, reason: (job, -1)))
    assert sorted(job for job, _ in outcomes) == list(range(9))
    made = [int(line) for line in (tmp_path / "made").read_text().splitlines()]
    assert len(made) == len(set(made)) <= 2  # at most one for each CPU of the cluster
    assert {worker for _, worker in outcomes} <= set(made)


def test_what_cannot_be_made_ends_the_run_with_its_own_error(connected: Any) -> None:
    def make() -> Callable[[str], str]:
        raise ServableLoadError("version 3 could not be loaded")

    with pytest.raises(ServableLoadError, match=r"^version 3 could not be loaded$"):
        list(map_on_ray(make, ["a", "b"], lost=lost, workers=1))


def test_a_worker_that_cannot_start_is_told(connected: Any) -> None:
    def make() -> Callable[[str], str]:
        raise ModuleNotFoundError("No module named 'lstm_sentiment'")

    with pytest.raises(ServableUnavailableError, match="Received: No module named") as raised:
        list(map_on_ray(make, ["a", "b"], lost=lost, workers=2))
    assert "\n" not in str(raised.value)
    # The error, which is still here, must not keep the CPUs of the workers that it came from.
    takes_both_cpus = connected.remote(num_cpus=2)(lambda: "done")
    assert connected.get(takes_both_cpus.remote(), timeout=30) == "done"

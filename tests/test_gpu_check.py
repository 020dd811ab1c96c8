import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from benchmarks.gpu.checks import compare_losses, compare_scores, cudnn_trains, losses_fall
from benchmarks.gpu.training import Outcome, Training, cudnn_ops, outcome_of
from tests.conftest import REPOSITORY
from tests.preloaded import preloaded

PROGRAM = "import runpy; runpy.run_module('benchmarks.gpu', run_name='__main__')"


@pytest.fixture(scope="module")
def training() -> Training:
    return Training(texts=48, batch_size=16, epochs=2)


@pytest.fixture(scope="module")
def outcome(training: Training, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return outcome_of(training, tmp_path_factory.mktemp("outcome"))


def test_without_a_gpu_it_says_so_and_ends_well() -> None:
    done = subprocess.run(
        preloaded(PROGRAM),
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
    )
    assert done.returncode == 0, done.stderr
    assert "no GPU: TensorFlow sees none" in done.stderr
    (line,) = done.stdout.splitlines()
    assert json.loads(line) == {
        "benchmark": "gpu",
        "name": "skipped",
        "reason": "TensorFlow sees no GPU",
    }


def test_cudnn_ops_are_found_in_the_graph_and_in_its_functions() -> None:
    graph = tf.compat.v1.GraphDef()
    graph.node.add(name="a", op="MatMul")
    assert cudnn_ops(graph) == []
    graph.node.add(name="cudnn", op="CudnnRNNV3")
    function = graph.library.function.add()
    for name in ("b", "c"):
        function.node_def.add(name=name, op="CudnnRNNBackpropV3")
    function.node_def.add(name="CudnnRNN", op="Identity")
    assert cudnn_ops(graph) == ["CudnnRNNBackpropV3", "CudnnRNNV3"]


def test_a_cpu_trains_without_cudnn(outcome: Outcome, training: Training) -> None:
    if tf.config.list_logical_devices("GPU"):
        pytest.skip("this machine has a GPU")
    assert outcome.cudnn_ops == []
    assert len(outcome.losses) == 2 * training.epochs
    assert outcome.tokens_per_second > 0


@pytest.fixture
def quick_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The processes that the check starts begin with TensorFlow imported."""
    run = subprocess.run

    def run_preloaded(command: list[str], **options: Any) -> Any:
        assert command[:3] == [sys.executable, "-m", "benchmarks.gpu"]
        return run(preloaded(PROGRAM, *command[3:]), **options)

    monkeypatch.setattr(subprocess, "run", run_preloaded)
    monkeypatch.chdir(REPOSITORY)


def test_a_version_scores_as_the_trained_model_did(
    outcome: Outcome,
    training: Training,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    quick_processes: None,
) -> None:
    assert outcome.saved_cudnn_ops == []
    passed, facts = compare_scores(outcome, training, tmp_path)
    assert passed, facts
    # What it said is still there.
    monkeypatch.setattr("benchmarks.gpu.checks._run", lambda *command, hide_gpus: None)
    moved = [[first + 0.01, second - 0.01] for first, second in outcome.probabilities]
    passed, facts = compare_scores(replace(outcome, probabilities=moved), training, tmp_path)
    assert not passed
    assert facts["largest_difference"] == pytest.approx(0.01, abs=1e-4)


def test_a_version_that_cannot_be_loaded_is_told(
    outcome: Outcome, training: Training, tmp_path: Path, quick_processes: None
) -> None:
    nowhere = replace(outcome, version_dir=str(tmp_path / "nowhere"))
    with pytest.raises(RuntimeError, match=r"score ended with exit code 1: .*nowhere"):
        compare_scores(nowhere, training, tmp_path)


@pytest.mark.parametrize(
    ("other", "passed"), [(0.6005, True), (0.602, False), (float("nan"), False)]
)
def test_losses_must_agree(other: float, passed: bool) -> None:
    assert compare_losses([0.7, other], [0.7, 0.6])[0] is passed


def test_cudnn_must_compute_the_gradient_too() -> None:
    assert cudnn_trains(["CudnnRNNBackpropV3", "CudnnRNNV3"])[0]
    assert not cudnn_trains(["CudnnRNNV3"])[0]
    assert not cudnn_trains([])[0]


@pytest.mark.parametrize(
    ("losses", "passed"), [([0.7, 0.6], True), ([0.7, 0.7], False), ([0.7, float("nan")], False)]
)
def test_losses_must_fall(losses: list[float], passed: bool) -> None:
    assert losses_fall(losses)[0] is passed

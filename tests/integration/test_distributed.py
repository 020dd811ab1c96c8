"""One process, two replicas and real worker processes: the same training."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_sentiment import (
    ModelConfig,
    PipelineConfig,
    TrainingConfig,
    VectorTrainingConfig,
    save_config,
)
from lstm_sentiment.errors import TrainingError
from lstm_sentiment.pipeline import publishing
from lstm_sentiment.pipeline.config_file import load_config
from lstm_sentiment.pipeline.run import run_pipeline
from lstm_sentiment.training.config import StrategyName
from lstm_sentiment.training.task import load_task
from lstm_sentiment.training.worker_run import CHECKPOINT, WORKERS
from tests.conftest import REPOSITORY
from tests.corpora import hotel_like
from tests.integration.test_pipeline import save_classes
from tests.preloaded import preloaded
from tests.training.workers.test_cluster import free_addresses

# One worker of a run. One of them may kill itself after some steps, as nothing else can be sure to.
WORKER = """
import os, signal, sys
from contextlib import contextmanager
import tensorflow as tf
from lstm_sentiment import LstmSentimentError, join_fit, load_config, start_workers
from lstm_sentiment.pipeline import publishing
from lstm_sentiment.export import servable, signatures
from lstm_sentiment.pipeline.run import resume_pipeline, run_pipeline
from lstm_sentiment.progress import SilentProgress

config, action, killed, steps = load_config(sys.argv[1]), *sys.argv[2:]

# Graphs and exports as those of the tests' own process.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
signatures.make_attributions = lambda model, vectors, width: (
    lambda ids, classes: tf.zeros((tf.shape(ids)[0], width))
)
servable.save_warmup_requests = lambda *_: None

def export_next_to_nothing(result, base, **_):
    (base / "1").mkdir(parents=True)
    (base / "1" / "saved_model.pb").touch()
    return base / "1"

if action != "run and export":
    publishing.export_servable = export_next_to_nothing

class Killer(SilentProgress):
    @contextmanager
    def step(self, description, total):
        left = [int(steps) if str(workers.index) == killed else -1]

        def advance(steps=1, *, status=""):
            left[0] -= description == "Training" and status != ""
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        yield advance

workers = start_workers(config.training)
try:
    if not workers.is_chief:
        join_fit(config.training, progress=Killer())
    elif action == "resume":
        resume_pipeline(config.run_dir, Killer())
    else:
        run_pipeline(config, Killer())
except LstmSentimentError as error:
    sys.exit(f"error: {error}")
"""

LAUNCHER = """
import sys
from lstm_sentiment import launch

sys.exit(launch(sys.argv[2:], workers=int(sys.argv[1]), grace_seconds=60))
"""


@pytest.fixture(scope="module", autouse=True)
def _no_exports_here() -> Iterator[None]:
    """What trains in this process is compared with the workers, and never exported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publishing, "export_servable", lambda result, base, **_: base / "1")
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # 88 to train on: each epoch ends with 4 texts, of which three replicas get 1, 1 and 2.
    return save_classes(hotel_like(110), tmp_path_factory.mktemp("texts") / "classes")


def run_config(data: Path, folder: Path, strategy: StrategyName) -> PipelineConfig:
    """Every option that could depend on how a batch is shared out."""
    return PipelineConfig(
        data=[data],
        model_dir=folder / "models",
        run_dir=folder / "run",
        model=ModelConfig(lstm_units=6, max_length=20, bidirectional=False, recurrent_dropout=0.2),
        training=TrainingConfig(
            cross_validation="off",
            epochs=3,
            batch_size=12,
            learning_rate=0.01,
            class_weights="balanced",
            label_smoothing=0.1,
            average_momentum=0.9,
            checkpoint_steps=3,
            strategy=strategy,
            start_timeout_seconds=120,
        ),
        vector_training=VectorTrainingConfig(dim=8, epochs=2),
    )


def run_workers(
    config: PipelineConfig, count: int, *, action: str = "run", killed: str = "", steps: int = 0
) -> tuple[int, str]:
    """Runs real worker processes to their end; gives the exit code and what they said."""
    folder = Path(config.run_dir or "")
    path = folder.with_suffix(".toml")
    path.parent.mkdir(parents=True, exist_ok=True)
    save_config(config, path)
    command = preloaded(WORKER, str(path), action, killed, str(steps))
    done = subprocess.run(
        [sys.executable, "-c", LAUNCHER, str(count), *command],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    return done.returncode, done.stderr


def checkpoint_of(config: PipelineConfig) -> tuple[dict[str, np.ndarray], dict[str, list[float]]]:
    with np.load(Path(config.run_dir or "") / CHECKPOINT) as stored:
        history = json.loads(stored["values"].tobytes())["history"]
        return {name: stored[name] for name in stored.files if name != "values"}, history


@pytest.fixture(scope="module")
def alone(data: Path, tmp_path_factory: pytest.TempPathFactory) -> PipelineConfig:
    config = run_config(data, tmp_path_factory.mktemp("alone"), "default")
    run_pipeline(config)
    return config


@pytest.fixture(scope="module")
def two(data: Path, tmp_path_factory: pytest.TempPathFactory) -> PipelineConfig:
    config = run_config(data, tmp_path_factory.mktemp("two"), "multi-worker")
    config = replace(config, tensorboard=True)
    code, said = run_workers(config, 2, action="run and export")
    assert code == 0, said
    return config


def assert_same_training(ours: PipelineConfig, theirs: PipelineConfig) -> None:
    """Weights, Adam's moments, averages, best weights and scores, after 24 steps."""
    arrays, history = checkpoint_of(ours)
    expected, expected_history = checkpoint_of(theirs)
    assert arrays.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(arrays[name], array, atol=1e-5, err_msg=name)
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert history[name] == pytest.approx(expected_history[name], abs=1e-5), name


def test_two_mirrored_replicas_train_as_one_process(
    alone: PipelineConfig, data: Path, tmp_path: Path
) -> None:
    config = run_config(data, tmp_path, "mirrored")
    run_pipeline(config)
    assert_same_training(config, alone)


def test_two_worker_processes_train_as_one_process(
    alone: PipelineConfig, two: PipelineConfig
) -> None:
    assert_same_training(two, alone)


def test_three_worker_processes_stop_early_where_one_process_does(
    data: Path, tmp_path: Path
) -> None:
    # The dev labels are wrong: the better it learns, the higher the dev loss.
    # With 500 of them or more, the lowest loss decides.
    contrary = hotel_like(1_000, seed=1)
    labels = tuple((label + 1) % 3 for label in contrary.labels)
    dev = save_classes(replace(contrary, labels=labels), tmp_path / "dev")
    configs = []
    for strategy in ("default", "auto"):
        config = run_config(data, tmp_path / strategy, strategy)
        training = replace(config.training, epochs=6, patience=1)
        configs.append(replace(config, dev_data=dev, training=training))
    alone, three = configs
    run_pipeline(alone)
    code, said = run_workers(three, 3)
    assert code == 0, said
    assert 1 < len(checkpoint_of(three)[1]["loss"]) < 6
    assert_same_training(three, alone)


def test_the_chief_keeps_the_run_and_exports_and_each_worker_has_its_own_records(
    two: PipelineConfig,
) -> None:
    run = Path(two.run_dir or "")
    assert [path.name for path in (run.parent / "models").iterdir()] == ["1"]
    assert (run.parent / "models" / "1" / "variables").is_dir()
    assert (run / "metrics.json").is_file()
    assert load_config(run / "config.toml").training.strategy == "multi-worker"
    assert not (run / "prepared").exists()
    assert [path.name for path in (run / WORKERS).iterdir()] == ["1"]
    own = sorted(path.name for path in (run / WORKERS / "1").iterdir())
    assert own == ["history.csv", "tensorboard"]
    for folder in (run, run / WORKERS / "1"):
        (events,) = (folder / "tensorboard").glob("events.out.tfevents.*")
        assert events.stat().st_size > 0
    names = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")
    assert columns(run / "history.csv", names) == columns(run / WORKERS / "1/history.csv", names)


def columns(path: Path, names: tuple[str, ...]) -> list[list[str]]:
    header, *rows = (line.split(",") for line in path.read_text().splitlines())
    assert len(rows) == 3
    return [[row[header.index(name)] for name in names] for row in rows]


def test_killed_workers_stop_the_job_and_all_go_on_to_the_same_weights(
    two: PipelineConfig, data: Path, tmp_path: Path
) -> None:
    config = run_config(data, tmp_path, "multi-worker")
    for action, killed, steps in (("run", "1", 8), ("resume", "0", 9)):
        code, said = run_workers(config, 2, action=action, killed=killed, steps=steps)
        assert code == 128 + signal.SIGKILL
        assert "error: All workers must go on to the end. Received: another worker has stop" in said
        if killed == "1":
            assert f"To continue: lstm-sentiment fit --resume {config.run_dir}" in said
        assert not (tmp_path / "models").exists()

    code, said = run_workers(config, 2, action="resume")
    assert code == 0, said
    arrays, _ = checkpoint_of(config)
    expected, _ = checkpoint_of(two)
    for name, array in expected.items():
        np.testing.assert_array_equal(arrays[name], array, err_msg=name)
    assert (tmp_path / "models" / "1" / "saved_model.pb").is_file()


def test_workers_that_share_no_folder_are_told_so(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="must be a folder that all workers share"):
        load_task(tmp_path / "absent")


def test_a_worker_that_never_comes_is_one_line_and_not_a_hang(data: Path, tmp_path: Path) -> None:
    config = run_config(data, tmp_path, "multi-worker")
    config = replace(config, training=replace(config.training, start_timeout_seconds=1))
    save_config(config, tmp_path / "run.toml")
    cluster = {"worker": free_addresses(2)}
    program = "from lstm_sentiment.cli.app import main; main()"
    done = subprocess.run(
        preloaded(program, "fit", "--config", str(tmp_path / "run.toml")),
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={
            **os.environ,
            "TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 0}}),
        },
    )
    assert done.returncode == 1
    *_, last = done.stderr.splitlines()
    assert last == (
        "error: All workers must be there within 1 s. "
        f"Received: nothing from worker 1 at {cluster['worker'][1]}."
    )
    assert not (tmp_path / "run").exists()

"""A killed process, and the command that goes on with its run."""

import json
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_sentiment import (
    InvalidInputError,
    ModelConfig,
    PipelineConfig,
    TrainingConfig,
    VectorTrainingConfig,
    resume_pipeline,
    run_pipeline,
    save_config,
)
from lstm_sentiment.pipeline import publishing
from lstm_sentiment.training.worker_run import CHECKPOINT
from tests.corpora import hotel_like
from tests.integration.test_pipeline import save_classes
from tests.preloaded import preloaded

# Kills itself after some steps of training, as nothing else can be sure to do.
KILLED = """
import os, signal, sys
from contextlib import contextmanager
import tensorflow as tf
from lstm_sentiment import load_config, run_pipeline
from lstm_sentiment.progress import SilentProgress

# Graphs as those of the tests' own process: others give other bits.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})

class Killer(SilentProgress):
    @contextmanager
    def step(self, description, total):
        left = [int(sys.argv[2])]

        def advance(steps=1, *, status=""):
            left[0] -= description == "Training" and status != ""
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        yield advance

run_pipeline(load_config(sys.argv[1]), Killer())
"""


def trained_arrays(run_dir: Path) -> dict[str, np.ndarray]:
    with np.load(run_dir / CHECKPOINT) as stored:
        return {name: stored[name] for name in stored.files if name != "values"}


def test_a_killed_process_is_gone_on_with_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = PipelineConfig(
        data=[save_classes(hotel_like(120), tmp_path / "data")],
        model_dir=tmp_path / "models",
        run_dir=tmp_path / "killed",
        model=ModelConfig(lstm_units=4, bidirectional=False),
        training=TrainingConfig(cross_validation="off", epochs=3, checkpoint_steps=2),
        vector_training=VectorTrainingConfig(dim=8, epochs=2, characters=True),
    )
    save_config(config, tmp_path / "config.toml")
    command = preloaded(KILLED, str(tmp_path / "config.toml"), "9")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (tmp_path / "models" / "1").exists()

    # To write the same classifier as a version takes longer than to train it.
    monkeypatch.setattr(publishing, "export_servable", lambda result, base, **_: base / "1")
    resumed = resume_pipeline(tmp_path / "killed")
    assert resumed.version_dir == tmp_path / "models" / "1"
    whole = run_pipeline(replace(config, run_dir=tmp_path / "whole"))
    assert resumed.test == whole.test
    assert resumed.fit.data == whole.fit.data
    np.testing.assert_array_equal(resumed.fit.texts_seen, whole.fit.texts_seen)
    ours, theirs = trained_arrays(tmp_path / "killed"), trained_arrays(tmp_path / "whole")
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    facts = json.loads((tmp_path / "killed" / "data.json").read_text("utf-8"))
    assert facts == json.loads((tmp_path / "whole" / "data.json").read_text("utf-8"))
    assert facts["train"]["texts"] == 96

    with pytest.raises(InvalidInputError, match="This one is finished"):
        resume_pipeline(tmp_path / "killed")
    (tmp_path / "killed" / "metrics.json").unlink()
    (tmp_path / "data" / "neutral.txt").write_text("别的话\n又一句\n第三句\n", "utf-8")
    with pytest.raises(InvalidInputError, match="goes on with the data that it began with"):
        resume_pipeline(tmp_path / "killed")


def test_what_is_no_run_cannot_be_gone_on_with(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"must be the folder of a run.*config\.toml"):
        resume_pipeline(tmp_path)

"""A task that the chief writes is the task that other workers load."""

from pathlib import Path

import numpy as np
import pytest

from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.training.task import EpochScores, TrainingTask, load_task, save_task

TARGETS = np.array([[0.25, 0.75], [1.0, 0.0], [0.5, 0.5]], np.float32)


@pytest.mark.parametrize("targets", [None, TARGETS], ids=["labels", "soft"])
def test_a_task_comes_back_from_its_folder(tmp_path: Path, targets: np.ndarray | None) -> None:
    network = SentimentModel(
        6, 4, 2, ModelConfig(lstm_units=2, bidirectional=False, pooling="last", ngrams=0)
    )
    task = TrainingTask(
        network,
        TokenRows.from_lists([[2, 3], [4], [5, 5, 5]]),
        np.array([1, 0, 0], np.int64),
        TokenRows.from_lists([[2]]),
        np.array([1], np.int64),
        [0.5, 1.5],
        targets,
        None if targets is None else [EpochScores(0.5, 0.25)],
    )
    save_task(task, tmp_path / "task")
    loaded = load_task(tmp_path / "task")
    assert loaded.train_ids.to_list() == task.train_ids.to_list()
    assert loaded.dev_ids.to_list() == task.dev_ids.to_list()
    np.testing.assert_array_equal(loaded.train_labels, task.train_labels)
    np.testing.assert_array_equal(loaded.dev_labels, task.dev_labels)
    assert loaded.class_weights == task.class_weights
    assert loaded.dev_scores == task.dev_scores
    if targets is None:
        assert loaded.train_targets is None
    else:
        np.testing.assert_array_equal(loaded.train_targets, targets)
    for ours, theirs in zip(network.variables, loaded.network.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)

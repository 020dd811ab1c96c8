"""`find_label_issues` with classifiers as `fit` trains them."""

from pathlib import Path

import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.labels.check import find_label_issues
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.text.vectors.options import VectorTrainingConfig
from lstm_sentiment.training.config import TrainingConfig
from tests.labels.planted import with_wrong_labels

SMALL = PipelineConfig(
    model=ModelConfig(lstm_units=4, max_length=20),
    training=TrainingConfig(epochs=2, batch_size=16),
    vector_training=VectorTrainingConfig(dim=4, epochs=1),
)


def test_planted_wrong_labels_are_found_by_folds_of_trainings(tmp_path: Path) -> None:
    corpus, planted = with_wrong_labels()
    found = find_label_issues(corpus, config=SMALL, folds=2, number=6, cache_dir=tmp_path)
    assert found.folds == 2
    told = {issue.row: issue.likely_label for issue in found.issues}
    assert len(told) == 6
    assert told.items() <= planted.items()


def test_a_version_to_begin_with_is_refused(tmp_path: Path) -> None:
    corpus, _ = with_wrong_labels(60, 2)
    config = PipelineConfig(init_from=tmp_path)
    with pytest.raises(InvalidInputError, match="the version may have learned them"):
        find_label_issues(corpus, config=config, cache_dir=tmp_path)

"""A big version teaches a small one: `score` writes what `fit --teacher` learns from."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_sentiment import (
    ModelConfig,
    PipelineConfig,
    PipelineResult,
    TrainingConfig,
    VectorTrainingConfig,
    run_pipeline,
)
from lstm_sentiment.text.corpus.near_duplicates import near_digests
from lstm_sentiment.version_folder import CARD, TEXTS_SEEN
from lstm_sentiment.versions.scoring.score import score
from tests.corpora import hotel_like, rows_of, write_csv

ROWS = rows_of(hotel_like(330))
FEW, MORE, TEST = ROWS[:30], ROWS[30:240], ROWS[240:]
BIG = PipelineConfig(
    model=ModelConfig(lstm_units=8, max_length=20, bidirectional=False),
    training=TrainingConfig(cross_validation="off", epochs=6, batch_size=16, learning_rate=0.01),
    vector_training=VectorTrainingConfig(dim=16),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("teacher")
    (folder / "texts").mkdir()
    write_csv(folder / "few.csv", FEW)
    write_csv(folder / "test.csv", TEST)
    write_csv(folder / "big.csv", MORE)
    lines = "".join(f"{text}\n" for text, _ in (*MORE, *FEW, *TEST))
    (folder / "texts" / "all.txt").write_text(lines, "utf-8")
    return folder


@pytest.fixture(scope="module")
def big(folder: Path) -> PipelineResult:
    return run_pipeline(
        replace(
            BIG,
            data=[folder / "big.csv"],
            test_data=folder / "test.csv",
            model_dir=folder / "models" / "big",
            run_dir=folder / "runs" / "big",
        )
    )


def test_a_big_version_teaches_a_small_one_what_its_few_labels_do_not_tell(
    folder: Path, big: PipelineResult
) -> None:
    score([folder / "texts" / "all.txt"], big.version_dir, output_dir=folder / "soft")
    small = replace(
        BIG,
        data=[folder / "few.csv"],
        test_data=folder / "test.csv",
        model=replace(BIG.model, lstm_units=4, ngrams=0),
        model_dir=folder / "models" / "small",
    )
    alone = run_pipeline(replace(small, run_dir=folder / "runs" / "alone"))
    taught = run_pipeline(
        replace(small, run_dir=folder / "runs" / "taught", teacher=folder / "soft")
    )
    assert big.test.accuracy > 0.9
    assert taught.test.accuracy > max(0.85, alone.test.accuracy + 0.1)
    card = json.loads((taught.version_dir / CARD).read_text("utf-8"))
    # What it says of dev texts fits its temperature, and is not learned.
    assert card["data"]["teacher"]["texts"] == len(ROWS) - len(TEST)
    seen = np.load(taught.version_dir / TEXTS_SEEN)
    assert np.isin(near_digests(text for text, _ in (*FEW, *MORE)), seen).all()
    assert not np.isin(near_digests(text for text, _ in TEST), seen).any()

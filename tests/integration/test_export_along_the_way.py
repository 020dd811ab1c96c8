"""Versions appear while training goes on, and the best of them is served by its label."""

import json
from pathlib import Path
from typing import Any

import pytest

from lstm_sentiment import (
    ModelConfig,
    ModelServer,
    PipelineConfig,
    PredictClient,
    TrainingConfig,
    VectorTrainingConfig,
    run_pipeline,
)
from lstm_sentiment.models_config.config import load_models_config
from tests.corpora import hotel_like
from tests.recorder import Recorder

OPTIMIZED_GRAPHS = True


def card(version_dir: Path) -> dict[str, Any]:
    text = (version_dir / "assets.extra" / "sentiment.json").read_text("utf-8")
    facts: dict[str, Any] = json.loads(text)
    return facts


def test_a_run_leaves_its_last_versions_and_the_best_is_served(tmp_path: Path) -> None:
    corpus = hotel_like(180)
    rows = [
        json.dumps({"text": text, "label": corpus.label_names[label]})
        for text, label in zip(corpus.texts, corpus.labels, strict=True)
    ]
    (tmp_path / "hotel.jsonl").write_text("\n".join(rows) + "\n", "utf-8")
    base, models_config = tmp_path / "models" / "hotel", tmp_path / "models.config"
    (base / "1").mkdir(parents=True)  # of an earlier run, and never loaded
    (base / "1" / "saved_model.pb").touch()
    recorder = Recorder()
    result = run_pipeline(
        PipelineConfig(
            data=[tmp_path / "hotel.jsonl"],
            model_dir=base,
            run_dir=tmp_path / "run",
            export_every=7,
            export_unit="steps",
            keep=2,
            model_config_file=models_config,
            model=ModelConfig(
                lstm_units=4, bidirectional=False, pooling="last", ngrams=0, max_length=20
            ),
            training=TrainingConfig(
                cross_validation="off", epochs=2, batch_size=24, learning_rate=0.01
            ),
            vector_training=VectorTrainingConfig(dim=8, characters=False),
        ),
        recorder,
    )

    assert {path.name for path in base.iterdir()} == {"2", "3"}
    assert result.version_dir == base / "3"
    said = [line.split(", ")[0] for line in recorder.said]
    steps = [line for line in said if line.startswith(("Version ", "Removed", "Label"))]
    assert steps == [
        "Version 2: step 7",  # of 12, with which two epochs end
        f"Label 'best' of model 'hotel' points to version 3: {models_config}",
        "Removed old versions: 1",
    ]
    snapshot, best = card(base / "2"), card(base / "3")
    assert (snapshot["snapshot_step"], best["snapshot_step"]) == (7, None)
    assert set(snapshot["metrics"]) == {"dev"}
    assert best["metrics"]["test"] == result.test.summary()
    assert snapshot["data"] == best["data"]
    assert {name: facts["texts"] for name, facts in best["data"].items()} == {
        "train": 144,
        "dev": 18,
        "test": 18,
    }

    (model,) = load_models_config(models_config).model_config_list.config
    assert (model.name, model.base_path) == ("hotel", str(base))
    assert dict(model.version_labels) == {"best": 3}

    choices: list[tuple[Any, int, Any]] = [
        ({"label": "best"}, 3, best),
        ({"version": 2}, 2, snapshot),
    ]
    with ModelServer(models_config, port=0, rest_api_port=None) as server:
        for choice, version, facts in choices:
            # Each answers as the classifier did when it was exported.
            expected = {example["text"]: example for example in facts["examples"]}
            address = f"127.0.0.1:{server.port}"
            with PredictClient(address, "hotel", **choice) as client:
                predictions = client.predict(list(expected))
            for prediction, example in zip(predictions, expected.values(), strict=True):
                assert prediction.model_version == version
                assert prediction.label == example["label"]
                assert prediction.probabilities == pytest.approx(example["probabilities"], abs=1e-5)
    assert best["examples"][0]["probabilities"] != snapshot["examples"][0]["probabilities"]

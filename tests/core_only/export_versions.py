"""Exports versions, and what TensorFlow answers for them, for the tests beside this file.

    python -m tests.core_only.export_versions FOLDER

Needs the extra `train`; the tests run where it is not installed.
"""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from lstm_sentiment import (
    ModelConfig,
    PipelineConfig,
    TrainingConfig,
    VectorTrainingConfig,
    run_pipeline,
)
from lstm_sentiment.versions.predictor import SavedModelPredictor
from tests.corpora import hotel_like, rows_of, write_csv

ODD_TEXTS = (
    "",
    " ",
    "\n",
    "房",
    "？",
    "🏨👍",
    "ＷＩＦＩ很好，ｂｒｅａｋｆａｓｔ一般",
    "The room was clean, but NOISY!",
    "房间乾淨，服務很好",
    "a\u0301e\u0308 café ﬁn Ⅷ ㎏",
    "\ufeff房间\u200b很\u00a0干净\u3000",
    "很" * 500,
    "房间很干净，服务也好。" * 60,
)


def main(folder: Path) -> None:
    """Trains three small versions and writes texts, expected answers and explanations."""
    folder.mkdir()
    corpus = hotel_like(240)
    data = write_csv(folder / "reviews.csv", rows_of(corpus))
    held_out = hotel_like(120, seed=1).drop_texts(corpus.texts)
    write_csv(folder / "held_out.csv", rows_of(held_out))
    texts = [*held_out.texts, *ODD_TEXTS]
    (folder / "texts.json").write_text(json.dumps(texts), "utf-8")
    config = PipelineConfig(
        data=(str(data),),
        training=TrainingConfig(cross_validation="off", epochs=2),
        vector_training=VectorTrainingConfig(dim=20, epochs=2),
        model=ModelConfig(lstm_units=8, max_length=40),
    )
    english = replace(config.model, ngrams=0, pooling="attention", embedding_storage="float32")
    for name, chosen in {
        "sentiment/1": replace(config, tokenizer="unigram"),
        "sentiment/2": replace(
            config, tokenizer="unigram", training=replace(config.training, seed=1)
        ),
        "letters/1": replace(config, tokenizer="characters", model=english),
    }.items():
        base, _, number = name.partition("/")
        run = folder / "runs" / f"{base}-{number}"
        result = run_pipeline(replace(chosen, model_dir=str(folder / base), run_dir=str(run)))
        assert result.version_dir == folder / name
        predictor = SavedModelPredictor(result.version_dir, engine="tensorflow")
        expected = {
            "predictions": [asdict(answer) for answer in predictor.predict(texts)],
            "explanations": [asdict(answer) for answer in predictor.explain(texts)],
        }
        (folder / f"{base}-{number}.json").write_text(json.dumps(expected), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())

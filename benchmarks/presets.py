"""What each preset gives and costs: scores, training time, latency of one text, size of a version.

    python -m benchmarks.presets --data hotel_reviews.csv --text-column review

Every preset is trained through the whole product, with the same split. One JSON object a line:

`name` is the corpus and the preset, `default` being no preset. `seconds` are those of the whole
run, `ratio` is theirs to those of the defaults. `accuracy` and `macro_f1` are of the test texts;
`p_value` is that of McNemar's test against the defaults: how likely such a difference is by chance.
`one_text_seconds` is the median time of an answer for one test text, by the light twin in this
process; `version_bytes` are those of the whole version folder.
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from numpy.typing import NDArray

import lstm_sentiment as ls
from lstm_sentiment.pipeline.corpora import prepare_corpora
from lstm_sentiment.pipeline.overrides import PRESETS, preset_config, with_overrides
from lstm_sentiment.versions.significance import mcnemar_p_value

_DEFAULT = "default"
_WARM_UP, _ASKED = 50, 500


@dataclass(frozen=True)
class Trained:
    """What a preset gave.

    Attributes:
        seconds: Of the whole run.
        accuracy: On the test texts.
        macro_f1: On the test texts.
        right: Which test texts were answered correctly, bool `(texts,)`.
        one_text_seconds: Median time of an answer for one text.
        version_bytes: Size of the version folder.
    """

    seconds: float
    accuracy: float
    macro_f1: float
    right: NDArray[np.bool_]
    one_text_seconds: float
    version_bytes: int


def main(
    data: Annotated[list[Path], typer.Option(help="As `fit --data`.")],
    text_column: str = "text",
    label_column: str = "label",
    vectors: Annotated[Path | None, typer.Option(help="As `fit --vectors`.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds 0, 1, ... of the training.")] = 1,
    only: Annotated[
        list[str] | None, typer.Option(help="Presets beside the defaults; none takes all.")
    ] = None,
) -> None:
    """Prints scores and costs of each preset, beside those of the defaults."""
    for seed in range(seeds):
        baseline: Trained | None = None
        for preset in (_DEFAULT, *(only or PRESETS)):
            config = ls.PipelineConfig() if preset == _DEFAULT else preset_config(preset)
            settings = {
                "data": tuple(data),
                "text_column": text_column,
                "label_column": label_column,
                "vectors": vectors,
                "split_seed": 0,
                "training": {"seed": seed},
            }
            with tempfile.TemporaryDirectory() as folder:
                trained = _train(with_overrides(config, settings), Path(folder))
            baseline = baseline or trained
            _report(f"{data[0].stem}, seed {seed}, {preset}", trained, baseline)


def _train(config: ls.PipelineConfig, folder: Path) -> Trained:
    folders = {"model_dir": folder / "models", "run_dir": folder / "runs" / "run"}
    result = ls.run_pipeline(with_overrides(config, folders))
    test = prepare_corpora(config)[2]
    predictor = ls.SavedModelPredictor(result.version_dir)
    labels = [answer.label for answer in predictor.predict(list(test.texts))]
    truth = [test.label_names[label] for label in test.labels]
    return Trained(
        result.seconds,
        result.test.accuracy,
        result.test.macro_f1,
        np.array(labels) == np.array(truth),
        _one_text_seconds(predictor, test.texts),
        sum(path.stat().st_size for path in result.version_dir.rglob("*") if path.is_file()),
    )


def _one_text_seconds(predictor: ls.SavedModelPredictor, texts: Sequence[str]) -> float:
    taken = []
    for turn in range(_WARM_UP + _ASKED):
        text, before = texts[turn % len(texts)], time.perf_counter()
        predictor.predict([text])
        taken.append(time.perf_counter() - before)
    return statistics.median(taken[_WARM_UP:])


def _report(name: str, trained: Trained, baseline: Trained) -> None:
    only_now = int((trained.right & ~baseline.right).sum())
    only_before = int((baseline.right & ~trained.right).sum())
    line = {
        "benchmark": "presets",
        "name": name,
        "seconds": round(trained.seconds, 1),
        "accuracy": round(trained.accuracy, 4),
        "macro_f1": round(trained.macro_f1, 4),
        "p_value": round(mcnemar_p_value(only_now, only_before), 4),
        "one_text_seconds": round(trained.one_text_seconds, 6),
        "version_bytes": trained.version_bytes,
        "ratio": round(trained.seconds / baseline.seconds, 2),
        "against": _DEFAULT,
    }
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    typer.run(main)

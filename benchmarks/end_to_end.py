"""How long `fit` takes, and how right it is, from texts to an exported version.

    python -m benchmarks.end_to_end                          the demo corpus
    python -m benchmarks.end_to_end --data hotel.csv --text-column review --seeds 3

One JSON object a line and seed. Word vectors are trained anew each time, nothing is cached.
`--texts` and `--epochs` make it short, for a glance; `--keep` leaves the versions where other
benchmarks find them.
"""

import csv
import json
import os
import random
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from lstm_sentiment.system import usable_cpus

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(
    data: Annotated[list[Path] | None, typer.Option(help="As `fit --data`.")] = None,
    text_column: str = "text",
    label_column: str = "label",
    vectors: Path | None = None,
    seeds: Annotated[int, typer.Option(help="Seeds 0, 1, ... are run.")] = 1,
    texts: Annotated[
        int | None, typer.Option(help="Demo texts, drawn at random. Default: all.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="As `fit --epochs`.")] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Leave the versions here. Default: they are removed.")
    ] = None,
) -> None:
    """Runs `fit` once for each seed."""
    from lstm_sentiment import PipelineConfig, TrainingConfig, run_pipeline

    if data and texts is not None:
        raise SystemExit("error: --texts goes without --data: it draws from the demo corpus.")
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            read = data if texts is None else [_drawn(texts, folder / "demo.csv")]
            result = run_pipeline(
                PipelineConfig(
                    data=tuple(read or ()),
                    text_column="text" if texts is not None else text_column,
                    label_column="label" if texts is not None else label_column,
                    vectors=vectors,
                    model_dir=keep or folder / "models",
                    run_dir=folder / "runs" / "run",
                    training=TrainingConfig(
                        seed=seed, epochs=TrainingConfig.epochs if epochs is None else epochs
                    ),
                )
            )
        line = {
            "benchmark": "end_to_end",
            "name": f"{Path(data[0]).stem if data else 'demo'}, seed {seed}",
            "seconds": round(result.seconds, 1),
            "cores": usable_cpus(),
            "test": result.test.summary(),
            "dev": result.dev.summary(),
        }
        print(json.dumps(line), flush=True)


def _drawn(count: int, path: Path) -> Path:
    """Writes some texts of the demo corpus, the same ones each time."""
    from lstm_sentiment import load_demo_corpus

    corpus = load_demo_corpus().drop_empty().drop_duplicates()
    drawn = random.Random(0).sample(range(len(corpus)), count)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        rows.writerows([corpus.texts[i], corpus.label_names[corpus.labels[i]]] for i in drawn)
    return path


if __name__ == "__main__":
    typer.run(main)

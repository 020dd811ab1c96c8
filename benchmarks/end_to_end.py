"""How long `fit` takes, and how right it is, from texts to an exported version.

    python -m benchmarks.end_to_end                          the demo corpus
    python -m benchmarks.end_to_end --data hotel.csv --text-column review --seeds 3

One JSON object a line and seed. Word vectors are trained anew each time, nothing is cached.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(
    data: Annotated[list[Path] | None, typer.Option(help="As `fit --data`.")] = None,
    text_column: str = "text",
    label_column: str = "label",
    vectors: Path | None = None,
    seeds: Annotated[int, typer.Option(help="Seeds 0, 1, ... are run.")] = 1,
) -> None:
    """Runs `fit` once for each seed."""
    from lstm_sentiment import PipelineConfig, TrainingConfig, run_pipeline

    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            result = run_pipeline(
                PipelineConfig(
                    data=tuple(data or ()),
                    text_column=text_column,
                    label_column=label_column,
                    vectors=vectors,
                    model_dir=Path(folder) / "models",
                    run_dir=Path(folder) / "runs" / "run",
                    training=TrainingConfig(seed=seed),
                )
            )
        line = {
            "benchmark": "end_to_end",
            "name": f"{Path(data[0]).stem if data else 'demo'}, seed {seed}",
            "seconds": round(result.seconds, 1),
            "cores": os.cpu_count(),
            "test": result.test.summary(),
            "dev": result.dev.summary(),
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    typer.run(main)

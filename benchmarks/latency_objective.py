"""Throughput by an objective of latency, beside the best of all fixed sizes of batches.

    python -m benchmarks.latency_objective --model models/sentiment --objective-millis 20

Callers of one text each, twice as many as the largest batch has, ask the version's signature `text`
in the light engine, in this process. Each fixed size is run for `--seconds`; the best is the one
with the highest throughput among those whose p99 of a batch's seconds keeps the objective. Then the
size is found as `serve --latency-objective-millis` does, for as long, and measured for as long
again. Each line is one JSON object; `ratio` is the throughput beside that of the best fixed size.
"""

import asyncio
import itertools
import json
import random
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from lstm_sentiment.serving.batching.batch_queue import BatchRun
from lstm_sentiment.serving.batching.batching_servable import BatchingServable
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.batching.scheduler import BatchScheduler
from lstm_sentiment.serving.light.loader import load_light_servable
from lstm_sentiment.serving.servable import Servable
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.text.corpus.demo import load_demo_corpus
from lstm_sentiment.text.corpus.reading import read_texts
from lstm_sentiment.version_folder import TEXT, find_version

_CALLERS_A_ROW = 2
_QUANTILE = 99


def measure(
    servable: Servable,
    texts: list[bytes],
    seconds: float,
    callers: int,
    largest: int,
    objective: float | None = None,
) -> dict[str, Any]:
    """Runs batches for so many seconds; with an objective, after as many to find the size.

    Args:
        servable: The version.
        texts: Texts to ask, again and again.
        seconds: How long.
        callers: Number of callers.
        largest: Most texts of a batch.
        objective: The objective of latency in seconds; `None` for a fixed size.

    Returns:
        Texts a second, the mean size of a batch and the p99 of the milliseconds that it took.
    """
    runs: list[BatchRun] = []
    parameters = BatchingParameters(
        max_batch_size=largest,
        max_enqueued_batches=callers,
        num_batch_threads=1,
        latency_objective_seconds=objective,
    )
    scheduler = BatchScheduler(parameters, on_batch=runs.append)
    batching = BatchingServable(servable, ServableId("model", 1), scheduler)
    questions = itertools.cycle([np.array([text], object) for text in texts])
    begin = time.perf_counter() + (0 if objective is None else seconds)
    end = begin + seconds

    async def caller() -> None:
        while time.perf_counter() < end:
            await batching.run_async(TEXT, {"text": next(questions)})

    async def forget() -> None:
        await asyncio.sleep(begin - time.perf_counter())
        runs.clear()

    async def everything() -> None:
        await asyncio.gather(forget(), *(caller() for _ in range(callers)))

    scheduler.start()
    try:
        asyncio.run(everything())
    finally:
        scheduler.stop()
    rows = [run.rows for run in runs]
    taken = np.array([run.seconds for run in runs]) * 1e3
    return {
        "per_second": round(sum(rows) / seconds, 1),
        "batch_size": round(float(np.mean(rows)), 1),
        "p99_ms": round(float(np.percentile(taken, _QUANTILE)), 3),
    }


def main(
    model: Annotated[Path, typer.Option(help="A version, or the folder of versions.")],
    objective_millis: Annotated[float, typer.Option(min=0.1)] = 20.0,
    data: Annotated[list[Path] | None, typer.Option(help="Texts; else the demo corpus.")] = None,
    text_column: Annotated[str, typer.Option()] = "text",
    largest: Annotated[int, typer.Option(min=1, help="Most texts of a batch.")] = 64,
    seconds: Annotated[float, typer.Option(min=0.1, help="Of each size.")] = 5.0,
) -> None:
    """Measures fixed sizes, then the one that is found."""
    texts = (
        [text for file in data for text in read_texts(file, text_column=text_column)]
        if data
        else list(load_demo_corpus().drop_empty().texts)
    )
    asked = [text.encode() for text in random.Random(0).sample(texts, min(len(texts), 4096))]
    servable = load_light_servable(find_version(model))
    callers = _CALLERS_A_ROW * largest
    measure(servable, asked, seconds / 5, callers, largest)  # warms up
    best = 0.0
    sizes = sorted({largest, *(2**power for power in range(largest.bit_length()))})
    for size in sizes:
        found = measure(servable, asked, seconds, callers, size)
        keeps = found["p99_ms"] <= objective_millis
        best = max(best, found["per_second"]) if keeps else best
        _print(f"fixed {size}", {**found, "keeps_objective": keeps})
    found = measure(servable, asked, seconds, callers, largest, objective_millis / 1e3)
    ratio = round(found["per_second"] / best, 3) if best else None
    keeps = found["p99_ms"] <= objective_millis
    _print("found", {**found, "keeps_objective": keeps, "ratio": ratio, "against": "best fixed"})


def _print(name: str, values: dict[str, Any]) -> None:
    print(json.dumps({"benchmark": "latency_objective", "name": name, **values}), flush=True)


if __name__ == "__main__":
    typer.run(main)

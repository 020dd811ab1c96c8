"""How training grows with replicas, worker processes and machines.

    python -m benchmarks.scaling
    python -m benchmarks.scaling --workers 2 --batch 64 --steps 60 --plot docs/scaling.svg

One JSON object a line; `per_second` are real tokens, padding does not count. Measured, each in
fresh processes, on made-up texts as long as hotel reviews are, with our default model (400-wide
vectors of 10,000 words, 200 rows of them trained):

- one process on one core, the faster of two, against which all are compared, and one on all cores;
- two replicas on logical devices of one process (`mirrored`), on all cores;
- worker processes of one core each (`multi-worker`), which talk over the loopback device.

"Strong": the same texts a step, however many share them. "Weak": as many texts a step for each
replica as for one alone. Each batch is timed three times after a round of warming up; the median of
each counts. The share of communication is the time of the step's one all-reduce, alone and as
often, in the time of the step.

Beside us, under the same workers: Keras' own layers and `fit`, without dropout and trained rows. As
released, it fails; mended, it trains on the texts as they come, padded to the longest of each
worker's share, and on our batches of texts of like length.

Then the model of `growth.py`, from the step times of one core: what N machines of one such core
would do over Ethernet of 1 and 10 Gbit/s and 100 microseconds. Linux only.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks.scaling.predictions import Model, plot_of, report_growth, report_model
from benchmarks.scaling.runs import (
    Run,
    RunFailedError,
    Timing,
    Trainer,
    cores,
    measure,
    report,
    report_timing,
)

_ALONE = "one process, one core"
_KINDS = ("strong", "weak")


def main(
    workers: Annotated[str, typer.Option(help="Numbers of workers, with commas.")] = "2",
    batch: Annotated[int, typer.Option(min=8, help="Texts a step of one replica alone.")] = 64,
    steps: Annotated[int, typer.Option(min=1, help="Batches, each timed three times.")] = 60,
    plot: Annotated[Path | None, typer.Option(help="SVG to write.")] = None,
) -> None:
    """Measures, compares and predicts."""
    counts = _counts(workers)
    sizes = (batch // 8, batch // 4, batch // 2, batch, 2 * batch)
    alone = _fastest(sizes, steps)
    one = alone[batch]
    report_timing(_ALONE, one, one, _ALONE)
    size_bytes = _measure_one_process(one, steps)
    found = {count: _measure_workers(count, one, steps) for count in counts}
    _measure_peers(found[counts[-1]][0], counts[-1], steps)
    model = Model.of(list(alone.values()), size_bytes, batch)
    report_model(model, found)
    report_growth(model, one.tokens / batch)
    if plot is not None:
        plot.write_text(plot_of(model, found, one), "utf-8")


def _fastest(sizes: tuple[int, ...], steps: int) -> dict[int, Timing]:
    """One core, timed in two processes: all else is measured by it, so no slow minute may tell."""
    runs = [measure(Run("ours", sizes, steps)) for _ in range(2)]
    pairs = zip(*runs, strict=True)
    return {pair[0].batch: min(pair, key=lambda timing: timing.step_seconds) for pair in pairs}


def _counts(workers: str) -> list[int]:
    try:
        counts = sorted({int(part) for part in workers.split(",")})
    except ValueError:
        counts = []
    if not counts or counts[0] < 1 or counts[-1] > len(cores()):
        raise SystemExit(
            f"error: `--workers` must be numbers from 1 to {len(cores())}, one core for each, with "
            f"commas in between. Received: {workers!r}."
        )
    return counts


def _measure_one_process(one: Timing, steps: int) -> int:
    """All cores, without and with two replicas; returns the bytes of their all-reduce."""
    where = f"{len(cores())} cores"
    run = Run("ours", (one.batch,), steps, one_core_each=False)
    report_timing(f"one process, {where}", measure(run)[0], one, _ALONE)
    sizes = (one.batch, 2 * one.batch)
    run = replace(run, strategy="mirrored", logical_devices=2, batches=sizes)
    timings = measure(run)
    for kind, timing in zip(_KINDS, timings, strict=True):
        report_timing(f"2 mirrored replicas, {where}, {kind}", timing, one, _ALONE)
    assert timings[0].all_reduce is not None
    return timings[0].all_reduce.size_bytes


def _measure_workers(count: int, one: Timing, steps: int) -> list[Timing]:
    """Strong, then weak, which are the same for one worker."""
    sizes = (one.batch, count * one.batch) if count > 1 else (one.batch,)
    timings = measure(Run("ours", sizes, steps, "multi-worker", count))
    for kind, timing in zip(_KINDS, timings, strict=False):
        name = f"{count} workers, one core each, {kind}" if count > 1 else "1 worker, one core"
        report_timing(name, timing, one, _ALONE)
    return timings


def _measure_peers(ours: Timing, count: int, steps: int) -> None:
    """Keras' `fit` under as many workers, on the same texts."""
    trainers: tuple[Trainer, ...] = ("keras as released", "keras", "keras, batches by length")
    for trainer in trainers:
        name = f"{trainer}, {count} worker{'s' * (count > 1)}, one core each"
        try:
            theirs = measure(Run(trainer, (ours.batch,), steps, "multi-worker", count))[0]
        except RunFailedError as error:
            report(name, error=str(error))
        else:
            report_timing(f"ours, {count} workers", ours, theirs, name)


if __name__ == "__main__":
    typer.run(main)

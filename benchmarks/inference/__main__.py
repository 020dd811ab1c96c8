"""How fast a trained classifier answers on a CPU, beside other engines with the same weights.

    python -m benchmarks.inference

One JSON object a line: seconds of a call, token ids in and logits out, each as the engine's own
kind of tensor. First a classifier of 300-d vectors, one LSTM of 128 units and a dense layer upon
its last state, with random weights:

- `keras loop`, the yardstick: `Embedding(mask_zero=True)`, `LSTM` and `Dense` of Keras as one
  `tf.function`, without and with XLA; `keras model(x)` and `keras predict` are the same model,
  called without a graph and by `model.predict`;
- `pytorch eager`: `Embedding`, `LSTM` and `Linear` in inference mode, padded to the longest text;
- `onnx runtime`: Gather, LSTM, MatMul and Add, the texts' lengths given;
- `ours`: the exported version's `serving_default`, as TensorFlow loads it, with XLA, as the server
  in this package switches it on, and by the light engine.

Then the default architecture, n-grams included, beside the graph that it is trained as. Each for
every `--batch` of texts of `--tokens` tokens, and for 64 texts of mixed lengths.

All must give the same logits, else nothing is timed. Each engine has a process of its own, with as
many threads as it takes by default, and all take turns, round by round, while the others wait for
their pipes. A figure is the lowest of the rounds' medians: the median leaves out the calls that
something else disturbed, and the lowest the rounds. That does not make a busy machine a quiet one:
PyTorch's threads wait for each other without sleep, and where they have to share their cores a
call takes many times as long.

Needs the extra `bench` for PyTorch and ONNX Runtime; without it the others run.
"""

import importlib.util
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.inference.cases import Case, make_cases
from benchmarks.inference.engines import (
    DEFAULT,
    DEFAULT_LIGHT,
    DEFAULT_XLA,
    DEFAULTS,
    KERAS_LOOP,
    KERAS_LOOP_XLA,
    ONNX_RUNTIME,
    OURS,
    OURS_LIGHT,
    OURS_XLA,
    PEERS_AND_OURS,
    PYTORCH,
    TRAINING_GRAPH,
    Engine,
)
from benchmarks.inference.files import Sizes
from benchmarks.inference.workers import Worker, write_models

Seconds = Mapping[str, Mapping[str, float]]
"""Of a call: by engine, then by case."""

_TOLERANCE = 1e-4
_COMPARED = (
    (OURS, KERAS_LOOP),
    (OURS, PYTORCH),
    (OURS, ONNX_RUNTIME),
    (OURS_XLA, KERAS_LOOP),
    (OURS_XLA, KERAS_LOOP_XLA),
    (OURS_XLA, PYTORCH),
    (OURS_XLA, ONNX_RUNTIME),
    (OURS_LIGHT, KERAS_LOOP),
    (OURS_LIGHT, PYTORCH),
    (OURS_LIGHT, ONNX_RUNTIME),
    (DEFAULT, TRAINING_GRAPH),
    (DEFAULT_XLA, TRAINING_GRAPH),
    (DEFAULT_LIGHT, TRAINING_GRAPH),
)
_GOALS = {
    (1, OURS, KERAS_LOOP): 1.67,
    (1, OURS_XLA, PYTORCH): 1.0,
    (64, OURS_XLA, ONNX_RUNTIME): 1.0,
}
"""The ratios to be reached, by the number of texts, who is measured and the peer."""


def main(
    units: Annotated[int, typer.Option(min=1, help="Of the LSTM.")] = 128,
    dim: Annotated[int, typer.Option(min=1, help="Width of the word vectors.")] = 300,
    tokens: Annotated[int, typer.Option(min=1, max=200, help="Of each text.")] = 100,
    vocabulary: Annotated[int, typer.Option(min=100, help="Number of token ids.")] = 20_000,
    batch: Annotated[list[int] | None, typer.Option(min=1, help="Texts; default 1, 64.")] = None,
    seconds: Annotated[float, typer.Option(help="Of each engine and case, all rounds.")] = 3.0,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each engine.")] = 5,
) -> None:
    """Prints seconds of a call, and how they compare."""
    cases = make_cases(batch or [1, 64], tokens, vocabulary)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_models(Sizes(units, dim, vocabulary), folder)
        for engines in (PEERS_AND_OURS, DEFAULTS):
            with _workers(engines, folder, cases) as workers:
                _check(workers, cases)
                _report(_measure(workers, cases, seconds / rounds, rounds), cases)


@contextmanager
def _workers(
    engines: Mapping[str, Engine], folder: Path, cases: Sequence[Case]
) -> Iterator[list[Worker]]:
    """All engines whose modules are installed, loaded."""
    workers = []
    try:
        for name, engine in engines.items():
            missing = [module for module in engine.needs if not importlib.util.find_spec(module)]
            if missing:
                print(
                    f"{name} is left out, for want of {' and '.join(missing)}: "
                    "pip install 'lstm-sentiment[bench]'",
                    file=sys.stderr,
                )
            else:
                workers.append(Worker(name, folder, cases))
        for worker in workers:
            worker.wait()
        yield workers
    finally:
        for worker in workers:
            worker.stop()


def _check(workers: Sequence[Worker], cases: Sequence[Case]) -> None:
    """Ends the run where an engine answers unlike the first."""
    for index, case in enumerate(cases):
        expected = workers[0].logits(index)
        for worker in workers[1:]:
            pairs = zip(worker.logits(index), expected, strict=True)
            difference = max(float(np.abs(given - wanted).max()) for given, wanted in pairs)
            if not difference <= _TOLERANCE:
                raise SystemExit(
                    f"error: {case.name}: the logits of {worker.engine} must be those of "
                    f"{workers[0].engine}, within {_TOLERANCE}. Received: {difference} apart."
                )


def _measure(
    workers: Sequence[Worker], cases: Sequence[Case], seconds: float, rounds: int
) -> Seconds:
    best = {worker.engine: {case.name: float("inf") for case in cases} for worker in workers}
    for _ in range(rounds):
        for index, case in enumerate(cases):
            for worker in workers:
                taken = worker.seconds(index, seconds)
                best[worker.engine][case.name] = min(best[worker.engine][case.name], taken)
    return best


def _report(seconds: Seconds, cases: Sequence[Case]) -> None:
    for case in cases:
        for engine, of_case in seconds.items():
            _print(f"{case.name}: {engine}", of_case[case.name])
        for ours, peer in _COMPARED:
            if ours not in seconds or peer not in seconds:
                continue
            own, of_peer = seconds[ours][case.name], seconds[peer][case.name]
            goal = None if case.is_mixed else _GOALS.get((case.texts, ours, peer))
            _print(
                f"{case.name}: {ours}",
                own,
                ratio=round(of_peer / own, 2),
                against=peer,
                against_seconds=round(of_peer, 6),
                **({} if goal is None else {"goal": goal}),
            )


def _print(name: str, seconds: float, **more: object) -> None:
    line = {"benchmark": "inference", "name": name, "seconds": round(seconds, 6), **more}
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    typer.run(main)

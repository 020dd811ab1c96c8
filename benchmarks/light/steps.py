"""What a step of the network with a table costs: the figures of `serving.light.step_costs`.

`python -m benchmarks.light.steps --model DIR`: CPU in microseconds of a step of each stage, for any
number of texts, and for each text, by a line through batches of several sizes.
"""

import json
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from lstm_sentiment.light_twin.description import STEPS_AT_ONCE, load_description
from lstm_sentiment.serving.light.table_network import TableNetwork
from lstm_sentiment.version_folder import LIGHT, OOV_ID, find_version

_SIZES = (1, 2, 4, 8, 16, 32)
_TURNS = 12
_RUNS, _ROUNDS = 20, 3


def main(
    model: Annotated[Path, typer.Option(help="A version with a table, or a folder of versions.")],
) -> None:
    """Measures both stages and prints a line for each."""
    folder = find_version(model) / LIGHT
    vocabulary_size = load_description(folder).vocabulary_size
    network = TableNetwork(folder, vocabulary_size, directions=2)
    steps = _TURNS * STEPS_AT_ONCE
    rng = np.random.default_rng(0)
    for name, turns in (("Loop", _TURNS), ("LSTM", 0)):
        costs = []
        for size in _SIZES:
            ids = rng.integers(OOV_ID, vocabulary_size, (size, steps), dtype=np.int32)
            rows = list(ids)
            costs.append(min(_microseconds(network, rows, turns) for _ in range(_ROUNDS)) / steps)
        a_text, a_step = np.polyfit(_SIZES, costs, 1)
        line = {"benchmark": "light steps", "name": name, "step_us": round(float(a_step), 2)}
        print(json.dumps({**line, "step_of_a_text_us": round(float(a_text), 3)}), flush=True)


def _microseconds(network: TableNetwork, rows: list[np.ndarray], turns: int) -> float:
    network.logits(rows, turns)
    before = time.process_time()
    for _ in range(_RUNS):
        network.logits(rows, turns)
    return (time.process_time() - before) / _RUNS * 1e6


if __name__ == "__main__":
    typer.run(main)

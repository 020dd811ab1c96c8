"""Memory after many loads and unloads of a version, beside that after few; CPU time of a load.

    python -m benchmarks.load_cycles --model models/sentiment

A version is loaded and warmed up, answers one request, and is unloaded, over and over, as in a
server when versions come and go. Prints one JSON object: `ratio` is the memory after the last
cycle, beside that after the fifth; `load_cpu_seconds` is the median CPU time of a load with its
warmup, and `graph_bytes` the size of the version's graph.
"""

import argparse
import gc
import json
import os
import statistics
import time
from pathlib import Path

import numpy as np

from lstm_sentiment.errors import LstmSentimentError
from lstm_sentiment.serving.saved_model.loader import SavedModelLoader
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.version_folder import find_version, graph_file

_FEW = 5


def main() -> None:
    """Reads the flags, loads and unloads, and prints what is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a version, or a base path")
    parser.add_argument("--cycles", type=int, default=50, help=f"at least {_FEW}")
    arguments = parser.parse_args()
    if arguments.cycles < _FEW:
        parser.error(f"--cycles must be at least {_FEW}. Received: {arguments.cycles}")
    try:
        version_dir = find_version(arguments.model)
    except LstmSentimentError as error:
        parser.error(str(error))
    gc.collect()
    gc.freeze()
    began, used, loads = time.perf_counter(), [], []
    for _ in range(arguments.cycles):
        loader = SavedModelLoader(ServableId("sentiment", 1), version_dir)
        before = time.process_time()
        servable = loader.load()
        loads.append(time.process_time() - before)
        servable.run("text", {"text": np.array(["房间很干净".encode()], dtype=object)})
        del servable
        loader.unload()
        used.append(resident_mib())
    line = {
        "benchmark": "load_cycles",
        "name": f"memory after {arguments.cycles} loads and unloads, MiB",
        "mib": used[-1],
        "against": f"after {_FEW}",
        "against_mib": used[_FEW - 1],
        "ratio": round(used[-1] / used[_FEW - 1], 3),
        "load_cpu_seconds": round(statistics.median(loads), 3),
        "graph_bytes": graph_file(version_dir).stat().st_size,
        "seconds": round((time.perf_counter() - began) / arguments.cycles, 3),
    }
    print(json.dumps(line), flush=True)


def resident_mib() -> float:
    """The memory that this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


if __name__ == "__main__":
    main()

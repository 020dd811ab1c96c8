"""One worker of one run: `python -m benchmarks.scaling.worker RUN REPORT`."""

import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks.scaling.runs import Run, Timing, cores

_TIMEOUT_SECONDS = 900


def main() -> None:
    """Measures, and where this is the chief writes the report."""
    run, report = Run.from_json(sys.argv[1]), Path(sys.argv[2])
    index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    if run.one_core_each:
        # Before TensorFlow is there: it makes as many threads as there are cores to compute on.
        os.sched_setaffinity(0, {cores()[index]})
    # Where one worker fails alone the other waits without an end.
    signal.alarm(_TIMEOUT_SECONDS)
    found = _measure(run)
    if index == 0:
        report.write_text(json.dumps(found), "utf-8")


def _measure(run: Run) -> dict[str, Any]:
    if run.trainer == "ours":
        from benchmarks.scaling.ours import measure_ours

        return _as_json(measure_ours(run))
    from benchmarks.scaling.keras_fit import measure_keras

    try:
        return _as_json(measure_keras(run))
    except Exception as error:  # whichever it is, it is the result
        return {"error": f"{type(error).__name__}: {_without_middle(str(error))}"}


def _without_middle(message: str) -> str:
    """On one line, and without the numbers of the tensors that TensorFlow's errors tell."""
    words = " ".join(message.split())
    return words if len(words) <= 250 else f"{words[:90]} ... {words[-150:]}"


def _as_json(timings: list[Timing]) -> dict[str, Any]:
    return {"timings": [asdict(timing) for timing in timings]}


if __name__ == "__main__":
    main()

"""A million texts, classified with each engine of `score`."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from benchmarks.scale.memory import MemoryRecord

ENGINES = ("local", "ray")

_CLI = Path(__file__).parents[2] / "cli.py"


def score_with(
    engine: str, record: MemoryRecord, texts: Path, model: Path, output: Path, rows_a_shard: int
) -> Mapping[str, Any]:
    """Classifies all texts of a folder in a process of its own; returns what `score` reports.

    Args:
        engine: The engine of `score`, which is also the name of the run in the record.
        record: Memory, messages and texts done.
        texts: Folder of shards.
        model: Base path or folder of a version.
        output: Folder of the outputs, which are written again.
        rows_a_shard: Texts of each shard.
    """
    output.mkdir(parents=True, exist_ok=True)
    for old in output.iterdir():
        old.unlink()

    def done() -> Mapping[str, int]:
        return {"texts": rows_a_shard * len(list(output.glob("*.scored.jsonl")))}

    flags = ["--model", str(model), "--engine", engine, "--output", str(output), "--json"]
    command = [sys.executable, str(_CLI), "score", str(texts), *flags]
    ended = record.watch(engine, command, done=done)
    if ended.exit_code:
        raise SystemExit(f"error: `score --engine {engine}` must end with exit code 0.")
    found: Mapping[str, Any] = json.loads(ended.lines[-1])
    return found


def difference(first: Path, second: Path) -> tuple[int, int, float]:
    """Compares the outputs of two engines.

    Returns:
        The number of texts, the number of those with different labels, and the largest difference
        of a probability.
    """
    texts = other_labels = 0
    largest = 0.0
    pairs: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]] = zip_longest(
        _answers(first), _answers(second), fillvalue={}
    )
    for one, two in pairs:
        if one.get("text") != two.get("text"):
            raise SystemExit("error: both engines must answer the same texts in the same order.")
        texts += 1
        other_labels += one["label"] != two["label"]
        both = zip(one["probabilities"].values(), two["probabilities"].values(), strict=True)
        largest = max(largest, *(abs(a - b) for a, b in both))
    return texts, other_labels, largest


def _answers(folder: Path) -> Iterator[Mapping[str, Any]]:
    for path in sorted(folder.glob("*.scored.jsonl")):
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)

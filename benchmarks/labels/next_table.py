"""Prints what `labels next` saves: means over the draws, and the labels that a target takes."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Run = Mapping[str, Any]


def print_next(runs: Sequence[Run], target: float) -> None:
    """Prints a table of accuracy and macro-F1 by number of labels, for each set and learner.

    Args:
        runs: Lines of the results; of repeated runs the last one counts.
        target: Accuracy in %. The number of labels that the mean accuracy needs for it is
            interpolated between two sizes.
    """
    found: dict[str, dict[str, dict[int, dict[int, Run]]]] = {}
    for run in runs:
        choices = found.setdefault(f"{run['set']}, {run['learner']}", {})
        choices.setdefault(run["choice"], {}).setdefault(run["labels"], {})[run["draw"]] = run
    for name, choices in found.items():
        sizes = sorted({size for by_size in choices.values() for size in by_size})
        print(f"\n| {name} | {' | '.join(map(str, sizes))} | labels for {target:g} % |")
        print("|---" * (2 + len(sizes)) + "|")
        for choice, by_size in choices.items():
            cells = [_scores(list(by_size.get(size, {}).values())) for size in sizes]
            print(f"| {choice} | {' | '.join(cells)} | {_needed(by_size, target)} |")


def _scores(runs: Sequence[Run]) -> str:
    if not runs:
        return "–"
    accuracy, macro_f1 = (
        statistics.mean(100 * run[key] for run in runs) for key in ("accuracy", "macro_f1")
    )
    return f"{accuracy:.1f} / {macro_f1:.1f} ({len(runs)})"


def _needed(by_size: Mapping[int, Mapping[int, Run]], target: float) -> str:
    """Returns the number of labels at which the mean accuracy first reaches the target."""
    sizes = sorted(by_size)
    means = [100 * statistics.mean(r["accuracy"] for r in by_size[size].values()) for size in sizes]
    above = [place for place, mean in enumerate(means) if mean >= target]
    if not above:
        return f"more than {sizes[-1]}"
    first = above[0]
    if first == 0:
        return f"at most {sizes[0]}"
    pair = slice(first - 1, first + 1)
    return f"{np.interp(target, means[pair], sizes[pair]):.0f}"

"""What the benchmark prints: a JSON object a run, and Markdown of their means."""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Run = Mapping[str, Any]
"""One trained classifier and its scores."""

_HEAD = (
    "| {title} | test accuracy, % | spread | macro-F1, % | LSTM alone, % | dev accuracy, % "
    "| dev loss | seeds | seconds |"
)
_COLUMNS = 9


def print_run(runs: list[dict[str, Any]], **run: Any) -> None:
    """Prints one run as a line of JSON, and keeps it."""
    rounded = {
        key: round(value, 4) if isinstance(value, float) else value for key, value in run.items()
    }
    print(json.dumps({"benchmark": "accuracy", **rounded}, ensure_ascii=False), flush=True)
    runs.append(rounded)


def print_tables(runs: Iterable[Run]) -> None:
    """Prints the means over the seeds as Markdown, a table for each set."""
    by_set: dict[str, dict[str, list[Run]]] = {}
    for run in runs:
        by_set.setdefault(run["set"], {}).setdefault(run["name"], []).append(run)
    for name, groups in by_set.items():
        print("\n" + _HEAD.format(title=name))
        print("|" + "---|" * _COLUMNS)
        for recipe, group in groups.items():
            print(f"| {recipe} | {' | '.join(_cells(group))} |")


def _cells(group: Sequence[Run]) -> list[str]:
    accuracies = [100 * run["accuracy"] for run in group]
    return [
        f"{statistics.mean(accuracies):.1f}",
        f"{max(accuracies) - min(accuracies):.1f}" if len(group) > 1 else "–",
        _mean(group, "macro_f1", "{:.1%}"),
        _mean(group, "lstm_accuracy", "{:.1%}"),
        _mean(group, "dev_accuracy", "{:.1%}"),
        _mean(group, "dev_loss", "{:.3f}"),
        str(len(group)),
        _mean(group, "seconds", "{:.0f}"),
    ]


def _mean(group: Sequence[Run], key: str, form: str) -> str:
    """The mean of a score, a dash where a run lacks it."""
    if not all(key in run for run in group):
        return "–"
    return form.format(statistics.mean(run[key] for run in group)).removesuffix("%")

"""Prints the learning curve as Markdown: means over the draws, and differences that are paired."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import lstm_sentiment as ls

Run = Mapping[str, Any]
"""One trained classifier: its scores, and its answer for each test text."""

_RESAMPLES = 1_000


@dataclass(frozen=True)
class Difference:
    """By how much one recipe is better than another on the same texts, in points.

    Attributes:
        accuracy: Mean difference of the accuracy over the draws.
        accuracy_error: Its standard error.
        macro_f1: Mean difference of the macro-F1.
        macro_f1_error: Its standard error.
        p_values: McNemar's exact test, one value for each draw.
        draws: Number of draws that both have.
    """

    accuracy: float
    accuracy_error: float
    macro_f1: float
    macro_f1_error: float
    p_values: tuple[float, ...]
    draws: int


def print_curve(runs: Iterable[Run], against: str) -> None:
    """Prints two tables for each set: scores, and differences from one recipe.

    Args:
        runs: Lines of the results; of repeated runs the last one counts.
        against: The recipe, with its commit where several commits ran it: `NAME` or `NAME @COMMIT`.
    """
    by_set: dict[str, dict[str, dict[Any, dict[int, Run]]]] = {}
    for run in runs:
        rows = by_set.setdefault(run["set"], {})
        rows.setdefault(_row_name(run), {}).setdefault(run["size"], {})[run["draw"]] = run
    for name, rows in by_set.items():
        sizes = sorted({size for row in rows.values() for size in row}, key=_by_size)
        print(f"\n| {name} | {' | '.join(_shown_size(size) for size in sizes)} |")
        print("|---" * (1 + len(sizes)) + "|")
        for recipe, row in rows.items():
            print(f"| {recipe} | {' | '.join(_scores(row.get(size)) for size in sizes)} |")
        base = next((row for row in rows if row == against), None)
        base = base or next((row for row in rows if row.split(" @")[0] == against), None)
        if base is not None:
            _print_differences(name, rows, base, sizes)


def _print_differences(
    name: str, rows: Mapping[str, Mapping[Any, Mapping[int, Run]]], base: str, sizes: Sequence[Any]
) -> None:
    head = f"{name}, against {base}"
    columns = ("labels", "accuracy, points", "macro-F1, points", "McNemar's p", "draws")
    print(f"\n| {head} | {' | '.join(columns)} |")
    print("|---" * 6 + "|")
    for recipe, row in rows.items():
        for size in sizes if recipe != base else ():
            found = difference(rows[base].get(size, {}), row.get(size, {}))
            if found is not None:
                cells = (
                    _shown_size(size),
                    f"{found.accuracy:+.1f} ± {found.accuracy_error:.1f}",
                    f"{found.macro_f1:+.1f} ± {found.macro_f1_error:.1f}",
                    ", ".join(f"{p:.2g}" for p in found.p_values),
                    str(found.draws),
                )
                print(f"| {recipe} | {' | '.join(cells)} |")


def difference(first: Mapping[int, Run], second: Mapping[int, Run]) -> Difference | None:
    """Computes by how much the second of two recipes is better, on the draws that both have.

    The standard error adds two variances: over the test texts (a bootstrap of the texts, the same
    ones for both recipes and all draws) and over the draws.

    Args:
        first: Runs of one recipe by draw.
        second: Runs of the other one.

    Returns:
        The difference, or `None` where they share no draw.

    Raises:
        SystemExit: If the runs of one draw were scored on other texts.
    """
    pairs = [(first[draw], second[draw]) for draw in sorted(first.keys() & second.keys())]
    if not pairs:
        return None
    if any(one["labels"] != other["labels"] for one, other in pairs):
        raise SystemExit("error: runs to compare must have been scored on the same test texts.")
    accuracy, macro_f1 = (
        _mean_and_error([(score(one), score(other)) for one, other in pairs])
        for score in (_resampled_accuracy, _resampled_macro_f1)
    )
    p_values = tuple(_mcnemar(one, other) for one, other in pairs)
    return Difference(*accuracy, *macro_f1, p_values, len(pairs))


def _mean_and_error(
    scores: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> tuple[float, float]:
    """Takes the scores of the texts themselves, then of each resample; gives points."""
    differences = 100 * np.array([other - one for one, other in scores])
    over_texts = differences.mean(axis=0)[1:].var()
    draws = len(differences)
    over_draws = differences[:, 0].var(ddof=1) / draws if draws > 1 else 0.0
    return float(differences[:, 0].mean()), float(np.sqrt(over_texts + over_draws))


@lru_cache(maxsize=2)
def _weights(texts: int) -> NDArray[np.float64]:
    """How often each text counts: once, then as drawn for each resample; the same every time."""
    drawn = np.random.default_rng(0).multinomial(texts, [1 / texts] * texts, _RESAMPLES)
    return np.vstack([np.ones((1, texts)), drawn]) / texts


def _resampled_accuracy(run: Run) -> NDArray[np.float64]:
    right = np.equal(run["labels"], run["answers"])
    scores: NDArray[np.float64] = _weights(len(right)) @ right
    return scores


def _resampled_macro_f1(run: Run) -> NDArray[np.float64]:
    labels, answers = np.asarray(run["labels"]), np.asarray(run["answers"])
    weights, scores = _weights(len(labels)), []
    for label in np.unique(labels):
        is_label, is_answer = labels == label, answers == label
        both = 2 * (weights @ (is_label & is_answer))
        either = weights @ is_label + weights @ is_answer
        scores.append(np.divide(both, either, out=np.zeros_like(both), where=either > 0))
    mean: NDArray[np.float64] = np.mean(scores, axis=0)
    return mean


def _mcnemar(first: Run, second: Run) -> float:
    one, other = (np.equal(run["labels"], run["answers"]) for run in (first, second))
    return ls.mcnemar_p_value(int((one & ~other).sum()), int((other & ~one).sum()))


def _scores(runs: Mapping[int, Run] | None) -> str:
    if not runs:
        return "–"
    accuracy, macro_f1 = (
        statistics.mean(100 * run[key] for run in runs.values()) for key in ("accuracy", "macro_f1")
    )
    return f"{accuracy:.1f} / {macro_f1:.1f} ({len(runs)})"


def _row_name(run: Run) -> str:
    return f"{run['recipe']} @{run['commit']}" if run["commit"] else str(run["recipe"])


def _by_size(size: int | str) -> float:
    return size if isinstance(size, int) else float("inf")


def _shown_size(size: int | str) -> str:
    return f"{size:,}" if isinstance(size, int) else size

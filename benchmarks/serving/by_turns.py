"""Measures this checkout's server by turns with that of another, and with a stock one."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.callers import Transport, asking, grpc_predict, load_of, rest_predict
from benchmarks.processes import (
    BATCHING,
    REPOSITORY,
    Checkout,
    RunningProcess,
    commit_of,
    rounds_by_turns,
)

Figures = Mapping[tuple[str, str], float]
"""What one round measured, by the measurement's name and the figure's."""

PARTS = ("single", "batching", "memory")
"""What may be measured alone: a server without batching, one with it, one with 1,000 callers."""

_TEXTS = 4096
_CALLERS = (1, 64)
_MANY = 1000
_LARGER_IS_BETTER = "per_second"

GOALS = {
    ("gRPC, batching, 64 callers", "cpu_ms"): 0.55,
    ("gRPC, batching, 64 callers", "per_second"): 1.8,
    ("gRPC, no batching, 64 callers", "cpu_ms"): 0.6,
    ("gRPC, no batching, 1 caller", "p50_ms"): 0.55,
    ("REST, batching, 64 callers", "cpu_ms"): 0.6,
    (f"gRPC, batching, {_MANY} callers", "mib"): 0.2,
}
"""The `share` that a figure shall have: at least that where larger is better, else at most."""

GOALS_ARE_BESIDE = "80386b1"
"""The commit whose figures the goals are shares of."""


@dataclass(frozen=True)
class Options:
    """The settings of a comparison.

    Attributes:
        rounds: Measurements of each server.
        seconds: Of each measurement.
        only: Of `PARTS`.
        flags: More flags for this checkout's `serve`.
        stock: Address of a TensorFlow Serving's gRPC, `host:port`; `None` for none.
        stock_pid: Of its process.
    """

    rounds: int
    seconds: float
    only: Sequence[str]
    flags: Sequence[str]
    stock: str | None
    stock_pid: int | None


def measure(version_dir: Path, texts: Sequence[str], against: Path, options: Options) -> None:
    """Measures all by turns, and prints a line for each figure.

    Args:
        version_dir: The version that all servers serve.
        texts: Asked for.
        against: The other checkout.
        options: The settings.
    """
    comparison = _Comparison(version_dir, texts[:_TEXTS], options)
    ours, theirs = Checkout(REPOSITORY), Checkout(against)
    taken: dict[Checkout | None, list[Figures]] = {ours: [], theirs: []}
    if options.stock is not None:
        taken[None] = []
    for checkout in rounds_by_turns(list(taken), options.rounds):
        if checkout is None:
            taken[checkout].append(comparison.of_stock())
        else:
            flags = options.flags if checkout is ours else ()
            taken[checkout].append(comparison.of_checkout(checkout, flags))
    for line in lines(_medians(taken[ours]), _medians(taken[theirs]), commit_of(against)):
        print(json.dumps(line), flush=True)
    if options.stock is not None:
        _print_stock(_medians(taken[ours]), _medians(taken[None]))


@dataclass(frozen=True)
class _Comparison:
    version_dir: Path
    texts: Sequence[str]
    options: Options

    def of_checkout(self, checkout: Checkout, flags: Sequence[str]) -> Figures:
        """Measures the servers of one checkout."""
        found: dict[tuple[str, str], float] = {}
        if "single" in self.options.only:
            found |= self._loads(checkout, "no batching", flags)
        batching = ("--enable-batching", f"--batching-parameters-file={BATCHING}", *flags)
        if "batching" in self.options.only:
            found |= self._loads(checkout, "batching", batching)
        if "memory" in self.options.only:
            threads = f"--grpc-max-threads={_MANY + 8}"
            with checkout.served(self.version_dir.parent, threads, *batching) as server:
                address = f"127.0.0.1:{server.port}"
                found |= self._load("gRPC", address, "batching", _MANY, server.process)
        return found

    def of_stock(self) -> Figures:
        """Measures the TensorFlow Serving that runs already."""
        assert self.options.stock is not None and self.options.stock_pid is not None
        process = RunningProcess(self.options.stock_pid)
        found: dict[tuple[str, str], float] = {}
        for callers in _CALLERS:
            found |= self._load("gRPC", self.options.stock, "stock", callers, process)
        return found

    def _loads(
        self, checkout: Checkout, mode: str, flags: Sequence[str]
    ) -> dict[tuple[str, str], float]:
        threads = f"--grpc-max-threads={max(_CALLERS) + 8}"
        with checkout.served(self.version_dir.parent, threads, *flags) as server:
            name = f"server, {mode}"
            found = {
                (name, "start_seconds"): server.start_seconds,
                (name, "start_cpu_seconds"): server.start_cpu_seconds,
                (name, "idle_mib"): server.mib,
            }
            ports: dict[Transport, int] = {"gRPC": server.port, "REST": server.rest_api_port}
            for transport, port in ports.items():
                for callers in _CALLERS:
                    address = f"127.0.0.1:{port}"
                    found |= self._load(transport, address, mode, callers, server.process)
        return found

    def _load(
        self, transport: Transport, address: str, mode: str, callers: int, process: RunningProcess
    ) -> dict[tuple[str, str], float]:
        request = grpc_predict if transport == "gRPC" else rest_predict
        requests = [request([text]) for text in self.texts]
        connected = asking(transport, address, requests, callers)
        load = load_of(connected, callers, self.options.seconds, process)
        name = f"{transport}, {mode}, {callers} caller{'s' if callers > 1 else ''}"
        return {
            (name, "cpu_ms"): 1e3 * load.cpu_seconds,
            (name, "per_second"): load.per_second,
            (name, "p50_ms"): 1e3 * load.p50,
            (name, "p99_ms"): 1e3 * load.p99,
            (name, "mib"): load.mib,
        }


def _medians(rounds: Sequence[Figures]) -> Figures:
    return {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}


def lines(ours: Figures, theirs: Figures, against: str) -> list[dict[str, object]]:
    """Compares figures that both have.

    Returns:
        A line for each: `share` is ours divided by theirs; so is `ratio` where larger is better,
        else its inverse. Beside the commit of `GOALS`, `goal` tells the share that is to be
        reached, and `met` whether it is.
    """
    return [_line(key, ours[key], theirs[key], against) for key in ours if key in theirs]


def _line(key: tuple[str, str], ours: float, theirs: float, against: str) -> dict[str, object]:
    name, figure = key
    share = ours / theirs if theirs else math.nan
    larger_is_better = figure == _LARGER_IS_BETTER
    line: dict[str, object] = {
        "benchmark": "serving",
        "name": f"{name}, {figure}",
        figure: round(ours, 4),
        "against": against,
        f"against_{figure}": round(theirs, 4),
        "share": round(share, 3),
        "ratio": round(share if larger_is_better else 1 / share, 3),
    }
    if against == GOALS_ARE_BESIDE and key in GOALS:
        goal = GOALS[key]
        line["goal"] = f"share {'>=' if larger_is_better else '<='} {goal}"
        line["met"] = share >= goal if larger_is_better else share <= goal
    return line


def _print_stock(ours: Figures, stock: Figures) -> None:
    """Prints ours, with batching and without, beside a stock server that its user started."""
    for mode in ("no batching", "batching"):
        beside = {(name.replace("stock", mode), key): stock[name, key] for name, key in stock}
        for line in lines(ours, beside, "TensorFlow Serving"):
            print(json.dumps(line), flush=True)

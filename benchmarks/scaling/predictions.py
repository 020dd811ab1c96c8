"""What the model of growth says, beside what was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.scaling.growth import (
    Compute,
    Network,
    all_reduce_seconds,
    fit_compute,
    fit_network,
    speed_up,
    step_seconds,
)
from benchmarks.scaling.plot import Panel, draw
from benchmarks.scaling.runs import Timing, report

_MACHINES = (1, 2, 4, 8, 16, 32)
_LATENCY_SECONDS = 1e-4
_NETWORKS = {
    "10 Gbit/s Ethernet": Network(10e9 / 8, _LATENCY_SECONDS),
    "1 Gbit/s Ethernet": Network(1e9 / 8, _LATENCY_SECONDS),
}


@dataclass(frozen=True)
class Model:
    """The model of growth, fitted to the step times of one core.

    Attributes:
        compute: What one core computes in a step.
        size_bytes: What is added up over all machines in a step.
        batch: Texts a step of one machine alone.
        fitted: The timings that `compute` is the line through.
    """

    compute: Compute
    size_bytes: int
    batch: int
    fitted: Sequence[Timing]

    @classmethod
    def of(cls, fitted: Sequence[Timing], size_bytes: int, batch: int) -> "Model":
        """Fits it to timings of one process on one core."""
        compute = fit_compute([t.batch for t in fitted], [t.step_seconds for t in fitted])
        return cls(compute, size_bytes, batch, fitted)

    def speed_up(self, machines: int, network: Network, *, weak: bool) -> float:
        """How many times the texts a second of one machine."""
        return speed_up(machines, self.batch, self.compute, self.size_bytes, network, weak=weak)


def report_model(model: Model, found: Mapping[int, Sequence[Timing]]) -> None:
    """Prints the line fitted, and what it says of the workers that were measured.

    Args:
        model: The model.
        found: By the number of workers their timings, which talked over the loopback device.
    """
    compute = model.compute
    errors = [compute.seconds(t.batch) / t.step_seconds - 1 for t in model.fitted]
    report(
        "model: one core",
        fixed_seconds=round(compute.fixed_seconds, 5),
        seconds_per_text=round(compute.seconds_per_text, 6),
        batches={t.batch: round(t.step_seconds, 5) for t in model.fitted},
        largest_error=round(max(map(abs, errors)), 3),
    )
    loopback = _loopback(found)
    if loopback is None:
        return
    report(
        "model: loopback device",
        bytes_per_second=round(loopback.bytes_per_second),
        latency_seconds=round(loopback.latency_seconds, 6),
    )
    for count, timings in found.items():
        for timing in timings if count > 1 else ():
            _report_check(model, loopback, count, timing)


def _loopback(found: Mapping[int, Sequence[Timing]]) -> Network | None:
    """The network that the fewest workers of several saw."""
    for count, timings in sorted(found.items()):
        said = timings[0].all_reduce
        if said is not None:
            return fit_network(count, said.size_bytes, said.seconds, said.empty_seconds)
    return None


def _report_check(model: Model, loopback: Network, count: int, timing: Timing) -> None:
    """Compares the model with a measured step; above 1 the step took longer than it says."""
    seconds = step_seconds(count, timing.batch, model.compute, model.size_bytes, loopback)
    assert timing.all_reduce is not None
    said = all_reduce_seconds(count, model.size_bytes, loopback)
    report(
        f"measured, {count} workers, batch {timing.batch}",
        seconds=round(timing.step_seconds, 5),
        ratio=round(timing.step_seconds / seconds, 3),
        against="the model, loopback device",
        against_seconds=round(seconds, 5),
        all_reduce_seconds=round(timing.all_reduce.seconds, 5),
        all_reduce_against_seconds=round(said, 5),
    )


def report_growth(model: Model, tokens_per_text: float) -> None:
    """Prints a line for each network and number of machines, strong and weak."""
    one = model.batch / model.compute.seconds(model.batch)
    for name, network in _NETWORKS.items():
        for weak in (False, True):
            for machines in _MACHINES:
                times = model.speed_up(machines, network, weak=weak)
                report(
                    f"predicted, {name}, {'weak' if weak else 'strong'}, "
                    f"{machines} machine{'s' * (machines > 1)} of one core",
                    per_second=round(one * times * tokens_per_text),
                    ratio=round(times, 2),
                    against="predicted, 1 machine of one core",
                    texts_per_second=round(one * times),
                    batch=model.batch * (machines if weak else 1),
                )


def plot_of(model: Model, found: Mapping[int, Sequence[Timing]], one: Timing) -> str:
    """Draws speed-up against machines, as an SVG.

    Args:
        model: The model.
        found: By the number of workers their timings, strong first, then weak.
        one: One process on one core.
    """
    batch, compute = model.batch, model.compute
    titles = (f"Strong: {batch} texts a step in all", f"Weak: {batch} texts a step for each")
    panels = []
    for position, title in enumerate(titles):
        weak = bool(position)
        curves = {"ideal": [(n, float(n)) for n in _MACHINES]}
        for name, network in _NETWORKS.items():
            curves[name] = [(n, model.speed_up(n, network, weak=weak)) for n in _MACHINES]
        measured = [
            (count, timings[-1 if weak else 0].tokens_per_second / one.tokens_per_second)
            for count, timings in sorted(found.items())
        ]
        panels.append(Panel(title, curves, measured))
    notes = (
        f"Lines: the model. A step is {1e3 * compute.fixed_seconds:.1f} ms + "
        f"{1e3 * compute.seconds_per_text:.2f} ms a text, as fitted to one core, and a ring "
        f"all-reduce of {model.size_bytes / 1e6:.2f} MB",
        f"at {1e6 * _LATENCY_SECONDS:.0f} µs a message. Nothing is computed while machines talk.",
    )
    return draw(panels, notes, "measured: cores of one machine")

"""Draws memory over time as an SVG, which needs no library."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.scale.record import Record, Run

Points = Sequence[tuple[float, float]]
"""Minutes, and GiB or texts a second."""

_STYLE = """
    .paper { fill: #ffffff }
    text { font-family: system-ui, -apple-system, 'Segoe UI', sans-serif; font-size: 13px;
      fill: #1b2b40 }
    .title { font-size: 14px; font-weight: 600 }
    .tick, .axis, .phase { fill: #44546a }
    .phase { font-size: 12px }
    .across { text-anchor: middle }
    .up { text-anchor: end }
    .grid { stroke: #e3e8ef; stroke-width: 1 }
    .band { fill: #f1f4f8 }
    .frame { fill: none; stroke: #7a8aa0; stroke-width: 1 }
    .line { fill: none; stroke-width: 2; stroke-linejoin: round }
    .first { stroke: #2f65a5 }
    .second { stroke: #b34a1e; stroke-dasharray: 7 3 }
    .limit { stroke: #44546a; stroke-width: 1.5; stroke-dasharray: 2 4 }
    .kill { stroke: #b3261e; stroke-width: 2 }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #12161c }
      text { fill: #e6edf7 }
      .tick, .axis, .phase { fill: #b4c0d0 }
      .grid { stroke: #2a313c }
      .band { fill: #1a2029 }
      .first { stroke: #6aa2e0 }
      .second { stroke: #e58a63 }
      .limit { stroke: #b4c0d0 }
      .kill { stroke: #ff8a80 }
    }
"""
_WIDTH, _LEFT, _RIGHT = 480, 58, 18
_PLOT = _WIDTH - _LEFT - _RIGHT
_TALL, _TITLE, _BELOW = 190, 54, 50
_LEAST_BAND = 15  # pixels, for the name of a phase
_WINDOW_SECONDS = 20
_GIB = 2.0**30
_PHASES = (
    ("read", r"^Read [\d,]+ texts"),
    ("compare", r"^Texts: "),
    ("words", r"^(Training word|Training character) vectors: done|^Word vectors: taken"),
    ("tokenize", r"^Tokenizing training texts: done|^Token ids of training texts: taken"),
    ("train", r"^Training: done|^SIGKILL"),
)
"""The phases of `fit`, and the message that ends each."""


@dataclass(frozen=True)
class Panel:
    """One plot.

    Attributes:
        title: What is shown, in one line.
        key: The names of the curves, in one line.
        curves: One or two.
        top: The largest value of the vertical axis.
        limit: A value to mark, if any.
        kill: The minute of the kill, if any.
        bands: Name, start and end of each phase, in minutes.
    """

    title: str
    key: Sequence[str]
    curves: Sequence[Points]
    top: float
    limit: float | None = None
    kill: float | None = None
    bands: Sequence[tuple[str, float, float]] = field(default=())


def draw(fit: Record, score: Record, size: int) -> str:
    """Draws both records.

    Args:
        fit: A training that was killed, and the same one resumed.
        score: A run of each engine.
        size: Bytes of the texts that were trained on.
    """
    panels = [_of_fit(fit, size), *_of_scores(score)]
    height = len(panels) * (_TITLE + _TALL + _BELOW) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" aria-labelledby="t">\n'
        '  <title id="t">Memory over time of a training and of two scorings</title>\n'
        f"  <style>{_STYLE}  </style>",
        f'<rect class="paper" width="{_WIDTH}" height="{height}" rx="6"/>',
    ]
    for number, panel in enumerate(panels):
        parts += _panel(panel, number * (_TITLE + _TALL + _BELOW) + _TITLE)
    return "\n  ".join(parts) + "\n</svg>\n"


def _of_fit(record: Record, size: int) -> Panel:
    killed, resumed = record.runs
    start = killed.seconds
    curves = [_memory(killed), _memory(resumed, start)]
    return Panel(
        f"fit, streaming {size / _GIB:.2f} GiB of texts: memory in GiB",
        ("fit, killed", "fit --resume"),
        curves,
        top=1.5 * max(3.0, *(y for curve in curves for _, y in curve)),
        limit=3.0,
        kill=start / 60,
        bands=[*_phases(killed, 0.0), *_phases(resumed, start)],
    )


def _of_scores(record: Record) -> list[Panel]:
    runs = record.runs
    names = [run.name for run in runs]
    memory, speeds = [_memory(run) for run in runs], [_speed(run) for run in runs]
    texts = max(done for run in runs for _, done in run.texts)
    return [
        Panel(
            f"score, {texts:,} texts: memory in GiB",
            names,
            memory,
            top=_round(max(y for curve in memory for _, y in curve)),
        ),
        Panel(
            "score: texts a second",
            names,
            speeds,
            top=_round(max(y for curve in speeds for _, y in curve)),
        ),
    ]


def _memory(run: Run, start: float = 0.0) -> Points:
    return [((start + seconds) / 60, size / _GIB) for seconds, size in run.memory]


def _speed(run: Run) -> Points:
    """Returns the texts a second of windows of 20 seconds."""
    found: list[tuple[float, float]] = []
    before, done_before = run.texts[0]
    for seconds, done in run.texts:
        if seconds - before >= _WINDOW_SECONDS:
            found.append(((before + seconds) / 120, (done - done_before) / (seconds - before)))
            before, done_before = seconds, done
    return found


def _phases(run: Run, start: float) -> list[tuple[str, float, float]]:
    bands, since = [], 0.0
    for name, end in _PHASES:
        seconds = max(
            (at for at, line in run.messages if re.search(end, line)), default=run.seconds
        )
        bands.append((name, (start + since) / 60, (start + seconds) / 60))
        since = seconds
    if since < run.seconds:
        bands.append(("evaluate", (start + since) / 60, (start + run.seconds) / 60))
    return bands


def _round(value: float) -> float:
    """Returns the next larger 1, 2 or 5 times a power of ten, or half of that."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(
        power * step for step in (1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if power * step > value
    )


def _panel(panel: Panel, top: int) -> list[str]:
    last = max(x for curve in panel.curves for x, _ in curve)
    bottom = top + _TALL

    def x_of(minutes: float) -> float:
        return _LEFT + _PLOT * minutes / last

    def y_of(value: float) -> float:
        return bottom - _TALL * value / panel.top

    parts = [f'<text class="title" x="12" y="{top - 32}">{panel.title}</text>']
    parts += _key(panel, top - 12)
    parts += _bands(panel, top, x_of)
    parts += _grid(panel.top, last, bottom, x_of, y_of)
    if panel.limit is not None:
        parts.append(f'<path class="limit" d="M{_LEFT} {y_of(panel.limit):.1f}h{_PLOT}"/>')
    if panel.kill is not None:
        x = x_of(panel.kill)
        parts.append(f'<path class="kill" d="M{x:.1f} {top}v{_TALL}"/>')
    for curve, kind in zip(panel.curves, ("first", "second"), strict=False):
        path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in _thinned(curve))
        parts.append(f'<polyline class="line {kind}" points="{path}"/>')
    parts.append(f'<rect class="frame" x="{_LEFT}" y="{top}" width="{_PLOT}" height="{_TALL}"/>')
    middle = _LEFT + _PLOT / 2
    parts.append(f'<text class="axis across" x="{middle:g}" y="{bottom + 36}">minutes</text>')
    return parts


def _thinned(curve: Points) -> Points:
    """Keeps the highest value of every few, so that the file is small and no peak is lost."""
    every = max(1, len(curve) // _PLOT)
    groups = [curve[start : start + every] for start in range(0, len(curve), every)]
    return [max(group, key=lambda point: point[1]) for group in groups]


def _key(panel: Panel, y: int) -> list[str]:
    parts, x = [], 12
    names = [*zip(panel.key, ("first", "second"), strict=True)]
    if panel.kill is not None:
        names.append(("SIGKILL", "kill"))
    for name, kind in names:
        parts.append(f'<path class="line {kind}" d="M{x} {y - 4}h30"/>')
        parts.append(f'<text x="{x + 36}" y="{y}">{name}</text>')
        x += 62 + round(6.8 * len(name))
    return parts


def _bands(panel: Panel, top: int, x_of: Callable[[float], float]) -> list[str]:
    parts = []
    for number, (name, start, end) in enumerate(panel.bands):
        x, width = x_of(start), x_of(end) - x_of(start)
        if number % 2:
            parts.append(
                f'<rect class="band" x="{x:.1f}" y="{top}" width="{width:.1f}" height="{_TALL}"/>'
            )
        if width >= _LEAST_BAND:
            place = f"translate({x + width / 2 + 4:.1f} {top + 6}) rotate(-90)"
            parts.append(f'<text class="phase up" transform="{place}">{name}</text>')
    return parts


def _grid(
    highest: float,
    last: float,
    bottom: int,
    x_of: Callable[[float], float],
    y_of: Callable[[float], float],
) -> list[str]:
    parts = []
    for value in _ticks(highest):
        y = y_of(value)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}h{_PLOT}"/>')
        parts.append(f'<text class="tick up" x="{_LEFT - 7}" y="{y + 4:.1f}">{value:,g}</text>')
    for value in _ticks(last):
        x = x_of(value)
        parts.append(f'<path class="grid" d="M{x:.1f} {bottom}v-{_TALL}"/>')
        parts.append(f'<text class="tick across" x="{x:.1f}" y="{bottom + 18}">{value:,g}</text>')
    return parts


def _ticks(highest: float) -> list[float]:
    """Returns some four to eight round values from 0 on."""
    step = next(
        10.0**power * part
        for power in range(-3, 9)
        for part in (1, 2, 5)
        if highest / (10.0**power * part) <= 7
    )
    return [round(number * step, 6) for number in range(int(highest / step) + 1)]

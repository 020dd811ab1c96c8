"""Draws speed-ups against machines as an SVG, which needs no library."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Points = Sequence[tuple[int, float]]
"""Machines and speed-up."""

_STYLE = """
    text { font-family: system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1b2b40 }
    .title { font-size: 15px; font-weight: 600; text-anchor: middle }
    .axis, .tick, .key, .note { font-size: 12.5px; fill: #44546a }
    .axis { text-anchor: middle }
    .across { text-anchor: middle }
    .up { text-anchor: end }
    .grid { stroke: #e3e8ef; stroke-width: 1 }
    .frame { fill: none; stroke: #7a8aa0; stroke-width: 1 }
    .line { fill: none; stroke-width: 2.2 }
    .ideal { stroke: #7a8aa0; stroke-dasharray: 2 4 }
    .fast { stroke: #3b6ea8 }
    .slow { stroke: #c0562b; stroke-dasharray: 8 4 }
    .measured { fill: #fff; stroke: #1b2b40; stroke-width: 2 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf7 }
      .axis, .tick, .key, .note { fill: #b4c0d0 }
      .grid { stroke: #2a313c }
      .fast { stroke: #6aa2e0 }
      .slow { stroke: #e58a63 }
      .measured { fill: #0b0c0f; stroke: #e6edf7 }
    }
"""
_WIDTH, _PLOT, _TOP, _LEFTS = 900, 330, 52, (78, 520)
_BOTTOM = _TOP + _PLOT
_CURVES = ("ideal", "fast", "slow")


@dataclass(frozen=True)
class Panel:
    """One of the plots that lie side by side.

    Attributes:
        title: What is kept the same while machines are added.
        curves: What the model says of each network, by the names of `draw`.
        measured: What was measured.
    """

    title: str
    curves: Mapping[str, Points]
    measured: Points


def draw(panels: Sequence[Panel], notes: Sequence[str], measured: str) -> str:
    """Draws two panels with the same axes.

    Args:
        panels: Their curves have the same names: the ideal, the faster and the slower network.
        notes: Lines below, such as what the model assumes.
        measured: What the measured points are.

    Returns:
        The SVG.
    """
    found = [y for panel in panels for points in panel.curves.values() for _, y in points]
    found += [y for panel in panels for _, y in panel.measured]
    # What is measured a little below one need not have half of the plot for itself.
    lowest = math.floor(math.log2(min(1.0, 1.1 * min(found))))
    machines = [x for x, _ in next(iter(panels[0].curves.values()))]
    scale = _Scale(machines, lowest, math.ceil(math.log2(max(found)) - 1e-9))
    height = _BOTTOM + 96 + 19 * len(notes)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-labelledby="t">\n  <title id="t">Speed-up against machines</title>\n'
        f"  <style>{_STYLE}  </style>"
    ]
    for left, panel in zip(_LEFTS, panels, strict=True):
        parts += _panel(left, panel, scale)
    parts += _legend([*panels[0].curves], measured)
    parts += [
        f'<text class="note" x="{_LEFTS[0]}" y="{_BOTTOM + 100 + 19 * number}">{note}</text>'
        for number, note in enumerate(notes)
    ]
    return "\n  ".join(parts) + "\n</svg>\n"


@dataclass(frozen=True)
class _Scale:
    """Both axes are logarithmic; `lowest` and `highest` are powers of two."""

    machines: Sequence[int]
    lowest: int
    highest: int

    def x(self, machines: float) -> float:
        first, last = (math.log2(self.machines[end]) for end in (0, -1))
        return 14 + (_PLOT - 28) * (math.log2(machines) - first) / (last - first)

    def y(self, speed_up: float) -> float:
        share = (math.log2(speed_up) - self.lowest) / (self.highest - self.lowest)
        return _BOTTOM - 14 - (_PLOT - 28) * share


def _panel(left: int, panel: Panel, scale: _Scale) -> list[str]:
    middle = left + _PLOT / 2
    parts = [f'<text class="title" x="{middle:g}" y="{_TOP - 16}">{panel.title}</text>']
    for power in range(scale.lowest, scale.highest + 1):
        y = scale.y(2.0**power)
        parts.append(f'<path class="grid" d="M{left} {y:.1f}h{_PLOT}"/>')
        parts.append(f'<text class="tick up" x="{left - 8}" y="{y + 4:.1f}">{2.0**power:g}</text>')
    for count in scale.machines:
        x = left + scale.x(count)
        parts.append(f'<path class="grid" d="M{x:.1f} {_TOP}v{_PLOT}"/>')
        parts.append(f'<text class="tick across" x="{x:.1f}" y="{_BOTTOM + 18}">{count}</text>')
    parts.append(f'<rect class="frame" x="{left}" y="{_TOP}" width="{_PLOT}" height="{_PLOT}"/>')
    for curve, points in zip(_CURVES, panel.curves.values(), strict=True):
        path = " ".join(f"{left + scale.x(x):.1f},{scale.y(y):.1f}" for x, y in points)
        parts.append(f'<polyline class="line {curve}" points="{path}"/>')
    for x, y in panel.measured:
        place = f'cx="{left + scale.x(x):.1f}" cy="{scale.y(y):.1f}"'
        parts.append(f'<circle class="measured" {place} r="5"/>')
    x, y = left - 46, _TOP + _PLOT / 2
    parts.append(
        f'<text class="axis" x="{middle:g}" y="{_BOTTOM + 40}">machines (one core each)</text>'
    )
    parts.append(
        f'<text class="axis" transform="translate({x} {y:g}) rotate(-90)">'
        "speed-up (texts a second, times one machine)</text>"
    )
    return parts


def _legend(names: Sequence[str], measured: str) -> list[str]:
    y, parts, x = _BOTTOM + 68, [], _LEFTS[0]
    for curve, name in zip(_CURVES, names, strict=True):
        parts.append(f'<path class="line {curve}" d="M{x} {y}h34"/>')
        parts.append(f'<text class="key" x="{x + 42}" y="{y + 4}">{name}</text>')
        x += 60 + round(6.6 * len(name))
    parts.append(f'<circle class="measured" cx="{x + 8}" cy="{y}" r="5"/>')
    parts.append(f'<text class="key" x="{x + 22}" y="{y + 4}">{measured}</text>')
    return parts

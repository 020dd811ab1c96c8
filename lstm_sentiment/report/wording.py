"""Formats the numbers and names of a report, in any language."""

import unicodedata
from collections.abc import Sequence

from lstm_sentiment.report.analysis.slices import Slice
from lstm_sentiment.training.evaluation.intervals import Estimate

_WIDE = "WF"


def percent(share: float) -> str:
    """Formats a share: `89.7%`."""
    return f"{share:.1%}"


def percent_interval(estimate: Estimate) -> str:
    """Formats an interval of shares: `87.4–91.7%`."""
    return f"{100 * estimate.low:.1f}–{percent(estimate.high)}"


def whole_range(one: Slice) -> str:
    """Formats a slice of whole numbers: `12` or `13–40`."""
    low, high = int(one.low), int(one.high)
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def percent_range(one: Slice) -> str:
    """Formats a slice of shares in percent: `0` or `0.5–2`."""
    low, high = (f"{100 * end:.1f}".removesuffix(".0") for end in (one.low, one.high))
    return low if low == high else f"{low}–{high}"


def short_names(names: Sequence[str], columns: int) -> tuple[str, ...]:
    """Shortens names to fit into a plot; if two became the same, each is prefixed with its id.

    Args:
        names: Class names in id order.
        columns: The width of a name; a Chinese character takes two columns.
    """
    short = tuple(_shortened(name, columns) for name in names)
    if len(set(short)) == len(short):
        return short
    return tuple(_shortened(f"{number} {name}", columns) for number, name in enumerate(names))


def _shortened(name: str, columns: int) -> str:
    """Cuts a name to a number of columns, the ellipsis included."""
    name = " ".join(name.split()) or "(empty)"
    taken = 0
    for place, character in enumerate(name):
        taken += 2 if unicodedata.east_asian_width(character) in _WIDE else 1
        if taken > columns:
            return f"{name[: max(1, place - 1)]}…"
    return name


def language_of(text: str) -> str:
    """Returns the language by which a browser chooses glyphs: `zh`, `ja`, `ko` or ``."""
    kinds = {unicodedata.name(character, "").partition(" ")[0] for character in text[:500]}
    for kind, language in (("HIRAGANA", "ja"), ("KATAKANA", "ja"), ("HANGUL", "ko"), ("CJK", "zh")):
        if kind in kinds:
            return language
    return ""

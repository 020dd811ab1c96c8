"""Draws a plot as a PNG, and as an SVG in the colours and the font of the page around it."""

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from lstm_sentiment.report.figures.fonts import LATIN, PlotFonts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_PNG_DPI = 200
_NARROW_INCHES = 4.0
_FONT_FAMILY = re.compile(r"font-family:[^;]*;?\s*")
_FONT_SHORTHAND = re.compile(r"font:\s*(?P<size>[\d.]+px)[^;]*")
_REFERENCE = re.compile(r"url\(#")


@dataclass(frozen=True)
class Palette:
    """Colours of the parts of a plot, as `#rrggbb`.

    Attributes:
        ink: Words.
        muted: Numbers on axes and guide lines.
        grid: Lines in the background.
        paper: The background.
        first: The main data.
        second: Data for comparison, and errors.
    """

    ink: str
    muted: str
    grid: str
    paper: str
    first: str
    second: str


LIGHT = Palette("#1b2330", "#5a6675", "#e3e7ec", "#ffffff", "#2563eb", "#ea580c")
"""Colours of the PNG files, and of the page in light mode; `report.css` has those of dark mode."""

# Placeholders: `draw_svg` replaces each by a variable of the page's style sheet.
_STAND_INS = Palette("#010101", "#010102", "#010103", "#010104", "#010105", "#010106")


@dataclass(frozen=True)
class Plot:
    """A plot that can be drawn in any colours.

    Attributes:
        name: Name of its PNG file without the ending; also the prefix of the ids in its SVG.
        title: Its title.
        size: Width and height in inches, 96 pixels each on the page.
        draw: Draws the plot on an empty figure, given the figure, the colours and the class names
            to print.
    """

    name: str
    title: str
    size: tuple[float, float]
    draw: Callable[["Figure", Palette, tuple[str, ...]], None]

    @property
    def is_wide(self) -> bool:
        """True if the plot needs a row of the page for itself."""
        return self.size[0] > _NARROW_INCHES


def draw_png(plot: Plot, names: tuple[str, ...], fonts: PlotFonts) -> bytes:
    """Draws a plot with its title as a PNG on white; `fonts` must have all of `names`."""
    width, height = plot.size
    with _styled(LIGHT, fonts):
        figure = _figure(width, height + 0.35)
        figure.suptitle(plot.title, x=0.02, ha="left", fontsize=11, color=LIGHT.ink)
        plot.draw(figure, LIGHT, names)
        return _saved(figure, "png", dpi=_PNG_DPI, facecolor=LIGHT.paper)


def draw_svg(plot: Plot, names: tuple[str, ...], fonts: PlotFonts, alternative: str) -> str:
    """Draws a plot as an `<svg>` for a page that defines the variables `--plot-...`.

    Words stay text, in the page's font, even with characters that `fonts` lack.

    Args:
        plot: The plot.
        names: Class names.
        fonts: Fonts to measure the widths of words with.
        alternative: The description for readers who do not see the plot.
    """
    with _styled(_STAND_INS, fonts):
        figure = _figure(*plot.size)
        plot.draw(figure, _STAND_INS, names)
        drawn = _saved(figure, "svg", transparent=True)
    root = ElementTree.fromstring(drawn)
    _adapt_to_page(root, plot)
    root.attrib |= {"role": "img", "aria-label": alternative}
    text = ElementTree.tostring(root, encoding="unicode")
    for field in fields(Palette):
        stand_in = getattr(_STAND_INS, field.name)
        text = text.replace(stand_in, f"var(--plot-{field.name})")
    return text


def _adapt_to_page(root: ElementTree.Element, plot: Plot) -> None:
    """Removes metadata, styles and font families, and prefixes the ids with the plot's name."""
    width, height = (round(side * 96) for side in plot.size)
    for parent in root.iter():
        for child in list(parent):
            if child.tag in (f"{_SVG}metadata", f"{_SVG}style"):
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        attributes = element.attrib
        if _LINK in attributes:
            attributes["href"] = f"#{plot.name}-{attributes.pop(_LINK).removeprefix('#')}"
        if "id" in attributes:
            attributes["id"] = f"{plot.name}-{attributes['id']}"
        for name in ("clip-path", "style"):
            if name in attributes:
                attributes[name] = _REFERENCE.sub(f"url(#{plot.name}-", attributes[name])
        if "style" in attributes:
            style = _FONT_FAMILY.sub("", attributes["style"])
            attributes["style"] = _FONT_SHORTHAND.sub(r"font-size: \g<size>", style)
    root.attrib.pop("version", None)
    root.attrib |= {"width": str(width), "height": str(height), "class": "plot"}


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _saved(figure: "Figure", kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    if kind == "svg":
        options["metadata"] = {"Date": None}
    figure.savefig(file, format=kind, **options)
    return file.getvalue()


@contextmanager
def _styled(palette: Palette, fonts: PlotFonts) -> Iterator[None]:
    import matplotlib

    style: dict[Any, Any] = {
        "font.family": list(fonts.families or (LATIN,)),
        "font.size": 9,
        "svg.fonttype": "none",
        "svg.hashsalt": "lstm-sentiment",
        # A class may be named `$x$`, which must not be set as a formula.
        "text.parse_math": False,
        "text.color": palette.ink,
        "axes.labelcolor": palette.muted,
        "axes.edgecolor": palette.grid,
        "axes.facecolor": "none",
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.unicode_minus": False,
        "grid.color": palette.grid,
        "grid.linewidth": 0.8,
        "xtick.color": palette.grid,
        "ytick.color": palette.grid,
        "xtick.labelcolor": palette.muted,
        "ytick.labelcolor": palette.muted,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "legend.frameon": False,
        "legend.fontsize": 8.5,
        "lines.linewidth": 2,
        "lines.solid_capstyle": "round",
    }
    with matplotlib.rc_context(style), warnings.catch_warnings():
        # A browser brings its own fonts for the SVG; `write_report` tells what a PNG lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield

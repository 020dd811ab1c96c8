"""Turns a plot into a PNG, and into an SVG whose colours and letters are those of the page."""

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
    """What the parts of a plot are drawn in, as `#rrggbb`.

    Attributes:
        ink: Words.
        muted: Numbers on axes, lines that guide the eye.
        grid: Lines in the background.
        paper: What is behind it all.
        first: What is looked at.
        second: What it is compared with; what is wrong.
    """

    ink: str
    muted: str
    grid: str
    paper: str
    first: str
    second: str


LIGHT = Palette("#1b2330", "#5a6675", "#e3e7ec", "#ffffff", "#2563eb", "#ea580c")
"""Colours of PNGs, and of the page in light; see its template for those in dark."""

# Colours that stand for the page's: each is replaced by a variable of its style sheet.
_STAND_INS = Palette("#010101", "#010102", "#010103", "#010104", "#010105", "#010106")


@dataclass(frozen=True)
class Plot:
    """A plot that can be drawn in any colours.

    Attributes:
        name: Of its file, without ending; also begins the ids in its SVG.
        title: What it shows.
        size: Width and height in inches, 96 pixels each on the page.
        draw: Draws it on an empty figure. Takes the figure, the colours and the names of the
            classes as they are to be written.
    """

    name: str
    title: str
    size: tuple[float, float]
    draw: Callable[["Figure", Palette, tuple[str, ...]], None]

    @property
    def is_wide(self) -> bool:
        """Whether it takes a line of the page of its own."""
        return self.size[0] > _NARROW_INCHES


def draw_png(plot: Plot, names: tuple[str, ...], fonts: PlotFonts) -> bytes:
    """Draws a plot with its title, on white.

    Args:
        plot: The plot.
        names: Of the classes; all of them can be drawn with `fonts`.
        fonts: What it is written in.
    """
    width, height = plot.size
    with _styled(LIGHT, fonts):
        figure = _figure(width, height + 0.35)
        figure.suptitle(plot.title, x=0.02, ha="left", fontsize=11, color=LIGHT.ink)
        plot.draw(figure, LIGHT, names)
        return _saved(figure, "png", dpi=_PNG_DPI, facecolor=LIGHT.paper)


def draw_svg(plot: Plot, names: tuple[str, ...], fonts: PlotFonts, alternative: str) -> str:
    """Draws a plot as an `<svg>` to be put into a page that defines the variables `--plot-...`.

    Its words are text: they are shown in the page's font, whatever `fonts` lack.

    Args:
        plot: The plot.
        names: Of the classes.
        fonts: What lengths of words are measured with.
        alternative: What it says, in words.
    """
    with _styled(_STAND_INS, fonts):
        figure = _figure(*plot.size)
        plot.draw(figure, _STAND_INS, names)
        drawn = _saved(figure, "svg", transparent=True)
    root = ElementTree.fromstring(drawn)
    _make_ours(root, plot)
    root.attrib |= {"role": "img", "aria-label": alternative}
    text = ElementTree.tostring(root, encoding="unicode")
    for field in fields(Palette):
        stand_in = getattr(_STAND_INS, field.name)
        text = text.replace(stand_in, f"var(--plot-{field.name})")
    return text


def _make_ours(root: ElementTree.Element, plot: Plot) -> None:
    """Takes out what a page has of its own, and makes ids differ from those of other plots."""
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
        # A class may be called `$x$`.
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
        # A page's reader has fonts of their own: what is missing here is missing in PNGs only.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield

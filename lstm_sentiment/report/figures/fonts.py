"""Finds fonts for class names in any script, so that no plot shows boxes."""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

LATIN = "DejaVu Sans"
"""The font that comes with Matplotlib; has no Chinese."""

# In this order: the systems' own fonts first, which match the rest of the screen.
_CHINESE = (
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "SimHei",
    "Noto Sans CJK JP",
    "Arial Unicode MS",
)
# Packages that ship a font, and its path inside. None of their code is run.
_FONT_PACKAGES = {
    "pylopdf_fonts_zh_cn": "NotoSansSC-Regular.otf",
    "mplfonts": "fonts/NotoSansCJKsc-Regular.otf",
}
_REGULAR = 400


class FontFile(NamedTuple):
    """A font's file, the index of its face there, and the name of its family."""

    path: str
    face_index: int
    family: str


@dataclass(frozen=True)
class PlotFonts:
    """Fonts for some texts.

    Attributes:
        families: Family names for Matplotlib; the first family that has a character draws it.
        missing: Characters of the texts that no font has.
    """

    families: tuple[str, ...]
    missing: frozenset[str]

    def draw(self, text: str) -> bool:
        """Returns True if the fonts have all characters of a text."""
        return self.missing.isdisjoint(text)


def fonts_for(texts: Iterable[str], candidates: Iterable[FontFile] | None = None) -> PlotFonts:
    """Finds fonts for texts.

    Args:
        texts: The texts to draw.
        candidates: Fonts to try after `LATIN`, in this order. `None` tries installed ones with
            Chinese first, then shipped ones, then all others.
    """
    needed = {character for text in texts for character in text if _is_drawn(character)}
    families = [LATIN]
    missing = needed - _characters_of_family(LATIN)
    for path, index, family in _candidates() if candidates is None else candidates:
        if not missing:
            break
        has = missing & _characters(path, index)
        if has:
            families.append(family)
            missing -= has
    return PlotFonts(tuple(families), frozenset(missing))


def _is_drawn(character: str) -> bool:
    return not character.isspace() and unicodedata.category(character) not in ("Cc", "Cf")


def _candidates() -> Iterator[FontFile]:
    entries: dict[str, Any] = {}
    for entry in sorted(_installed(), key=_unlikeness):
        entries.setdefault(entry.name, entry)
    known = [entries.pop(family) for family in _CHINESE if family in entries]
    yield from map(_font_file, known)
    yield from shipped_fonts()
    yield from map(_font_file, entries.values())


def _font_file(entry: Any) -> FontFile:
    return FontFile(entry.fname, getattr(entry, "index", 0), entry.name)


def _installed() -> list[Any]:
    from matplotlib.font_manager import fontManager

    # Matplotlib's last resort has every character, drawn as a box.
    return [entry for entry in fontManager.ttflist if not entry.name.startswith("Last Resort")]


def _unlikeness(entry: Any) -> tuple[bool, bool, int]:
    """Returns a sort key: an upright font of regular width and weight comes first."""
    weight = entry.weight if isinstance(entry.weight, int) else _REGULAR
    return entry.style != "normal", entry.stretch != "normal", abs(weight - _REGULAR)


def shipped_fonts() -> Iterator[FontFile]:
    """Yields the Chinese fonts of installed packages, and registers each with Matplotlib."""
    from matplotlib.font_manager import FontProperties, fontManager

    for package, file in _FONT_PACKAGES.items():
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            path = Path(folder) / file
            if path.is_file():
                fontManager.addfont(str(path))
                yield FontFile(str(path), 0, FontProperties(fname=str(path)).get_name())


def _characters_of_family(family: str) -> frozenset[str]:
    from matplotlib.font_manager import findfont

    path = findfont(family)
    return _characters(str(path), getattr(path, "face_index", 0))


@cache
def _characters(path: str, index: int) -> frozenset[str]:
    from matplotlib.ft2font import FT2Font

    options: dict[str, Any] = {"face_index": index} if index else {}
    try:
        font = FT2Font(path, **options)
    except (OSError, RuntimeError):  # removed since Matplotlib listed it, or damaged
        return frozenset()
    return frozenset(map(chr, font.get_charmap()))

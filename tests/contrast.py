"""Contrast of colours (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re

Colour = tuple[float, float, float]


def themes(css: str) -> list[dict[str, Colour]]:
    """The colours of a style sheet by name: in light, and in dark."""
    blocks = re.findall(r":root \{(.*?)\n\s*\}", css, re.DOTALL)
    light, dark = (dict(re.findall(r"--([\w-]+): ([^;]+);", block)) for block in blocks)
    return [
        {name: colour for name, value in each.items() if (colour := colour_of(value))}
        for each in (light, {**light, **dark})
    ]


def colour_of(value: str) -> Colour | None:
    if found := re.fullmatch(r"#(\w\w)(\w\w)(\w\w)", value):
        red, green, blue = (int(each, 16) for each in found.groups())
        return red, green, blue
    if re.fullmatch(r"\d+ \d+ \d+", value):
        red, green, blue = map(int, value.split())
        return red, green, blue
    return None


def luminance(colour: Colour) -> float:
    red, green, blue = (
        c / 12.92 if (c := each / 255) <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for each in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def over(colour: Colour, below: Colour, opacity: float) -> Colour:
    red, green, blue = (a * opacity + b * (1 - opacity) for a, b in zip(colour, below, strict=True))
    return red, green, blue

"""HTML of results for notebooks, readable on light and dark backgrounds.

Colours are translucent and the text keeps the colour of the notebook, so that neither needs to know
the theme. Every value is escaped.
"""

import html
import math
import unicodedata
from collections.abc import Sequence

_FOR, _AGAINST = "59, 130, 246", "234, 88, 12"
_FULL = 0.55
_CELL = "text-align: right; padding: 0.15em 0.7em"
_NAME = "text-align: left; padding: 0.15em 0.7em"
# Some pages give tables a colour of their own.
_TABLE = "color: inherit; border-collapse: collapse; margin: 0.8em 0"
_STRONG = 0.5


def explanation_html(
    label: str,
    probabilities: Sequence[float],
    tokens: Sequence[str],
    attributions: Sequence[float],
) -> str:
    """Returns a label with its probability, and the tokens coloured by weight.

    Blue tokens support the label; orange tokens, which are underlined too, oppose it. The
    strongest token has the full colour, and the weights of strong tokens are printed.
    """
    largest = max((abs(value) for value in attributions if math.isfinite(value)), default=0.0)
    spans = "".join(
        _token(token, weight, weight / largest if largest and math.isfinite(weight) else 0.0)
        for token, weight in zip(tokens, attributions, strict=True)
    )
    return (
        f"<div><strong>{_escaped(label)}</strong> {max(probabilities, default=0.0):.1%}"
        f'<div style="line-height: 2.1">{spans}</div></div>'
    )


def table_html(header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """Returns a table whose first column holds names and whose other columns hold numbers."""
    head = "".join(
        f'<th scope="col" style="{_CELL if place else _NAME}">{_escaped(name)}</th>'
        for place, name in enumerate(header)
    )
    lines = "".join(
        f'<tr><th scope="row" style="{_NAME}">{_escaped(name)}</th>'
        + "".join(f'<td style="{_CELL}">{_escaped(cell)}</td>' for cell in cells)
        + "</tr>"
        for name, *cells in rows
    )
    title = f'<caption style="{_NAME}">{_escaped(caption)}</caption>' if caption else ""
    return (
        f'<table style="{_TABLE}">{title}<thead><tr>{head}</tr></thead>'
        f"<tbody>{lines}</tbody></table>"
    )


def _token(token: str, weight: float, part: float) -> str:
    colour = _FOR if part > 0 else _AGAINST
    against = "; text-decoration: underline dotted" if part < 0 else ""
    shown = (
        f' <small style="font-size: 0.7em">{weight:+.2f}</small>' if abs(part) >= _STRONG else ""
    )
    return (
        f'<span title="{weight:+.2f}" style="background: rgba({colour}, {abs(part) * _FULL:.2f}); '
        f'border-radius: 0.25em; padding: 0.1em 0.25em; margin: 0 0.1em{against}">'
        f"{_escaped(token)}{shown}</span>"
    )


def _escaped(text: str) -> str:
    visible = "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)
    return html.escape(visible)

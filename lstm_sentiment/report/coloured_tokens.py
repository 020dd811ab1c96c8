"""How tokens are shown with what they said: as HTML, in a terminal, and without any colour.

Everywhere blue speaks for the label and orange against it, which also those tell apart who see no
red or no green; what speaks against is underlined as well, so the sign needs no colour. The
strongest token of a text has the full colour, the others theirs in proportion.
"""

import html
import math
import unicodedata
from collections.abc import Sequence

from rich.style import Style
from rich.text import Text

from lstm_sentiment.errors import InvalidInputError

STRONG = 0.5
"""From this share of the largest on, a token's weight is written beside it."""

TOKENS_CSS = """\
:root { --token-for: 37 99 235; --token-against: 234 88 12; }
@media (prefers-color-scheme: dark) {
  :root { --token-for: 96 165 250; --token-against: 251 146 60; }
}
.tokens { line-height: 2; }
.token {
  display: inline-block; max-width: 100%; padding: 0 0.25em; border-radius: 0.25em;
  line-height: 1.7; white-space: pre-wrap; overflow-wrap: anywhere; position: relative;
  print-color-adjust: exact; -webkit-print-color-adjust: exact;
}
.token.for { background: rgb(var(--token-for) / calc(var(--weight) * 0.55)); }
.token.against {
  background: rgb(var(--token-against) / calc(var(--weight) * 0.55));
  text-decoration: underline dotted; text-underline-offset: 0.25em;
  text-decoration-color: color-mix(
    in srgb, currentcolor calc(25% + 75% * var(--weight)), transparent
  );
}
.token small {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}
.token.strong small, .tokens.with-weights .token small {
  position: static; display: inline-block; width: auto; height: auto; clip-path: none;
  margin-inline-start: 0.3em; font-size: 0.7em; font-variant-numeric: tabular-nums;
}
"""
"""Rules for what `tokens_html` makes, in light and dark.

`--token-for` and `--token-against` are colours as `r g b`, to be set anew where a page chooses its
theme itself. The weights of strong tokens are seen, the others read by screen readers only, unless
`.tokens` is also of the class `with-weights`.
"""

_RGB = {"for": (37, 99, 235), "against": (234, 88, 12)}
# Text in these can be read on a dark background as well as on a light one.
_INK = {"for": (59, 130, 246), "against": (234, 88, 12)}
_FAINT, _MIDDLE = 0.1, 0.3


def shade(attribution: float, largest: float) -> float:
    """Tells how strongly a token is coloured.

    Args:
        attribution: The token's.
        largest: The largest absolute attribution of the text.

    Returns:
        From -1, as much against the label as any token, to 1. 0 where either is no number.
    """
    if not (math.isfinite(attribution) and math.isfinite(largest) and largest > 0):
        return 0.0
    return min(1.0, max(-1.0, attribution / largest))


def shades(attributions: Sequence[float]) -> list[float]:
    """Tells how strongly each token of one text is coloured.

    Args:
        attributions: One for each token.

    Returns:
        As `shade`, one for each token.
    """
    largest = max((abs(value) for value in attributions if math.isfinite(value)), default=0.0)
    return [shade(value, largest) for value in attributions]


def tokens_html(tokens: Sequence[str], attributions: Sequence[float]) -> str:
    """Makes an HTML fragment that `TOKENS_CSS` colours.

    Args:
        tokens: Of one text, in order.
        attributions: One for each token.

    Returns:
        `<span class="tokens">` with a `<span class="token for">` or `against` for each token. What
        came from the text is escaped.

    Raises:
        InvalidInputError: If the two differ in length.
    """
    parts = [
        _token_html(token, attribution, part)
        for token, attribution, part in _weighed(tokens, attributions)
    ]
    return f'<span class="tokens">{" ".join(parts)}</span>'


def tokens_text(tokens: Sequence[str], attributions: Sequence[float]) -> Text:
    """Makes a line for the terminal, to be wrapped and printed by rich.

    Args:
        tokens: Of one text, in order.
        attributions: One for each token.

    Returns:
        The tokens, a space between them, coloured in four steps.

    Raises:
        InvalidInputError: If the two differ in length.
    """
    return Text(" ").join(
        Text(visible(token), style=token_style(part))
        for token, _, part in _weighed(tokens, attributions)
    )


def tokens_with_weights(tokens: Sequence[str], attributions: Sequence[float]) -> str:
    """Makes a line for where there is no colour.

    Args:
        tokens: Of one text, in order.
        attributions: One for each token.

    Returns:
        Each token with its weight, as in `干净 +0.61  吵 -0.20`.

    Raises:
        InvalidInputError: If the two differ in length.
    """
    return "  ".join(
        f"{visible(token)} {signed(attribution)}"
        for token, attribution, _ in _weighed(tokens, attributions)
    )


def token_style(part: float) -> Style:
    """Tells how a terminal shows a token: one style for a dark background and for a light one.

    Args:
        part: What `shade` says of it.
    """
    strength, kind = abs(part), "for" if part > 0 else "against"
    if strength < _FAINT:
        return Style.null()
    against = kind == "against"
    if strength < _MIDDLE:
        return Style(color=_rgb(_INK[kind]), underline=against)
    return Style(
        color="rgb(255,255,255)" if kind == "for" else "rgb(0,0,0)",
        bgcolor=_rgb(_RGB[kind] if strength >= STRONG else _INK[kind]),
        bold=strength >= STRONG,
        underline=against,
    )


def signed(attribution: float) -> str:
    """Writes a weight: `+0.61`.

    Args:
        attribution: Of a token.
    """
    return f"{attribution:+.2f}"


def visible(text: str) -> str:
    """Makes a text safe to print: what is no character, as an escape code, becomes U+FFFD.

    Args:
        text: Of which nothing is known.
    """
    return "".join("�" if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)


def _weighed(
    tokens: Sequence[str], attributions: Sequence[float]
) -> list[tuple[str, float, float]]:
    if len(tokens) != len(attributions):
        raise InvalidInputError(
            "`attributions` must be one for each token. "
            f"Received: {len(attributions)} for {len(tokens)} tokens."
        )
    return list(zip(tokens, attributions, shades(attributions), strict=True))


def _token_html(token: str, attribution: float, part: float) -> str:
    kind = " for" if part > 0 else " against" if part < 0 else ""
    strong = " strong" if abs(part) >= STRONG else ""
    weight = signed(attribution)
    return (
        f'<span class="token{kind}{strong}" style="--weight:{abs(part):.2f}" title="{weight}">'
        f"{html.escape(visible(token))}<small> {weight}</small></span>"
    )


def _rgb(colour: tuple[int, int, int]) -> str:
    return "rgb({},{},{})".format(*colour)

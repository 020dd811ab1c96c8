"""Renders tokens with their attributions: as HTML, for a terminal, and as plain text.

Blue supports the label and orange opposes it, a pair that readers with colour blindness can
tell apart; tokens against the label are underlined as well, so that no colour is needed. The
strongest token of a text has the full colour, the other tokens have theirs in proportion.
"""

import html
import math
import unicodedata
from collections.abc import Sequence

from rich.style import Style
from rich.text import Text

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.report.text_pieces import pieces

STRONG = 0.5
"""The share of a text's largest attribution from which on a token's weight is printed."""

TOKENS_CSS = """\
:root { --token-for: 37 99 235; --token-against: 234 88 12; }
@media (prefers-color-scheme: dark) {
  :root { --token-for: 96 165 250; --token-against: 251 146 60; }
}
.tokens { line-height: 2; white-space: pre-line; overflow-wrap: anywhere; }
.token {
  padding: 0.15em 0; border-radius: 0.2em; position: relative;
  box-decoration-break: clone; -webkit-box-decoration-break: clone;
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
.tokens.apart .token, .tokens.with-weights .token {
  display: inline-block; max-width: 100%; padding: 0 0.25em;
}
.unread { opacity: 0.65; }
.tokens.with-weights .token small {
  position: static; display: inline-block; width: auto; height: auto; clip-path: none;
  margin-inline-start: 0.2em; font-size: 0.7em; font-variant-numeric: tabular-nums;
}
"""
"""Style sheet for the markup of `tokens_html`, in light and dark.

A page that chooses its theme itself sets `--token-for` and `--token-against`, colours as `r g b`.
Weights are in tooltips and for screen readers, and visible if `.tokens` has the class
`with-weights`.
"""

_RGB = {"for": (37, 99, 235), "against": (234, 88, 12)}
# Ink that is readable on a dark background and on a light one.
_INK = {"for": (59, 130, 246), "against": (234, 88, 12)}
_LEAST, _FAINT, _MIDDLE = 0.05, 0.1, 0.3


def shade(attribution: float, largest: float) -> float:
    """Scales an attribution by the largest absolute attribution of its text.

    Returns:
        From -1, the strongest token against the label, to 1. 0 if an argument is not finite or
        `largest` is not positive.
    """
    if not (math.isfinite(attribution) and math.isfinite(largest) and largest > 0):
        return 0.0
    return min(1.0, max(-1.0, attribution / largest))


def shades(attributions: Sequence[float]) -> list[float]:
    """Scales the attributions of one text by the largest absolute one, see `shade`."""
    largest = max((abs(value) for value in attributions if math.isfinite(value)), default=0.0)
    return [shade(value, largest) for value in attributions]


def tokens_html(
    tokens: Sequence[str],
    attributions: Sequence[float],
    text: str | None = None,
    *,
    limit: int | None = None,
) -> str:
    """Renders the tokens of one text as an HTML fragment that `TOKENS_CSS` styles.

    Args:
        tokens: The tokens in order.
        attributions: One attribution for each token.
        text: The text, in which the tokens are shown in place. `None` shows the tokens alone, as
            does a text in which a token is not found: apart, as their spaces are unknown.
        limit: Number of tokens to show; `None` for all.

    Returns:
        `<span class="tokens">` with a `<span class="token for">` or `against` for each token, and
        `<span class="unread">` for what the model did not read. Text is escaped.

    Raises:
        InvalidInputError: If tokens and attributions differ in number.
    """
    weighed = _weighed(tokens, attributions)[:limit]
    is_cut = len(weighed) < len(tokens)
    found = None if text is None else pieces(text, tokens[:limit])
    if found is None:
        return f'<span class="tokens apart">{" ".join(_token_html(*one) for one in weighed)}</span>'
    parts = []
    for piece in found:
        if piece.token is not None:
            parts.append(_token_html(piece.text, *weighed[piece.token][1:]))
        elif piece.is_unread and not is_cut:
            parts.append(f'<span class="unread">{html.escape(visible(piece.text))}</span>')
        elif not piece.is_unread:
            parts.append(html.escape(_spaces(piece.text)))
    return f'<span class="tokens">{"".join(parts)}</span>'


def _spaces(text: str) -> str:
    """Returns what lies between two tokens; lines and control characters are kept as spaces."""
    return "".join("\n" if c == "\n" else c if c.isprintable() else " " for c in text)


def tokens_text(tokens: Sequence[str], attributions: Sequence[float]) -> Text:
    """Renders the tokens of one text for a terminal, in four steps of colour; rich wraps the line.

    Raises:
        InvalidInputError: If `tokens` and `attributions` differ in length.
    """
    return Text(" ").join(
        Text(visible(token), style=token_style(part))
        for token, _, part in _weighed(tokens, attributions)
    )


def tokens_with_weights(tokens: Sequence[str], attributions: Sequence[float]) -> str:
    """Renders the tokens of one text with their weights, as in `干净 +0.61  吵 -0.20`.

    Raises:
        InvalidInputError: If `tokens` and `attributions` differ in length.
    """
    return "  ".join(
        f"{visible(token)} {signed(attribution)}"
        for token, attribution, _ in _weighed(tokens, attributions)
    )


def token_style(part: float) -> Style:
    """Returns a token's style, which suits a dark background and a light one.

    Args:
        part: The token's `shade`, from -1 to 1.
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
    """Formats a weight: `+0.61`."""
    return f"{attribution:+z.2f}"


def visible(text: str) -> str:
    """Replaces control characters and lone surrogates by U+FFFD, to print text safely."""
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
    kind = "" if abs(part) < _LEAST else " for" if part > 0 else " against"
    strong = " strong" if abs(part) >= STRONG else ""
    weight = signed(attribution)
    return (
        f'<span class="token{kind}{strong}" style="--weight:{abs(part):.2f}" title="{weight}">'
        f"{html.escape(visible(token))}<small> {weight}</small></span>"
    )


def _rgb(colour: tuple[int, int, int]) -> str:
    return "rgb({},{},{})".format(*colour)

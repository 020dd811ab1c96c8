"""Renders explanations as one HTML page without scripts or other files."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from lstm_sentiment.display_names import NO_NAMES, DisplayNames
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.report.coloured_tokens import TOKENS_CSS, tokens_html, visible
from lstm_sentiment.report.language import Language, Wording, choose_language

if TYPE_CHECKING:
    from lstm_sentiment.client.answers import Explanation

_CSS = """\
:root { color-scheme: light dark; --page: #ffffff; --ink: #1f2937; --faint: #5b6472;
  --line: #d9dee5; }
@media (prefers-color-scheme: dark) {
  :root { --page: #11151c; --ink: #e5e7eb; --faint: #9aa4b2; --line: #2d3542; }
}
* { box-sizing: border-box; }
body { max-width: 52rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; background: var(--page);
  color: var(--ink); font: 1rem/1.6 system-ui, "Noto Sans", "PingFang SC", "Microsoft YaHei",
  "Noto Sans CJK SC", sans-serif; }
h1 { font-size: 1.4rem; margin: 0 0 .5rem; }
h2 { font-size: 1.05rem; margin: 0 0 .5rem; display: flex; gap: .75rem; align-items: baseline; }
h2 .probability, footer, .legend { color: var(--faint); font-weight: 400; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
h2 .label { overflow-wrap: anywhere; }
article { border-top: 1px solid var(--line); padding: 1rem 0; }
article p { margin: 0; overflow-wrap: anywhere; }
.options { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: center;
  margin-bottom: 1.25rem; }
.options p { margin: 0; }
.legend .token { color: var(--ink); padding: .15em .4em; }
input { accent-color: rgb(var(--token-for)); }
:focus-visible { outline: 2px solid rgb(var(--token-for)); outline-offset: 2px; }
:root:has(#weights:checked) article .token {
  display: inline-block; max-width: 100%; padding: 0 .25em;
}
:root:has(#weights:checked) .token small {
  position: static; display: inline-block; width: auto; height: auto; clip-path: none;
  margin-inline-start: .2em; font-size: .7em; font-variant-numeric: tabular-nums;
}
@media print { label { display: none; } article { break-inside: avoid; } }
"""


def explanation_page(
    explanations: "Iterable[Explanation]",
    texts: Sequence[str] | None = None,
    *,
    language: Language | None = None,
    names: DisplayNames = NO_NAMES,
) -> str:
    """Renders a page with one section for each explained text.

    Args:
        explanations: At least one.
        texts: The explained texts, in which the tokens are shown in place; `None` shows the tokens
            alone.
        language: The language of the page; `None` chooses it: see `choose_language`.
        names: Display names of the labels.

    Returns:
        A complete HTML document, to be encoded as UTF-8. Text is escaped.

    Raises:
        InvalidInputError: If `texts` are not one for each explanation.
    """
    shown = list(explanations)
    if texts is not None and len(texts) != len(shown):
        raise InvalidInputError(
            "`texts` must be one for each explanation. "
            f"Received: {len(texts)} for {len(shown)} explanations."
        )
    labels = sorted({answer.label for answer in shown})
    w = Wording(language or choose_language(labels, names), names)
    articles = (
        _article(w, number, answer, None if texts is None else texts[number - 1])
        for number, answer in enumerate(shown, 1)
    )
    title = w("Words behind each prediction")
    return f"""\
<!doctype html>
<html lang="{w.html_language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{TOKENS_CSS}{_CSS}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<div class="options">
<p class="legend">
<span class="token for" style="--weight:1">{w("supports the label")}</span>
<span class="token against" style="--weight:1">{w("opposes the label")}</span>
</p>
<label><input type="checkbox" id="weights"> {w("show weights")}</label>
</div>
{"".join(articles)}</main>
<footer>{_versions(w, shown)}{w(_WEIGHT)}</footer>
</body>
</html>
"""


_WEIGHT = (
    "A token is a word or a character. Its weight is its share in the label's score: tokens "
    "with positive weights support the label, tokens with negative weights oppose it."
)


def _versions(w: Wording, shown: "Sequence[Explanation]") -> str:
    numbers = {answer.model_version for answer in shown}
    versions = sorted(number for number in numbers if number is not None)
    return (
        w("Model version: {versions}. ", versions=w.listed(map(str, versions))) if versions else ""
    )


def _article(w: Wording, number: int, answer: "Explanation", text: str | None) -> str:
    tokens = tokens_html(answer.tokens, answer.attributions, text)
    return f"""\
<article aria-labelledby="text-{number}">
<h2 id="text-{number}"><span class="label">{escape(visible(w.label(answer.label)))}</span>
<span class="probability">{max(answer.probabilities):.1%}</span></h2>
<p dir="auto">{tokens}</p>
</article>
"""

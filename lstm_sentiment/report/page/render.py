"""Renders the page of a report: one HTML file that loads nothing else."""

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from lstm_sentiment.report.advice import Advice, advice
from lstm_sentiment.report.analysis.corpus_facts import Lengths
from lstm_sentiment.report.analysis.mistakes import (
    Mistake,
    confident_mistakes,
    most_frequent_confusions,
)
from lstm_sentiment.report.analysis.version_evaluation import VersionEvaluation
from lstm_sentiment.report.coloured_tokens import TOKENS_CSS, tokens_html
from lstm_sentiment.report.figures.panels import (
    Panel,
    class_panel,
    confusion_panel,
    curve_panels,
    histogram_panel,
    length_panel,
    oov_panel,
    reliability_panel,
    shown_classes,
)
from lstm_sentiment.report.language import ENGLISH, Wording
from lstm_sentiment.report.mistakes_file import MISTAKES
from lstm_sentiment.report.page.card_facts import all_settings, learning_history, made_of
from lstm_sentiment.report.wording import language_of, percent, percent_interval

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATE = "report.html.jinja"
_CONFUSIONS = 10
_TEXT_CHARACTERS = 1_500
_TOKENS = 600
# A table with more columns does not fit on paper; the figure above it has the same numbers.
_WIDEST_PRINTED = 10


@dataclass(frozen=True)
class ReportParts:
    """The contents of a report.

    Attributes:
        evaluated: The scores.
        card: The version's card; `None` without one.
        mistakes: The most confident mistakes.
        sections: The figures, by the name of their section.
        advice: What to do next.
        w: The language.
    """

    evaluated: VersionEvaluation
    card: Mapping[str, Any] | None
    mistakes: tuple[Mistake, ...]
    sections: Mapping[str, list[Panel]]
    advice: Sequence[Advice] = ()
    w: Wording = ENGLISH

    @property
    def panels(self) -> list[Panel]:
        """All figures in order."""
        return [panel for panels in self.sections.values() for panel in panels]


def gather_parts(
    w: Wording, evaluated: VersionEvaluation, card: Mapping[str, Any] | None
) -> ReportParts:
    """Collects the contents of a report; the version explains its mistakes."""
    return ReportParts(
        evaluated,
        card,
        confident_mistakes(evaluated.scores, evaluated.explain),
        sections_of(w, evaluated, card),
        advice(w, evaluated, card),
        w,
    )


def sections_of(
    w: Wording, evaluated: VersionEvaluation, card: Mapping[str, Any] | None
) -> dict[str, list[Panel]]:
    """Builds the figures of a report, by the name of their section."""
    by_oov = oov_panel(w, evaluated)
    return {
        "classes": [confusion_panel(w, evaluated), class_panel(w, evaluated)],
        "confidence": [reliability_panel(w, evaluated), histogram_panel(w, evaluated)],
        "slices": [length_panel(w, evaluated), *([by_oov] if by_oov else [])],
        "curves": curve_panels(w, learning_history(card)),
    }


def render_page(
    parts: ReportParts,
    draw: Callable[[Panel], str],
    unnamed: Mapping[int, str],
    written_on: date,
) -> str:
    """Renders the page.

    Args:
        parts: The contents.
        draw: Draws a figure's plot as SVG, with all words escaped.
        unnamed: Classes that the PNGs name by number, by id; empty if they name all.
        written_on: The date on the page.
    """
    from markupsafe import Markup

    evaluated, w = parts.evaluated, parts.w
    facts, evaluation = evaluated.facts, evaluated.evaluation
    names = evaluated.scores.corpus.label_names
    label, size = facts.largest_class
    return _environment(w).get_template(_TEMPLATE).render(
        tokens_css=TOKENS_CSS,
        parts=parts,
        evaluated=evaluated,
        evaluation=evaluation,
        facts=facts,
        scores=evaluated.scores,
        svg=lambda panel: Markup(draw(panel)),
        wrong=facts.texts - evaluated.right,
        mistakes_file=MISTAKES,
        widest_printed=_WIDEST_PRINTED,
        largest_class=w.label(label),
        largest_share=size / facts.texts,
        confusions=(
            most_frequent_confusions(evaluation.confusion_matrix, names, limit=_CONFUSIONS)
            if len(names) > 2
            else ()
        ),
        hidden_classes=len(names) - len(shown_classes(evaluated)),
        lengths=_lengths(evaluated),
        made=made_of(w, parts.card) if parts.card else [],
        settings=all_settings(parts.card) if parts.card else [],
        unnamed=unnamed,
        written_on=written_on.isoformat(),
    )  # fmt: skip


def _environment(w: Wording) -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("lstm_sentiment.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "interval": percent_interval,
        "language": language_of,
        "text_html": partial(_mistake_html, w),
        "label": w.label,
    }

    def html_of(english: str, **values: object) -> str:
        """Returns a sentence with markup; the values are escaped."""
        return Markup(w(english)).format(**values)

    environment.globals |= {"w": w, "h": html_of}
    return environment


def _mistake_html(w: Wording, mistake: Mistake) -> str:
    """Renders a mistake's text as HTML, with coloured tokens if there is an explanation."""
    from markupsafe import Markup

    explanation = mistake.explanation
    if explanation is None:
        shown = html.escape(mistake.text[:_TEXT_CHARACTERS])
        left, unit = len(mistake.text) - _TEXT_CHARACTERS, "character"
    else:
        shown = tokens_html(
            explanation.tokens, explanation.attributions, mistake.text, limit=_TOKENS
        )
        left, unit = len(explanation.tokens) - _TOKENS, "token"
    if left <= 0:
        return Markup(shown)
    more = w("… and {left} more", left=w.counted(left, unit))
    return Markup(f'{shown} <span class="muted">{more}</span>')


def _lengths(evaluated: VersionEvaluation) -> list[tuple[str, Lengths]]:
    sizes = evaluated.scores.sizes
    rows = [("Characters", evaluated.facts.characters)]
    return rows if sizes is None else [*rows, ("Tokens", Lengths.of(sizes.tokens))]

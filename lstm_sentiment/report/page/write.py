"""Writes a report: the page, and its plots as PNG files."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import get_args

from lstm_sentiment.checks import one_of
from lstm_sentiment.display_names import load_display_names
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.report.analysis.version_evaluation import VersionEvaluation
from lstm_sentiment.report.figures.fonts import fonts_for
from lstm_sentiment.report.language import Language, Wording, choose_language
from lstm_sentiment.report.mistakes_file import MISTAKES, mistakes_table
from lstm_sentiment.report.page.render import gather_parts, render_page, sections_of
from lstm_sentiment.report.page.requirements import check_report_dir
from lstm_sentiment.system import write_whole
from lstm_sentiment.version_folder import load_card

PAGE = "report.html"

# Files that not every report has: an earlier report's must not stay beside a new page.
_OPTIONAL = (
    "accuracy_by_oov.png",
    "learning_curve_loss.png",
    "learning_curve_accuracy.png",
    MISTAKES,
)


@dataclass(frozen=True)
class WrittenReport:
    """The files of a report.

    Attributes:
        page: The HTML file, which needs no other file.
        plots: The plots as PNG files.
        mistakes: All misclassified texts as CSV; `None` if there is none.
    """

    page: Path
    plots: tuple[Path, ...]
    mistakes: Path | None = None


def write_report(
    evaluated: VersionEvaluation,
    report_dir: str | os.PathLike[str],
    *,
    progress: Progress = SILENT,
    written_on: date | None = None,
    language: Language | None = None,
) -> WrittenReport:
    """Writes `report.html`, its plots and `mistakes.csv`.

    Earlier files are replaced once all are written.

    Args:
        evaluated: The result of `evaluate_version`.
        report_dir: The folder, created if missing.
        progress: Shows each plot.
        written_on: The date on the page; `None` for today.
        language: `en` or `zh`; `None` chooses: Chinese if the locale or the labels are Chinese,
            otherwise English.

    Returns:
        The files.

    Raises:
        InvalidInputError: If the extra `report` is not installed, the folder cannot be written, or
            the version's card or its display names have another form.
    """
    folder = Path(report_dir)
    check_report_dir(folder)
    if language is not None:
        one_of(get_args(Language), language=language)
    version_dir = evaluated.scores.version_dir
    display_names = load_display_names(version_dir)
    labels = evaluated.scores.corpus.label_names
    w = Wording(language or choose_language(labels, display_names), display_names)
    with progress.step("Report: mistakes", 1) as advance:
        parts = gather_parts(w, evaluated, load_card(version_dir))
        advance()
    names = w.labels(labels)
    shown = {name for panel in parts.panels for name in panel.names(names)}
    fonts = fonts_for({*shown, *w.words()})
    drawn = parts.panels
    if not all(map(fonts.draw, w.words())):
        progress.say(_NO_CHINESE)
        english = Wording("en", display_names)
        sections = sections_of(english, evaluated, parts.card)
        drawn = [panel for panels in sections.values() for panel in panels]
    unnamed = {
        label: names[label]
        for panel in parts.panels
        for label, name in zip(panel.classes, panel.names(names), strict=True)
        if not fonts.draw(name)
    }
    if unnamed:
        progress.say(_no_font(list(unnamed.values())))
    files = {}
    with progress.step("Report: plots", len(drawn) + 1) as advance:
        for panel in drawn:
            files[f"{panel.plot.name}.png"] = panel.png(names, fonts)
            advance(status=panel.plot.name)
        page = render_page(
            parts, lambda panel: panel.svg(names, fonts), unnamed, written_on or date.today()
        )
        files[PAGE] = page.encode()
        advance()
    plots = tuple(folder / name for name in files if name != PAGE)
    mistakes = None
    if evaluated.right < evaluated.facts.texts:
        mistakes = folder / MISTAKES
        files[MISTAKES] = mistakes_table(evaluated.scores)
    write_files(folder, files)
    return WrittenReport(folder / PAGE, plots, mistakes)


_NO_CHINESE = (
    "No installed font can draw Chinese: the PNGs are in English. The `report` extra has a Chinese "
    "font: pip install 'lstm-sentiment[report]'."
)


def _no_font(names: list[str]) -> str:
    return (
        f"No installed font can draw {', '.join(names)}: the PNGs name such classes by number. "
        "The `report` extra has a Chinese font: pip install 'lstm-sentiment[report]'."
    )


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Replaces the files of an earlier report, once all new ones are written beside them.

    Raises:
        InvalidInputError: If a file cannot be written; the earlier files stay.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as opened:
            for name, content in files.items():
                opened.enter_context(write_whole(folder / name)).write(content)
        for name in _OPTIONAL:
            if name not in files:
                (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise InvalidInputError(
            f"{folder}: must be a folder that can be written. Received: {error.strerror or error}."
        ) from error

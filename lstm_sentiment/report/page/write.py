"""Writes a report: a page that stands alone, and its plots as pictures."""

import os
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.report.analysis.version_evaluation import VersionEvaluation
from lstm_sentiment.report.figures.drawing import draw_png
from lstm_sentiment.report.figures.fonts import PlotFonts, fonts_for
from lstm_sentiment.report.figures.panels import Panel
from lstm_sentiment.report.page.render import ReportParts, gather_parts, render_page
from lstm_sentiment.report.page.requirements import check_report_dir
from lstm_sentiment.version_folder import load_card
from lstm_sentiment.whole_file import write_whole

PAGE = "report.html"

# Of an earlier report in the same folder, where this one has no such plot.
_MAY_LACK = ("accuracy_by_oov.png", "learning_curve_loss.png", "learning_curve_accuracy.png")


@dataclass(frozen=True)
class WrittenReport:
    """Where a report is.

    Attributes:
        page: The HTML file, which needs no other.
        plots: Its plots, as PNG files.
    """

    page: Path
    plots: tuple[Path, ...]


def write_report(
    evaluated: VersionEvaluation,
    report_dir: str | os.PathLike[str],
    *,
    progress: Progress = SILENT,
    written_on: date | None = None,
) -> WrittenReport:
    """Writes `report.html` and its plots; earlier ones are replaced when all are written.

    Args:
        evaluated: What `evaluate_version` found.
        report_dir: Made if need be.
        progress: Told of each plot.
        written_on: The day on the page; today by default.

    Returns:
        The files.

    Raises:
        InvalidInputError: If the extra `report` is not installed, the folder cannot be written, or
            the version's card is no JSON object.
    """
    folder = Path(report_dir)
    check_report_dir(folder)
    with progress.step("Report: mistakes", 1) as advance:
        parts = gather_parts(evaluated, load_card(evaluated.scores.version_dir))
        advance()
    names = evaluated.scores.corpus.label_names
    fonts = fonts_for(name for panel in parts.panels for name in panel.names(names))
    unnamed = {
        label: names[label]
        for panel in parts.panels
        for label, name in zip(panel.classes, panel.names(names), strict=True)
        if not fonts.draw(name)
    }
    if unnamed:
        progress.say(_no_font(list(unnamed.values())))
    files = {}
    with progress.step("Report: plots", len(parts.panels) + 1) as advance:
        for panel in parts.panels:
            drawn = draw_png(panel.plot, _drawable(parts, panel, fonts), fonts)
            files[f"{panel.plot.name}.png"] = drawn
            advance(status=panel.plot.name)
        page = render_page(parts, fonts, unnamed, written_on or date.today())
        files[PAGE] = page.encode()
        advance()
    _write_all(folder, files)
    plots = tuple(folder / name for name in files if name != PAGE)
    return WrittenReport(folder / PAGE, plots)


def _drawable(parts: ReportParts, panel: Panel, fonts: PlotFonts) -> tuple[str, ...]:
    """The names that a figure's picture has: numbers for those that would be boxes."""
    names = panel.names(parts.evaluated.scores.corpus.label_names)
    return tuple(
        name if fonts.draw(name) else f"class {label}"
        for label, name in zip(panel.classes, names, strict=True)
    )


def _no_font(names: list[str]) -> str:
    return (
        f"No installed font can draw {', '.join(names)}: the PNGs name such classes by number. "
        "The `report` extra has a Chinese font: pip install 'lstm-sentiment[report]'."
    )


def _write_all(folder: Path, files: dict[str, bytes]) -> None:
    """Writes files beside those that they replace, then all take their places."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as opened:
            for name, content in files.items():
                opened.enter_context(write_whole(folder / name)).write(content)
        for name in _MAY_LACK:
            if name not in files:
                (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise InvalidInputError(
            f"{folder}: must be a folder that can be written. Received: {error.strerror or error}."
        ) from error

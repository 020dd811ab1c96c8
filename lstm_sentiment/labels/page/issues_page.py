"""The page of suspects: labels that `find_label_issues` doubts, with shaded words."""

from bisect import bisect_right
from itertools import accumulate

from lstm_sentiment.labels.issues import LabelIssue, LabelIssues
from lstm_sentiment.labels.labelled_files import LabelledFiles
from lstm_sentiment.labels.page.render import render_labels_page, source_name
from lstm_sentiment.labels.page.rows import PageRow
from lstm_sentiment.labels.page.word_weights import Span, word_spans
from lstm_sentiment.progress import SILENT, Progress

_SHADED_OF_TEXT = 2_500
_MOST_SHADED = 500_000


def issues_page(
    found: LabelIssues,
    files: LabelledFiles,
    *,
    next_command: str,
    seed: int = 0,
    progress: Progress = SILENT,
) -> str:
    """Renders the page on which people go through suspects, the surest first.

    Words are shaded by how much more often they occur under the likely label than under the given
    one, so that the page needs no classifier: the first 2,500 characters of a text, and 500,000 of
    all texts, which bounds time and memory.

    Args:
        found: The suspects.
        files: The files that were checked.
        next_command: The command that takes the corrections, which the page shows once it has saved
            them.
        seed: Draws a sample where the texts are many.
        progress: Receives each step.

    Returns:
        A complete HTML document.

    Raises:
        MissingExtraError: If the extra `report` is not installed.
    """
    texts = [
        (issue.text[:_SHADED_OF_TEXT], issue.likely_label, issue.given_label)
        for issue in found.issues
    ]
    ends = accumulate(len(text) for text, _, _ in texts)
    shaded = texts[: bisect_right(list(ends), _MOST_SHADED)]
    spans = word_spans(files.corpus, shaded, seed=seed, progress=progress) if shaded else []
    spans += [()] * (len(texts) - len(shaded))
    rows = [_row(issue, files, of_text) for issue, of_text in zip(found.issues, spans, strict=True)]
    return render_labels_page(
        rows,
        mode="check",
        source=source_name(files.files),
        label_names=found.label_names,
        next_command=next_command,
    )


def _row(issue: LabelIssue, files: LabelledFiles, spans: tuple[Span, ...]) -> PageRow:
    file, row = files.place(issue.row)
    return PageRow(
        text=issue.text,
        digest=issue.digest,
        kind=issue.kind,
        given_label=issue.given_label,
        likely_label=issue.likely_label,
        score=issue.score,
        row=row,
        file=file.name if len(files.files) > 1 else "",
        probability_of_given=issue.probability_of_given,
        probability_of_likely=issue.probability_of_likely,
        spans=spans,
        nearest_text=issue.nearest_text,
        nearest_label=issue.likely_label if issue.nearest_text else "",
    )

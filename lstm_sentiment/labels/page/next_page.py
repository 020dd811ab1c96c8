"""The page of texts without a label, which get theirs there."""

from collections.abc import Sequence

from lstm_sentiment.labels.next_texts import NextTexts
from lstm_sentiment.labels.page.render import render_labels_page
from lstm_sentiment.labels.page.rows import PageRow


def next_page(
    found: NextTexts, *, source: str, label_names: Sequence[str], next_command: str
) -> str:
    """Renders the page on which chosen texts get their labels.

    It does not show a version's predictions, which would influence the choice.

    Args:
        found: The chosen texts.
        source: Where they are from, as the page shows it.
        label_names: The labels to choose from, in id order; others can be added on the page.
        next_command: The command that takes the labelled texts, which the page shows once it has
            saved them.

    Returns:
        A complete HTML document.

    Raises:
        MissingExtraError: If the extra `report` is not installed.
    """
    rows = [PageRow(text.text, text.digest, text.reason, score=text.score) for text in found.texts]
    return render_labels_page(
        rows, mode="next", source=source, label_names=label_names, next_command=next_command
    )

"""Corrections of an earlier round: what they decided is not asked again."""

from dataclasses import replace

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.labels.issues import LabelIssues
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.corrected import apply_corrections
from lstm_sentiment.text.corpus.corrections import DROP, Corrections


def with_decided_labels(corpus: Corpus, corrections: Corrections) -> Corpus:
    """Returns the corpus with corrected labels; dropped texts stay, so that rows keep their places.

    Raises:
        InvalidInputError: As `apply_corrections`, or if no correction is of a text in the corpus.
    """
    if not len(corrections):
        return corpus
    _, done = apply_corrections(corpus, corrections)
    if not done.matched.any():
        raise InvalidInputError(
            "Some corrections must be of texts in the data. "
            f"Received: {len(corrections):,}, all of other texts."
        )
    labels = tuple(row for row in corrections.rows if row.action != DROP)
    return apply_corrections(corpus, Corrections(labels))[0]


def without_decided(found: LabelIssues, corrections: Corrections) -> LabelIssues:
    """Returns what was found, without the suspects whose texts were decided."""
    decided = {row.digest for row in corrections.rows}
    return replace(
        found, issues=tuple(issue for issue in found.issues if issue.digest not in decided)
    )

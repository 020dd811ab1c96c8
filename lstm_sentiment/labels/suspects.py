"""The suspects among scored labels: kinds, likely labels, nearest texts."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.labels.ambiguity import ClauseScores
from lstm_sentiment.labels.groups import TextGroups
from lstm_sentiment.labels.issues import IssueKind, LabelIssue
from lstm_sentiment.labels.linear import fit_linear, texts_to_train_on
from lstm_sentiment.labels.nearest import nearest_texts
from lstm_sentiment.labels.scoring import ScoredLabels
from lstm_sentiment.labels.text_features import TextFeatures
from lstm_sentiment.progress import Progress
from lstm_sentiment.text.corpus.duplicates import exact_digest


@dataclass(frozen=True)
class _Suspect:
    """A suspect by positions and label ids.

    Attributes:
        text: Position in the groups' texts.
        given: The label in the corpus.
        likely: The label that it likely should be.
        kind: Why it is suspect.
        nearest: Position of the text to show beside it; -1 for none.
    """

    text: int
    given: int
    likely: int
    kind: IssueKind
    nearest: int = -1


@dataclass(frozen=True)
class Suspects:
    """Finds the suspects of a corpus.

    Attributes:
        groups: The different texts.
        features: Features of these texts.
        scored: What classifiers say of their labels.
        judged: Mask of the texts whose labels classifiers decide about, `(texts,)`.
        number: Number of their labels that are suspect: the ones that are least likely right.
    """

    groups: TextGroups
    features: TextFeatures
    scored: ScoredLabels
    judged: NDArray[np.bool_]
    number: int

    def issues(self, progress: Progress) -> tuple[LabelIssue, ...]:
        """Returns the suspects, the surest first."""
        found = [*self._doubted(progress), *self._contradictory(), *self._near_duplicates()]
        issues = [self._issue(suspect) for suspect in found]
        return tuple(sorted(issues, key=lambda issue: (issue.score, issue.row)))

    def _doubted(self, progress: Progress) -> list[_Suspect]:
        """Returns the labels that are least likely right."""
        labels, posteriors = self.groups.labels, self.scored.posteriors
        judged = np.flatnonzero(self.judged)
        order = np.argsort(posteriors[judged, labels[judged]], kind="stable")
        texts = judged[order[: self.number]]
        if not len(texts):
            return []
        others = posteriors[texts].copy()
        others[np.arange(len(texts)), labels[texts]] = -1
        likely = others.argmax(axis=1)
        trusted = self.judged.copy()
        trusted[texts] = False
        with progress.step("Comparing suspects", 2) as advance:
            nearest = nearest_texts(self.features.rows, labels, trusted, texts, likely)
            advance()
            clauses = self._clause_scores(trusted)
            found = [
                self._told(_Suspect(text, int(labels[text]), other, "wrong", near), clauses)
                for text, other, near in zip(
                    texts.tolist(), likely.tolist(), nearest.tolist(), strict=True
                )
            ]
            advance()
        return found

    def _clause_scores(self, trusted: NDArray[np.bool_]) -> ClauseScores:
        labels, texts = self.groups.labels, self.groups.texts.texts
        train = texts_to_train_on(labels, np.ones(len(labels), np.bool_), trusted)
        kernel = fit_linear(self.features.rows[train], labels[train], "balanced")
        return ClauseScores(self.features, kernel, [texts[text] for text in train], labels[train])

    def _told(self, suspect: _Suspect, clauses: ClauseScores) -> _Suspect:
        """Tells an ambiguous suspect from a wrong one."""
        text = self.groups.texts.texts[suspect.text]
        is_ambiguous = clauses.is_ambiguous(text, suspect.given, suspect.likely)
        return replace(suspect, kind="ambiguous") if is_ambiguous else suspect

    def _contradictory(self) -> Iterator[_Suspect]:
        """Yields each label of a text that most copies gainsay, or with as many the classifier."""
        for text in np.flatnonzero(self.groups.contradictory).tolist():
            likely = self._most_voted(self.groups.votes[text], text)
            for given in np.flatnonzero(self.groups.votes[text]).tolist():
                if given != likely:
                    yield _Suspect(text, given, likely, "contradictory")

    def _near_duplicates(self) -> Iterator[_Suspect]:
        """Yields the labels that most near duplicates gainsay."""
        for text in np.flatnonzero(self.groups.near_contradictory).tolist():
            likely = self._most_voted(self.groups.near_votes[text], text)
            given = int(self.groups.labels[text])
            if given != likely:
                twin = self.groups.twin(text, likely)
                yield _Suspect(text, given, likely, "near_duplicate", twin)

    def _most_voted(self, votes: NDArray[np.int64], text: int) -> int:
        probabilities = self.scored.probabilities[text]
        return max(range(len(votes)), key=lambda label: (votes[label], probabilities[label]))

    def _issue(self, suspect: _Suspect) -> LabelIssue:
        names, texts = self.groups.texts.label_names, self.groups.texts.texts
        probabilities = self.scored.probabilities[suspect.text]
        text = texts[suspect.text]
        return LabelIssue(
            row=int(self.groups.rows[suspect.text, suspect.given]) + 1,
            text=text,
            digest=exact_digest(text).hex(),
            given_label=names[suspect.given],
            likely_label=names[suspect.likely],
            kind=suspect.kind,
            score=float(self.scored.posteriors[suspect.text, suspect.given]),
            probability_of_given=float(probabilities[suspect.given]),
            probability_of_likely=float(probabilities[suspect.likely]),
            nearest_text=texts[suspect.nearest] if suspect.nearest >= 0 else "",
        )

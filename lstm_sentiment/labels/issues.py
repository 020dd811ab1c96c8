"""Labels that are likely wrong: the suspects, the noise of each class, and what is confused."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from lstm_sentiment.training.evaluation.intervals import Estimate

MOST_FOLDS = 50

IssueKind = Literal["wrong", "ambiguous", "contradictory", "near_duplicate"]
"""Why a label is suspect.

`wrong`: the text belongs to another class. `ambiguous`: some parts of the text support the given
label, others the likely one. `contradictory`: the same text has two labels. `near_duplicate`:
two texts that differ in punctuation, spaces or letter case alone have two labels.
"""


@dataclass(frozen=True)
class LabelIssue:
    """A label that is likely wrong.

    Attributes:
        row: Number of the text in the corpus, from 1.
        text: The text.
        digest: `exact_digest` of the text, in hexadecimal digits, by which corrections name it.
        given_label: The label in the corpus.
        likely_label: The label that the text likely should have.
        kind: Why the label is suspect.
        score: Probability that the given label is right, from 0 to 1; the surest suspects have the
            lowest.
        probability_of_given: Out-of-fold probability of the given label.
        probability_of_likely: Out-of-fold probability of the likely label.
        nearest_text: The most similar text that has the likely label; empty if none is similar.
    """

    row: int
    text: str
    digest: str
    given_label: str
    likely_label: str
    kind: IssueKind
    score: float
    probability_of_given: float
    probability_of_likely: float
    nearest_text: str = ""


@dataclass(frozen=True)
class Confusion:
    """Labels of one class that were given to texts of another.

    Attributes:
        given_label: The label in the corpus.
        likely_label: The label that the texts likely should have.
        texts: Estimated number of such texts.
    """

    given_label: str
    likely_label: str
    texts: float


@dataclass(frozen=True)
class LabelIssues:
    """What is wrong with the labels of a corpus.

    Attributes:
        issues: The suspects, the surest first.
        noise: By class, the estimated share of wrong labels among the texts labelled with it.
        confusions: Estimated numbers of confused labels, the most frequent first.
        accuracy: Share of texts whose label the classifiers predicted out of fold.
        label_names: The classes in id order.
        texts: Number of different texts that were checked.
        folds: Number of folds; 0 if the probabilities were given.
        unchecked: Number of texts of classes with too few texts to be checked.
    """

    issues: tuple[LabelIssue, ...]
    noise: Mapping[str, Estimate]
    confusions: tuple[Confusion, ...]
    accuracy: Estimate
    label_names: tuple[str, ...]
    texts: int
    folds: int
    unchecked: int = 0

    def counts(self) -> dict[str, int]:
        """Counts the suspects of each kind."""
        found = [issue.kind for issue in self.issues]
        kinds: tuple[IssueKind, ...] = ("wrong", "ambiguous", "contradictory", "near_duplicate")
        return {kind: found.count(kind) for kind in kinds}

    def to_dict(self) -> dict[str, Any]:
        """Returns the JSON object that `labels check --json` prints."""
        return {
            "texts": self.texts,
            "unchecked": self.unchecked,
            "folds": self.folds,
            "labels": list(self.label_names),
            "accuracy": self.accuracy.to_dict(),
            "suspects": self.counts(),
            "noise": {name: noise.to_dict() for name, noise in self.noise.items()},
            "confusions": [asdict(confusion) for confusion in self.confusions],
            "issues": [asdict(issue) for issue in self.issues],
        }

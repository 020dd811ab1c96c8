"""The rows of the page: texts whose labels are to be decided."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

PageMode = Literal["check", "next"]
"""Whether labels are checked, or texts without one get theirs."""


@dataclass(frozen=True)
class PageRow:
    """One text and what is known of its label.

    Attributes:
        text: The text.
        digest: `text_digest` of it.
        kind: Why it is shown: the kind of a label issue, or the reason of a chosen text.
        given_label: Its label; empty without one.
        likely_label: The label that is likely right; empty if there is none.
        score: What the list is sorted by.
        row: Number of its row in the file, from 1; 0 if unknown.
        file: Name of the file, where there are several.
        probability_of_given: Probability of `given_label`.
        probability_of_likely: Probability of `likely_label`.
        spans: Parts of the text that support `likely_label` (a shade above 0) or against it,
            ascending: first character, the one after the last, shade.
        nearest_text: The closest text with another label.
        nearest_label: The label of that text.
    """

    text: str
    digest: str
    kind: str
    given_label: str = ""
    likely_label: str = ""
    score: float | None = None
    row: int = 0
    file: str = ""
    probability_of_given: float | None = None
    probability_of_likely: float | None = None
    spans: tuple[tuple[int, int, float], ...] = ()
    nearest_text: str = ""
    nearest_label: str = ""


def page_items(rows: Iterable[PageRow]) -> list[dict[str, Any]]:
    """Returns the rows as the page's script takes them, in order.

    Rows of the same text are one item with several given labels: a decision is one of the text.
    """
    items: dict[str, dict[str, Any]] = {}
    for row in rows:
        item = items.setdefault(row.digest, _item(row))
        if row.given_label and row.given_label not in item["given"]:
            item["given"].append(row.given_label)
    return list(items.values())


def list_digest(mode: PageMode, items: Sequence[dict[str, Any]]) -> str:
    """Returns the digest of a list, under which a browser keeps what was decided of its texts."""
    asked = [(item["digest"], item["given"], item["likely"]) for item in items]
    return hashlib.sha256(json.dumps([mode, asked]).encode()).hexdigest()[:32]


def _item(row: PageRow) -> dict[str, Any]:
    return {
        "text": row.text,
        "digest": row.digest,
        "kind": row.kind,
        "given": [],
        "likely": row.likely_label,
        "score": row.score,
        "row": row.row,
        "file": row.file,
        "pGiven": row.probability_of_given,
        "pLikely": row.probability_of_likely,
        "spans": row.spans,
        "nearest": row.nearest_text,
        "nearestLabel": row.nearest_label,
    }

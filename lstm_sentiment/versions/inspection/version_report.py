"""Tells what a version is, from its files alone: the model is not loaded."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lstm_sentiment.version_folder import (
    example_answers,
    find_version,
    load_card,
    servable_name,
    version_number,
)
from lstm_sentiment.versions.inspection.graph import GraphSummary, SignatureSummary, summarize_graph
from lstm_sentiment.versions.inspection.sizes import SizeSummary, measure_sizes
from lstm_sentiment.versions.inspection.snippets import Snippets, example_to_show, request_snippets


@dataclass(frozen=True)
class VersionReport:
    """What there is to know of a version.

    Attributes:
        version_dir: Its folder.
        model_name: Name of the base path's folder.
        version: Its number; `None` where the folder's name is none.
        card: What `sentiment.json` says; `None` for a SavedModel that this package did not write.
        graph: Its signatures and ops.
        sizes: Bytes of its parts.
        snippets: How each signature is asked, by key.
    """

    version_dir: Path
    model_name: str
    version: int | None
    card: Mapping[str, Any] | None
    graph: GraphSummary
    sizes: SizeSummary
    snippets: Mapping[str, Snippets]

    @property
    def signatures(self) -> Mapping[str, SignatureSummary]:
        """Its signatures, by key."""
        return self.graph.signatures

    def to_dict(self) -> dict[str, Any]:
        """The report as `inspect --json` prints it."""
        graph = asdict(self.graph)
        signatures = graph.pop("signatures")
        return {
            "version_dir": str(self.version_dir),
            "model_name": self.model_name,
            "version": self.version,
            "card": self.card,
            "signatures": [
                {**signature, **asdict(self.snippets[key])} for key, signature in signatures.items()
            ],
            "graph": graph,
            "sizes": {**asdict(self.sizes), "total": self.sizes.total},
        }


def inspect_version(path: str | os.PathLike[str]) -> VersionReport:
    """Reads what a version's files say: its card, `saved_model.pb` and the checkpoint's index.

    Args:
        path: A version's folder, or a base path, of which the highest version is taken. Any
            SavedModel will do.

    Returns:
        The report. Its snippets ask for this version's number if `path` is the version's folder,
        and for none if it is a base path.

    Raises:
        ServableNotFoundError: If there is no version.
        ServableUnavailableError: If it is damaged.
        InvalidInputError: If its card is no JSON object.
    """
    version_dir = find_version(Path(path))
    name, version = servable_name(version_dir), version_number(version_dir)
    card = load_card(version_dir)
    graph = summarize_graph(version_dir)
    example = example_to_show(example_answers(version_dir, card))
    asked = version if version_dir == Path(path) else None
    return VersionReport(
        version_dir=version_dir,
        model_name=name,
        version=version,
        card=card,
        graph=graph,
        sizes=measure_sizes(version_dir),
        snippets={
            key: request_snippets(signature, name, asked, example)
            for key, signature in graph.signatures.items()
        },
    )

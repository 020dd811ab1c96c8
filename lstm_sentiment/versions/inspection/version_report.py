"""Reports on a version from its files alone, without loading the model."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lstm_sentiment.light_twin.description import has_light_twin
from lstm_sentiment.version_digests import check_version, has_digests
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
    """A description of a version.

    Attributes:
        version_dir: The version's folder.
        model_name: Name of the base path's folder.
        version: Its number; `None` if the folder's name is not a number.
        card: The content of `sentiment.json`; `None` for a SavedModel of another program.
        has_light_twin: Whether there is a light twin, which may be damaged.
        has_digests: Whether the files were compared with digests of the time of the export.
        graph: Signatures and ops.
        sizes: Bytes of the parts.
        snippets: Example requests to each signature that a server can answer, by key.
        example_text: The text in those requests.
    """

    version_dir: Path
    model_name: str
    version: int | None
    card: Mapping[str, Any] | None
    has_light_twin: bool
    has_digests: bool
    graph: GraphSummary
    sizes: SizeSummary
    snippets: Mapping[str, Snippets]
    example_text: str

    @property
    def signatures(self) -> Mapping[str, SignatureSummary]:
        """The signatures by key."""
        return self.graph.signatures

    def _snippets_of(self, key: str) -> dict[str, Any]:
        snippets = self.snippets.get(key)
        if snippets is None:
            return {"curl": None, "python": None, "fill_in": []}
        return asdict(snippets)

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as `inspect --json` prints it."""
        graph = asdict(self.graph)
        signatures = graph.pop("signatures")
        return {
            "version_dir": str(self.version_dir),
            "model_name": self.model_name,
            "version": self.version,
            "card": self.card,
            "light_twin": self.has_light_twin,
            "digests": self.has_digests,
            "signatures": [
                {**signature, **self._snippets_of(key)} for key, signature in signatures.items()
            ],
            "graph": graph,
            "sizes": {**asdict(self.sizes), "total": self.sizes.total},
        }


def inspect_version(path: str | os.PathLike[str]) -> VersionReport:
    """Reads a version's card, graph and the index of the checkpoint.

    Args:
        path: A version's folder, or a base path, whose highest version is used. Any SavedModel
            works.

    Returns:
        The report. Its snippets name this version's number if `path` is the version's folder, and
        no number if it is a base path.

    Raises:
        ServableNotFoundError: If there is no version.
        ServableUnavailableError: If a file is damaged.
        InvalidInputError: If the card is not a JSON object, or a file's digest differs from the one
            in the version.
    """
    version_dir = find_version(Path(path))
    check_version(version_dir)
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
        has_light_twin=has_light_twin(version_dir),
        has_digests=has_digests(version_dir),
        graph=graph,
        sizes=measure_sizes(version_dir),
        snippets={
            key: request_snippets(signature, name, asked, example)
            for key, signature in graph.signatures.items()
            if signature.is_served and graph.is_for_serving
        },
        example_text=example.text,
    )

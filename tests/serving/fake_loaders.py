"""Versions that load at once, when they are let, or never."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lstm_sentiment.serving.errors import ServableLoadError
from lstm_sentiment.serving.servable import Signature
from lstm_sentiment.serving.servable_id import ServableId

TIMEOUT_SECONDS = 30


class FakeServable:
    signatures: Mapping[str, Signature] = {}
    signature_defs: Mapping[str, Any] = {}

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, signature_key: str, inputs: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        return {}


class FakeLoaders:
    """Makes loaders that tell what happens, and that can be made to fail or to wait."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, int]] = []
        self.failures: set[tuple[str, int]] = set()
        self.gates: dict[tuple[str, int], threading.Event] = {}

    def __call__(self, servable_id: ServableId, path: Path) -> "FakeLoader":
        return FakeLoader(self, servable_id, path)


class FakeLoader:
    engine = None

    def __init__(self, loaders: FakeLoaders, servable_id: ServableId, path: Path) -> None:
        self.loaders, self.path = loaders, path
        self.key = (servable_id.name, servable_id.version)

    def estimate_bytes(self) -> int:
        return 1

    def load(self) -> FakeServable:
        self.loaders.events.append(("load", *self.key))
        if self.key in self.loaders.gates:
            assert self.loaders.gates[self.key].wait(TIMEOUT_SECONDS)
        if self.key in self.loaders.failures:
            raise ServableLoadError("no good")
        return FakeServable(self.path)

    def unload(self) -> None:
        self.loaders.events.append(("unload", *self.key))

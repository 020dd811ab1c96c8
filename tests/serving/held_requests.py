"""Requests that are held while a model answers them, until a test lets them go on."""

import threading
from typing import Any

import pytest

from lstm_sentiment.serving.saved_model.saved_model import SavedModelServable

TIMEOUT_SECONDS = 60


def hold_requests(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Holds every request from now on.

    Returns:
        An event that is set once a request is held, and one that lets all of them go on.
    """
    is_held, release = threading.Event(), threading.Event()
    run = SavedModelServable.run

    def held(self: SavedModelServable, key: str, inputs: Any, **others: Any) -> dict[str, Any]:
        is_held.set()
        assert release.wait(TIMEOUT_SECONDS)
        return run(self, key, inputs, **others)

    monkeypatch.setattr(SavedModelServable, "run", held)
    return is_held, release

"""The state of a server for people: its versions, their requests and latencies.

The metrics hold the same for a time series database; this is for the page, or for `curl`.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from lstm_sentiment.serving.manager.servable_stream import MAX_ENDED_VERSIONS
from lstm_sentiment.serving.monitoring.answered_request import AnsweredRequest
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.servable_id import ServableId

LATENCY_WINDOW = 1000
"""Number of a version's last answered requests that its latencies are computed from."""

# The limit that the manager has for each model.
_MAX_FAILED = MAX_ENDED_VERSIONS

# Requests for a status or for metadata are not requests of users.
_INFERENCE_APIS = frozenset({"Predict", "Classify", "Regress", "MultiInference"})
_PACKAGE = "lstm-sentiment"


class _Version:
    """Counts of one version since it began to load."""

    __slots__ = ("errors", "latencies", "requests", "since", "state")

    def __init__(self, since: float) -> None:
        self.state = ManagerState.START
        self.since = since
        self.requests = self.errors = 0
        self.latencies: deque[float] = deque(maxlen=LATENCY_WINDOW)


class ServerState:
    """Counts the requests of each version. Safe to share among threads.

    An `Observer` of a server's requests; only requests for a model's answer count. Clients cannot
    create entries: a model is known once `state_changed` was called for one of its versions, and a
    version's counts are dropped when it is unloaded.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Begins at zero; the server's uptime counts from here.

        Args:
            clock: Returns seconds since any fixed moment.
            now: Returns the time, with its zone.
        """
        self._clock = clock
        self._started, self._started_at = clock(), now().astimezone(UTC)
        # Guards all attributes below.
        self._lock = threading.Lock()
        self._versions: dict[ServableId, _Version] = {}
        self._errors_without_version: dict[str, int] = {}
        self._failed: deque[ServableId] = deque()

    def __call__(self, request: AnsweredRequest) -> None:
        """Counts a request."""
        if request.api not in _INFERENCE_APIS:
            return
        is_answered = request.status == "OK"
        with self._lock:
            found = (
                None
                if request.version is None
                else self._versions.get(ServableId(request.model_name, request.version))
            )
            if found is None:
                if not is_answered and request.model_name in self._errors_without_version:
                    self._errors_without_version[request.model_name] += 1
                return
            found.requests += 1
            if is_answered:
                found.latencies.append(request.seconds)
            else:
                found.errors += 1

    def state_changed(self, state: ServableState) -> None:
        """Begins, keeps or drops the counts of a version.

        Args:
            state: The new state; this must be called for every state of every version.
        """
        with self._lock:
            self._errors_without_version.setdefault(state.id.name, 0)
            if state.state is ManagerState.END and state.error is None:
                self._versions.pop(state.id, None)
                return
            found = self._versions.setdefault(state.id, _Version(self._clock()))
            if found.state is not state.state:
                found.state, found.since = state.state, self._clock()
                if state.state is ManagerState.END:
                    self._remember_failed(state.id)

    def page(
        self,
        labels: Mapping[str, Mapping[str, int]],
        states: Iterable[ServableState],
        shadow: Sequence[Mapping[str, Any]] = (),
    ) -> dict[str, Any]:
        """Returns the state, for JSON.

        Args:
            labels: Version labels of each served model, by the model's name.
            states: States of the versions, a model's highest first.
            shadow: Reports of the shadow versions.

        Returns:
            `started` (ISO 8601, UTC), `uptime_seconds`, `server`, `models` and `shadow`. Each
            version has its state, the seconds in this state, the number of requests and of errors,
            and the mean, median and 99th percentile of the milliseconds that the last
            `LATENCY_WINDOW` answers took; `None` before the first. Unloaded versions are left out,
            those that failed to load are not. Requests that fail before a version is chosen are
            `errors_without_version`.
        """
        by_model: dict[str, list[ServableState]] = {name: [] for name in labels}
        for state in states:
            by_model.setdefault(state.id.name, []).append(state)
        with self._lock:
            for name in self._errors_without_version.keys() - by_model.keys():
                del self._errors_without_version[name]
            models = [
                {
                    "name": name,
                    "labels": dict(labels.get(name, {})),
                    "versions": [self._version(s) for s in of_model if _is_shown(s)],
                    "errors_without_version": self._errors_without_version.get(name, 0),
                }
                for name, of_model in by_model.items()
            ]
            uptime_seconds = self._clock() - self._started
        return {
            "started": self._started_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "uptime_seconds": round(uptime_seconds, 3),
            "server": _server_name(),
            "models": models,
            "shadow": [dict(entry) for entry in shadow],
        }

    def _version(self, state: ServableState) -> dict[str, Any]:
        found = self._versions.get(state.id)
        now = self._clock()
        # `state_changed` may be called a little later than the manager knows.
        since = found.since if found is not None and found.state is state.state else now
        return {
            "version": state.id.version,
            "state": state.state.name,
            "error": "" if state.error is None else str(state.error),
            "state_seconds": round(now - since, 3),
            "requests": 0 if found is None else found.requests,
            "errors": 0 if found is None else found.errors,
            "latency_ms": None if found is None else _latency_ms(found.latencies),
        }

    def _remember_failed(self, failed: ServableId) -> None:
        self._failed.append(failed)
        if len(self._failed) > _MAX_FAILED:
            oldest = self._failed.popleft()
            if oldest not in self._failed and self._has_ended(oldest):
                del self._versions[oldest]

    def _has_ended(self, servable_id: ServableId) -> bool:
        found = self._versions.get(servable_id)
        return found is not None and found.state is ManagerState.END


def _is_shown(state: ServableState) -> bool:
    return state.state is not ManagerState.END or state.error is not None


def _latency_ms(seconds: Iterable[float]) -> dict[str, float] | None:
    milliseconds = np.fromiter(seconds, np.float64) * 1000
    if not milliseconds.size:
        return None
    median, slowest = np.percentile(milliseconds, [50, 99])
    return {
        "mean": round(float(milliseconds.mean()), 3),
        "p50": round(float(median), 3),
        "p99": round(float(slowest), 3),
    }


def _server_name() -> str:
    try:
        return f"{_PACKAGE} {version(_PACKAGE)}"
    except PackageNotFoundError:  # run from a checkout that is not installed
        return _PACKAGE

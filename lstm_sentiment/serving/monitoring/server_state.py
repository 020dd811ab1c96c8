"""The state of a server for people: its versions, their requests and latencies.

The metrics hold the same for a time series database; this is for the page, or for `curl`.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from lstm_sentiment.serving.counts import Counts, Group
from lstm_sentiment.serving.manager.servable_stream import MAX_ENDED_VERSIONS
from lstm_sentiment.serving.monitoring.answered_request import AnsweredRequest
from lstm_sentiment.serving.peers import Gathered
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.servable_id import ServableId

LATENCY_WINDOW = 1000
"""Number of a version's last answered requests that its latencies are computed from."""

# The limit that the manager has for each model.
_MAX_FAILED = MAX_ENDED_VERSIONS

# Requests for a status or for metadata are not requests of users.
_INFERENCE_APIS = frozenset({"Predict", "Classify", "Regress", "MultiInference", "ModelInfer"})
_PACKAGE = "lstm-sentiment"
# The web page gives up what it asked when more is typed: nothing has failed then.
_CALLER_LEFT = "CANCELLED"


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
                has_failed = request.status not in ("OK", _CALLER_LEFT)
                if has_failed and request.model_name in self._errors_without_version:
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

    def counts(self) -> Counts:
        """Returns what was counted, to be merged with other processes."""
        sums: dict[Group, dict[str, Any]] = {}
        latencies: dict[Group, list[float]] = {}
        in_state: dict[Group, tuple[int, float]] = {}
        with self._lock:
            now = self._clock()
            sums[()] = {"errors_without_version": dict(self._errors_without_version)}
            for servable_id, found in self._versions.items():
                group = _group(servable_id)
                sums[group] = {"requests": found.requests, "errors": found.errors}
                latencies[group] = list(found.latencies)
                in_state[group] = int(found.state), now - found.since
        known = frozenset((name, version) for name, version in latencies)
        states = {"latencies": latencies, "in_state": in_state}
        return Counts({g: {"state": v} for g, v in sums.items()}, known=known, now=states)

    def page(
        self,
        labels: Mapping[str, Mapping[str, int]],
        states: Iterable[ServableState],
        shadow: Sequence[Mapping[str, Any]] = (),
        gathered: Gathered | None = None,
        request_log: Sequence[Mapping[str, Any]] = (),
        drift: Mapping[ServableId, Mapping[str, Any]] | None = None,
    ) -> dict[str, Any]:
        """Returns the state, for JSON.

        Args:
            labels: Version labels of each served model, by the model's name.
            states: States of the versions, a model's highest first.
            shadow: Reports of the shadow versions.
            gathered: What other processes have counted, to be added; `None` for one process.
            request_log: The report of the request log.
            drift: By version, whether its texts have drifted; `None` where nobody looks.

        Returns:
            `started` (ISO 8601, UTC), `uptime_seconds`, `server`, `models`, `shadow` and
            `request_log`. Each version has its state, the engine that answers, the seconds in this
            state, the number of requests and of errors, and the mean, median and 99th percentile of
            the milliseconds that the last `LATENCY_WINDOW` answers took; `None` before the first.
            Unloaded versions are left out, failed ones are not. Requests that fail
            before a version is chosen are `errors_without_version`, but for those whose callers
            left. With other processes there are `workers` too, and where somebody looks for drift
            each version has `drift`, see `drift_report`; `None` if the version keeps nothing of
            training.
        """
        others = _Others(gathered)
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
                    "versions": [self._version(s, others, drift) for s in of_model if _is_shown(s)],
                    "errors_without_version": (
                        self._errors_without_version.get(name, 0)
                        + others.errors_without_version(name)
                    ),
                }
                for name, of_model in by_model.items()
            ]
            uptime_seconds = self._clock() - self._started
        started_at = self._started_at
        if gathered is not None:
            earlier = max(started_at.timestamp() - gathered.started, 0.0)
            uptime_seconds += earlier
            started_at -= timedelta(seconds=earlier)
        return {
            "started": started_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "uptime_seconds": round(uptime_seconds, 3),
            "server": _server_name(),
            "models": models,
            "shadow": [dict(entry) for entry in shadow],
            "request_log": [dict(entry) for entry in request_log],
            **({} if gathered is None else {"workers": dict(gathered.workers)}),
        }

    def _version(
        self,
        state: ServableState,
        others: "_Others",
        drift: Mapping[ServableId, Mapping[str, Any]] | None,
    ) -> dict[str, Any]:
        found = self._versions.get(state.id, _Version(self._clock()))
        now = self._clock()
        # `state_changed` may be called a little later than the manager knows.
        seconds = [now - found.since] if found.state is state.state else []
        return {
            "version": state.id.version,
            "state": state.state.name,
            "engine": state.engine,
            "error": "" if state.error is None else str(state.error),
            # The last process that came into the state counts.
            "state_seconds": round(min([*seconds, *others.seconds_in(state)], default=0.0), 3),
            "requests": found.requests + others.total(state.id, "requests"),
            "errors": found.errors + others.total(state.id, "errors"),
            "latency_ms": _latency_ms([*found.latencies, *others.latencies(state.id)]),
            **({} if drift is None else {"drift": drift.get(state.id)}),
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


class _Others:
    """What other processes have counted."""

    def __init__(self, gathered: Gathered | None) -> None:
        self._living = [] if gathered is None else gathered.others
        self._all = [] if gathered is None else [*gathered.others, gathered.ended]

    def total(self, servable_id: ServableId, name: str) -> int:
        group = _group(servable_id)
        return sum(each.sums.get(group, {}).get("state", {}).get(name, 0) for each in self._all)

    def errors_without_version(self, name: str) -> int:
        found = [each.sums.get((), {}).get("state", {}) for each in self._all]
        return sum(each.get("errors_without_version", {}).get(name, 0) for each in found)

    def latencies(self, servable_id: ServableId) -> list[float]:
        group = _group(servable_id)
        found = [each.now.get("latencies", {}).get(group, []) for each in self._living]
        return [seconds for latencies in found for seconds in latencies]

    def seconds_in(self, state: ServableState) -> list[float]:
        group, number = _group(state.id), int(state.state)
        found = [each.now.get("in_state", {}).get(group) for each in self._living]
        return [one[1] for one in found if one is not None and one[0] == number]


def _group(servable_id: ServableId) -> Group:
    return servable_id.name, str(servable_id.version)


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

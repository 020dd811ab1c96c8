"""The metrics and the state of several processes that serve as one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lstm_sentiment.serving.counts import Counts, Group
from lstm_sentiment.serving.monitoring.drift_monitor import DriftMonitor
from lstm_sentiment.serving.monitoring.metrics import ServerMetrics
from lstm_sentiment.serving.monitoring.server_state import ServerState
from lstm_sentiment.serving.monitoring.training_times import TrainingTimes
from lstm_sentiment.serving.monitoring.version_gauges import VersionGauges
from lstm_sentiment.serving.peers import Peers
from lstm_sentiment.serving.request_log.request_log import RequestLog
from lstm_sentiment.serving.servable import ServableState
from lstm_sentiment.serving.shadow.shadow import Shadow
from lstm_sentiment.serving.shadow.tally import TallyCounts


class MergedPages:
    """Merges what a server has counted with what its peers have."""

    def __init__(
        self,
        peers: Peers,
        state: ServerState,
        metrics: ServerMetrics | None,
        shadow: Shadow | None,
        request_log: RequestLog,
        drift: DriftMonitor | None,
        training_times: TrainingTimes,
        states: Callable[[], Sequence[ServableState]],
    ) -> None:
        """Merges nothing yet.

        Args:
            peers: The other processes.
            state: The state of this server.
            metrics: Its metrics, if there are any.
            shadow: Its shadow version, if there is one.
            request_log: Its request log.
            drift: Its comparison of texts with those of training, if there is one.
            training_times: The training times of its versions.
            states: Returns the states of versions in all processes.
        """
        self._peers, self._state, self._metrics = peers, state, metrics
        self._shadow, self._states = shadow, states
        self._request_log, self._drift = request_log, drift
        self._training_times = training_times

    def counts(self) -> Counts:
        """Returns what this server has counted, for a peer."""
        counts = self._state.counts()
        if self._metrics is not None:
            of_metrics = self._metrics.counts()
            _join_groups(counts.sums, of_metrics.sums)
            counts.now.update(of_metrics.now)
        if self._shadow is not None:
            _add_shadow(counts, self._shadow)
        if self._drift is not None:
            _join_groups(counts.sums, self._drift.counts().sums)
        counts.sums.setdefault((), {})["request_log"] = self._request_log.counts()
        counts.now["request_log"] = self._request_log.stopped()
        return counts

    def metrics_page(self) -> bytes:
        """Returns the page of metrics of all processes; there must be metrics."""
        assert self._metrics is not None
        own = self.counts()
        # Only what the parent was told: a counter may never fall, whichever process ends.
        gathered = self._peers.gather(own)
        counts = [own, *gathered.others, gathered.ended]
        others = (*gathered.others, gathered.ended)
        drift = {} if self._drift is None else self._drift.reports(others)
        gauges = VersionGauges(drift, self._training_times.by_version())
        return self._metrics.merged_page(counts, self._states(), gathered.parent, gauges)

    def state(self, labels: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
        """Returns the state of all processes, for JSON: see `ServerState.page`."""
        gathered = self._peers.gather(self.counts())
        shadow = []
        if self._shadow is not None:
            name = self._shadow.model_name
            others = [_tally(each, name) for each in (*gathered.others, gathered.ended)]
            shadow.append(self._shadow.report(others))
        logged = [
            each.sums.get((), {}).get("request_log", {})
            for each in (*gathered.others, gathered.ended)
        ]
        stopped = {
            name: reason
            for each in gathered.others
            for name, reason in each.now.get("request_log", {}).items()
        }
        request_log = self._request_log.report(logged, stopped)
        everybody = (*gathered.others, gathered.ended)
        drift = None if self._drift is None else self._drift.reports(everybody)
        return self._state.page(labels, self._states(), shadow, gathered, request_log, drift)


def _add_shadow(counts: Counts, shadow: Shadow) -> None:
    tally = shadow.counts()
    groups = {pair: _group(shadow.model_name, *pair) for pair in tally.pairs}
    _join_groups(
        counts.sums, {groups[pair]: {"shadow": found} for pair, found in tally.pairs.items()}
    )
    for pair, largest in tally.largest.items():
        counts.maxima[groups[pair]] = {"shadow": largest}
    counts.now["shadow"] = tally.recent


def _tally(counts: Counts, model_name: str) -> TallyCounts:
    def of_model(groups: Mapping[Group, Any]) -> dict[tuple[int, int | None], Any]:
        return {
            _pair(group): values["shadow"]
            for group, values in groups.items()
            if "shadow" in values and group[0] == model_name
        }

    return TallyCounts(of_model(counts.sums), of_model(counts.maxima), counts.now.get("shadow", ()))


def _group(model_name: str, version: int, shadow_version: int | None) -> Group:
    return model_name, str(version), "" if shadow_version is None else str(shadow_version)


def _pair(group: Group) -> tuple[int, int | None]:
    _, version, shadow_version = group
    return int(version), int(shadow_version) if shadow_version else None


def _join_groups(groups: dict[Group, Any], others: Mapping[Group, Mapping[str, Any]]) -> None:
    for group, values in others.items():
        groups.setdefault(group, {}).update(values)

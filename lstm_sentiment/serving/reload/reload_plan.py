"""Plans the change from one config to the next: pure functions.

Nothing is changed here, so a config that `plan_reload` refuses leaves no trace.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from lstm_sentiment.models_config.config import servables_to_monitor, version_labels
from lstm_sentiment.models_config.version_policy import (
    ServableToMonitor,
    Specific,
    aspired_versions,
)
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.serving.errors import NoVersionsFoundError, VersionNotAvailableError
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.version_folder import version_folders


@dataclass(frozen=True)
class Served:
    """The state of a server when a new config arrives, by model name.

    Attributes:
        servables: The base path of each model.
        labels: The version labels of each model.
        available: The available versions of each model.
    """

    servables: Mapping[str, ServableToMonitor]
    labels: Mapping[str, Mapping[str, int]]
    available: Mapping[str, frozenset[int]]


@dataclass(frozen=True)
class ReloadPlan:
    """The steps from one config to the next.

    Attributes:
        servables: The base paths to watch in the end.
        during: The base paths and versions to watch until the new versions are loaded: the old
            ones and the new ones.
        after_failure: The base paths to watch if the new versions cannot be loaded.
        new: The models of which at least one version must become available.
        labelled: The versions that must be available before the labels are applied.
        awaited: All versions to wait for.
    """

    servables: Mapping[str, ServableToMonitor]
    during: Mapping[str, ServableToMonitor]
    after_failure: Mapping[str, ServableToMonitor]
    new: frozenset[str]
    labelled: frozenset[ServableId]
    awaited: frozenset[ServableId]


def plan_reload(
    config: ModelServerConfig,
    served: Served,
    *,
    allow_version_labels_for_unavailable_models: bool = False,
) -> ReloadPlan:
    """Plans the reload of a checked config, from the server's state and its base paths' contents.

    Raises:
        NoVersionsFoundError: If a new model, or one that moves, has no version to serve.
        VersionNotAvailableError: If a label points to a version that will not be served.
    """
    after = {servable.name: servable for servable in servables_to_monitor(config)}
    new = frozenset(
        name
        for name, servable in after.items()
        if name not in served.servables or served.servables[name].base_path != servable.base_path
    )
    found = {name: _aspired(servable) for name, servable in after.items()}
    without = [name for name in after if name in new and not found[name]]
    if without:
        raise NoVersionsFoundError(without)
    # A base path that cannot be read keeps the versions that are served from it.
    aspired = {n: served.available[n] if v is None else v for n, v in found.items()}
    labelled = frozenset(
        _versions_to_label(config, served, allow_version_labels_for_unavailable_models)
    )
    for version in sorted(labelled):
        if version.version not in aspired[version.name]:
            raise VersionNotAvailableError(version)
    return ReloadPlan(
        servables=after,
        during={
            **served.servables,
            **{n: _with_labelled(s, aspired[n], served, n in new) for n, s in after.items()},
        },
        after_failure={**after, **served.servables},
        new=new,
        labelled=labelled,
        awaited=labelled | {ServableId(n, version) for n in new for version in aspired[n]},
    )


def _aspired(servable: ServableToMonitor) -> frozenset[int] | None:
    try:
        return aspired_versions(servable.version_policy, version_folders(servable.base_path))
    except OSError:
        return None


def _versions_to_label(
    config: ModelServerConfig, served: Served, allow_unavailable: bool
) -> Iterator[ServableId]:
    """Yields the versions that must be available before the labels of a config are applied.

    A label may stay with a version that was unavailable before. With `allow_unavailable`, a new
    label may point to such a version too.
    """
    for name, labels in version_labels(config).items():
        before = served.labels.get(name, {})
        for label, version in labels.items():
            is_as_before = before.get(label) == version
            if allow_unavailable:
                is_needed = label in before and not is_as_before
            else:
                is_needed = not is_as_before or version in served.available.get(name, ())
            if is_needed:
                yield ServableId(name, version)


def _with_labelled(
    servable: ServableToMonitor, aspired: frozenset[int], served: Served, is_new: bool
) -> ServableToMonitor:
    """Adds versions that a label still points to: they go only after the label has moved."""
    if is_new:
        return servable
    pointed_to = served.available[servable.name] & {*served.labels.get(servable.name, {}).values()}
    if pointed_to <= aspired:
        return servable
    return replace(servable, version_policy=Specific(aspired | pointed_to))

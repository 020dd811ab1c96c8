"""What a new config asks of a server: checked, and told, before anything is changed.

Nothing here is done, so a config that `plan_reload` refuses leaves no trace.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tensorflow_serving.config import model_server_config_pb2

from lstm_sentiment.models_config.config import servables_to_monitor, version_labels
from lstm_sentiment.models_config.version_policy import (
    ServableToMonitor,
    Specific,
    aspired_versions,
)
from lstm_sentiment.serving.errors import NoVersionsFoundError, VersionNotAvailableError
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.version_folder import version_folders


@dataclass(frozen=True)
class Served:
    """What a server does when a new config arrives.

    Attributes:
        servables: The base path of each model.
        labels: The version labels of each model.
        available: The versions of each model that answer.
    """

    servables: Mapping[str, ServableToMonitor]
    labels: Mapping[str, Mapping[str, int]]
    available: Mapping[str, frozenset[int]]


@dataclass(frozen=True)
class ReloadPlan:
    """How to come from one config to the next.

    Attributes:
        servables: What to watch in the end.
        during: What to watch until the new is there: both what was and what will be, as far as
            clients could miss it.
        after_failure: What to watch if the new cannot be had.
        new: The models of which one version at least must become available.
        labelled: The versions that must be available for the labels to be applied.
        awaited: All versions to wait for.
    """

    servables: Mapping[str, ServableToMonitor]
    during: Mapping[str, ServableToMonitor]
    after_failure: Mapping[str, ServableToMonitor]
    new: frozenset[str]
    labelled: frozenset[ServableId]
    awaited: frozenset[ServableId]


def plan_reload(
    config: model_server_config_pb2.ModelServerConfig,
    served: Served,
    *,
    allow_version_labels_for_unavailable_models: bool = False,
) -> ReloadPlan:
    """Finds out what a config needs, from what is served and what its base paths hold.

    Args:
        config: A checked config.
        served: What is served now.
        allow_version_labels_for_unavailable_models: Whether a new label may point anywhere.

    Returns:
        The plan.

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
    # What is served from a base path that cannot be read stays.
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
    config: model_server_config_pb2.ModelServerConfig, served: Served, allow_unavailable: bool
) -> Iterator[ServableId]:
    """The versions that have to be available; a label that dangles already may go on to."""
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
    """Keeps a version that is to go until the label that points to it has been moved."""
    if is_new:
        return servable
    pointed_to = served.available[servable.name] & {*served.labels.get(servable.name, {}).values()}
    if pointed_to <= aspired:
        return servable
    return replace(servable, version_policy=Specific(aspired | pointed_to))

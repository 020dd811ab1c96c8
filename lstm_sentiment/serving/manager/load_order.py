"""Policies, as pure functions: which version to load or unload next.

After `availability_preserving_policy.cc` and `resource_preserving_policy.cc` in
`tensorflow_serving/core`.
"""

import enum
from collections.abc import Callable, Collection
from dataclasses import dataclass

from lstm_sentiment.serving.servable import ManagerState


class ActionKind(enum.Enum):
    """A load or an unload."""

    LOAD = "load"
    UNLOAD = "unload"


@dataclass(frozen=True)
class Action:
    """One step towards the aspired versions of a servable stream."""

    kind: ActionKind
    version: int


@dataclass(frozen=True)
class VersionSnapshot:
    """State of one version, as a policy sees it.

    Attributes:
        version: The version number.
        state: The version's state; `END` after a failed load.
        is_aspired: Whether the source wants the version served.
    """

    version: int
    state: ManagerState
    is_aspired: bool


AspiredVersionPolicy = Callable[[Collection[VersionSnapshot]], Action | None]
"""Maps all versions of one servable stream to the next step; `None` if there is none until a state
changes."""


def availability_preserving_action(versions: Collection[VersionSnapshot]) -> Action | None:
    """Chooses the next step so that some version is always available: load first, then unload.

    A version that is no longer aspired is unloaded once an aspired version is available, or when
    none is aspired, or when another such version is still available. Otherwise the highest aspired
    version that has not been tried is loaded. So the old and the new version share memory for a
    while, and for as long as a request holds the old one.

    Args:
        versions: Every version of one servable stream.

    Returns:
        The next step; `None` if there is none until a state changes.
    """
    aspired = [v for v in versions if v.is_aspired]
    leaving = [
        v.version for v in versions if not v.is_aspired and v.state is ManagerState.AVAILABLE
    ]
    an_aspired_one_answers = any(v.state is ManagerState.AVAILABLE for v in aspired)
    if leaving and (not aspired or an_aspired_one_answers or len(leaving) > 1):
        return Action(ActionKind.UNLOAD, min(leaving))
    return _load_highest_untried(versions)


def resource_preserving_action(versions: Collection[VersionSnapshot]) -> Action | None:
    """Chooses the next step so that memory holds only aspired versions: unload first, then load.

    Versions that are no longer aspired are unloaded, the lowest first; nothing is loaded until all
    of them are out of memory, those that a request still holds included. So there is a gap in which
    no version is available: the price of a model that fits into memory only once.

    Args:
        versions: Every version of one servable stream.

    Returns:
        The next step; `None` if there is none until a state changes.
    """
    leaving = [v for v in versions if not v.is_aspired and v.state is not ManagerState.END]
    to_unload = [v.version for v in leaving if v.state is ManagerState.AVAILABLE]
    if to_unload:
        return Action(ActionKind.UNLOAD, min(to_unload))
    return None if leaving else _load_highest_untried(versions)


def _load_highest_untried(versions: Collection[VersionSnapshot]) -> Action | None:
    untried = [v.version for v in versions if v.is_aspired and v.state is ManagerState.START]
    return Action(ActionKind.LOAD, max(untried)) if untried else None

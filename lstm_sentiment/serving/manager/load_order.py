"""Which version to load or unload next: pure functions.

After `availability_preserving_policy.cc` and `resource_preserving_policy.cc` in
`tensorflow_serving/core`.
"""

import enum
from collections.abc import Callable, Collection
from dataclasses import dataclass

from lstm_sentiment.serving.servable import ManagerState


class ActionKind(enum.Enum):
    """What can be done to a version."""

    LOAD = "load"
    UNLOAD = "unload"


@dataclass(frozen=True)
class Action:
    """One step towards the aspired versions of a servable stream."""

    kind: ActionKind
    version: int


@dataclass(frozen=True)
class VersionSnapshot:
    """All that a policy may know of a version.

    Attributes:
        version: Its number.
        state: Where it stands; a failed one is `END`.
        is_aspired: Whether the source wants it served.
    """

    version: int
    state: ManagerState
    is_aspired: bool


AspiredVersionPolicy = Callable[[Collection[VersionSnapshot]], Action | None]
"""Takes every version of one servable stream; gives the step to take now, or `None` if there is
none until a state changes."""


def availability_preserving_action(versions: Collection[VersionSnapshot]) -> Action | None:
    """Chooses the next step, never taking away the last answer while a new one is awaited.

    A version that is no longer aspired is unloaded once an aspired one is available, or when none
    is aspired, or when another such version remains to answer. Otherwise the highest aspired
    version that has not been tried is loaded. So the old and the new version are both in memory
    for a while, and while a request still holds the old one.

    Args:
        versions: Every version of one servable stream.

    Returns:
        The step to take now, or `None` if there is none until a state changes.
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
    """Chooses the next step, never holding more in memory than what is aspired.

    Versions that are no longer aspired are unloaded first, the lowest first; nothing is loaded
    until all of them are out of memory, also those that a request still holds. So there is a gap
    in which nothing answers, and for a model that fits into memory only once that is the price.

    Args:
        versions: Every version of one servable stream.

    Returns:
        The step to take now, or `None` if there is none until a state changes.
    """
    leaving = [v for v in versions if not v.is_aspired and v.state is not ManagerState.END]
    to_unload = [v.version for v in leaving if v.state is ManagerState.AVAILABLE]
    if to_unload:
        return Action(ActionKind.UNLOAD, min(to_unload))
    return None if leaving else _load_highest_untried(versions)


def _load_highest_untried(versions: Collection[VersionSnapshot]) -> Action | None:
    untried = [v.version for v in versions if v.is_aspired and v.state is ManagerState.START]
    return Action(ActionKind.LOAD, max(untried)) if untried else None

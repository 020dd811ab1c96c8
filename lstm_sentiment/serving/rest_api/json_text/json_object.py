"""Objects of JSON in which a name may come more than once."""

from collections.abc import Iterable
from typing import Any


class RepeatedNames(dict[str, Any]):
    """An object in which a name comes more than once: each name with its first value.

    Attributes:
        members: Every name with its value, in order.
    """

    def __init__(self, members: list[tuple[str, Any]]) -> None:
        """Makes an object of its members."""
        super().__init__()
        self.members = members
        for name, value in members:
            self.setdefault(name, value)


def json_object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Makes an object of its members, in order; the first of a name counts."""
    found = dict(members)
    return found if len(found) == len(members) else RepeatedNames(members)


def members_of(value: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """Returns every name with its value, in order, repeated ones too."""
    return value.members if isinstance(value, RepeatedNames) else value.items()

"""What one process has counted, as plain values that another process adds up.

The parent adds up too, for workers that have ended, and imports no NumPy: so everything here is a
number, a text, or a mapping or sequence of those.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Group = tuple[str, ...]
"""A model and the versions that counts belong to; empty for those that outlive versions."""


@dataclass
class Counts:
    """The counts of one process, or of several added up.

    Attributes:
        sums: Counts to add, by group: mappings of mappings, down to numbers or tuples of these.
        maxima: As `sums`, but the larger number is kept.
        known: The versions that the process has, by model and number; other versions' counts are
            dropped, as a process drops those of a version that it unloads.
        now: What holds of a living process only, and is not added up.
    """

    sums: dict[Group, Any] = field(default_factory=dict)
    maxima: dict[Group, Any] = field(default_factory=dict)
    known: frozenset[tuple[str, str]] = frozenset()
    now: dict[str, Any] = field(default_factory=dict)

    def ended(self, others: "Counts") -> "Counts":
        """Returns these counts and those of another process that has ended, added up."""
        return Counts(
            sums=_joined(self.sums, others.sums, is_sum=True),
            maxima=_joined(self.maxima, others.maxima, is_sum=False),
        )

    def of_versions(self, known: Iterable[tuple[str, str]]) -> "Counts":
        """Returns the counts that belong to these versions, and to none."""
        versions = frozenset(known)

        def kept(groups: Mapping[Group, Any]) -> dict[Group, Any]:
            return {group: value for group, value in groups.items() if _is_of(group, versions)}

        return Counts(kept(self.sums), kept(self.maxima), self.known & versions, self.now)


def _is_of(group: Group, versions: frozenset[tuple[str, str]]) -> bool:
    # An empty version stands for requests that no version answered.
    return all(not version or (group[0], version) in versions for version in group[1:])


def _joined(one: Any, other: Any, *, is_sum: bool) -> Any:
    if isinstance(one, Mapping):
        joined = dict(one)
        for key, value in other.items():
            joined[key] = _joined(joined[key], value, is_sum=is_sum) if key in joined else value
        return joined
    if isinstance(one, tuple):
        return tuple(_joined(a, b, is_sum=is_sum) for a, b in zip(one, other, strict=True))
    return one + other if is_sum else max(one, other)

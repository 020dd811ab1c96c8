"""The one name of a class that files spell in several ways: `1` and `1.0`, `True` and `true`.

pandas writes `1.0` for a column of whole numbers with gaps, and R, Polars and pandas each write
another word for yes. Everything else stays the text that it is: `007`, `+1` and `0x1A` are names.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from lstm_sentiment.checks import did_you_mean
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.unicode import has_controls

_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0+")
_BOOLEANS = ("true", "false")
_MOST_LISTED = 5
# Python converts no longer ones.
_MOST_DIGITS = 4_300


def class_names(found: Iterable[str]) -> dict[str, str]:
    """Returns the name of the class of each label that occurs.

    A whole number with a decimal point loses it: `1.0` becomes `1`. Where all labels are booleans,
    they are named `False` and `True`, whatever their letter case.

    Args:
        found: Labels as they are in the files, without whitespace around them.
    """
    found = set(found)
    if found and all(name.lower() in _BOOLEANS for name in found):
        return {name: name.capitalize() for name in found}
    return {name: _without_point(name) for name in found}


def known_names(found: Iterable[str], names: Sequence[str]) -> dict[str, str]:
    """Returns which of some known names each label is.

    Args:
        found: Labels as they are in the files. Those that are none of `names` are left out.
        names: The classes, for example of a version, which may spell them otherwise.
    """
    by_key: dict[str, list[str]] = {}
    for name in names:
        by_key.setdefault(_key(name), []).append(name)
    known = {}
    for label in found:
        alike = by_key.get(_key(label), [])
        if label in alike:
            known[label] = label
        elif len(alike) == 1:
            known[label] = alike[0]
    return known


def label_ids(
    found: Iterable[str], names: Sequence[str] | None
) -> tuple[tuple[str, ...], dict[str, int]]:
    """Returns the classes in id order, and the id of each label that occurs.

    Args:
        found: Labels as they are in the files.
        names: The classes in id order. `None` takes the labels that occur: whole numbers by value,
            then names alphabetically.

    Raises:
        InvalidInputError: If a label is none of `names`, or has control characters where that is
            `None`.
    """
    found = set(found)
    if names is None:
        if controlled := sorted(filter(has_controls, found)):
            raise InvalidInputError(
                f"A label must have no control characters. Received: {controlled[0]!r}."
            )
        named: Mapping[str, str] = class_names(found)
        names = sorted(set(named.values()), key=_order)
    else:
        named = known_names(found, names)
        unknown = min(found - named.keys(), default=None)
        if unknown is not None:
            raise InvalidInputError(
                f"Labels must be among those trained on: {', '.join(names)}. "
                f"Received: {unknown!r}.{did_you_mean(unknown, names)}"
            )
    ids = {name: position for position, name in enumerate(names)}
    return tuple(names), {label: ids[name] for label, name in named.items()}


def spelling_notes(found: Iterable[str]) -> list[str]:
    """Words what a reader should know of labels that are spelled in several ways."""
    named = class_names(found)
    spelled: dict[str, list[str]] = {}
    for label, name in sorted(named.items()):
        spelled.setdefault(name, []).append(label)
    merged = [
        f"{' and '.join(f'`{label}`' for label in labels)} are one class, `{name}`"
        for name, labels in spelled.items()
        if len(labels) > 1
    ]
    notes = [f"Labels: {_listed(merged)}"] if merged else []
    apart = [alike for alike in _alike(spelled) if len(alike) > 1]
    if apart:
        listed = _listed([" and ".join(f"`{name}`" for name in alike) for alike in apart])
        notes.append(
            f"Labels that look alike are different classes: {listed}. If they mean the same, write "
            "them alike in the files"
        )
    return notes


def _listed(parts: Sequence[str]) -> str:
    more = f"; {len(parts) - _MOST_LISTED:,} others" if len(parts) > _MOST_LISTED else ""
    return "; ".join(parts[:_MOST_LISTED]) + more


def _alike(names: Iterable[str]) -> Iterable[list[str]]:
    """Groups names that are different classes and may be meant as one."""
    groups: dict[object, list[str]] = {}
    for name in names:
        lowered = _visible(name)
        key: object = lowered
        if lowered in (*_BOOLEANS, "0", "1"):
            key = lowered in ("true", "1")
        elif re.fullmatch(r"-?[0-9]+\.[0-9]+", name):
            key = name.rstrip("0").rstrip(".")
        groups.setdefault(key, []).append(name)
    return groups.values()


def _visible(name: str) -> str:
    """Returns a name without invisible differences: case, width, marks of no width."""
    name = unicodedata.normalize("NFKC", name)
    return "".join(letter for letter in name if unicodedata.category(letter) != "Cf").lower()


def _key(label: str) -> str:
    return label.capitalize() if label.lower() in _BOOLEANS else _without_point(label)


def _without_point(label: str) -> str:
    whole = _WHOLE.fullmatch(label)
    return label if whole is None else "0" if whole[1] == "-0" else whole[1]


def _order(label: str) -> tuple[bool, int, str]:
    """Sort key: whole numbers by value, before names in alphabetical order."""
    number = label.removeprefix("-")
    if number.isascii() and number.isdigit() and len(number) < _MOST_DIGITS:
        return False, int(label), label
    return True, 0, label

"""Tables of how TensorFlow's ops treat single code points, for the engine without TensorFlow.

Python, RE2, TensorFlow's ICU and tensorflow-text's ICU know different versions of Unicode. What the
oldest of them knows is treated alike by all, now and later, since the normalization of an assigned
code point never changes (https://www.unicode.org/policies/stability_policy.html). Of the newer code
points, these tables hold what the ops do.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.system import write_whole

CodePoints = tuple[tuple[int, int], ...]
"""Code points as ranges, first and last, in ascending order."""


@dataclass(frozen=True)
class UnicodeTables:
    r"""Classes of all code points, and how the newer ones are normalized.

    Attributes:
        spaces: `[\s\p{Z}\p{Cc}]` of RE2.
        letters: `\p{L}` of RE2.
        marks: `\p{M}` of RE2.
        numbers: `\p{N}` of RE2.
        cased: The cased code points of TensorFlow's ICU, but for those that are case-ignorable.
        case_ignorable: The case-ignorable code points of TensorFlow's ICU.
        newer: Code points that TensorFlow's ICU or the oldest Python does not know.
        nfd: Full canonical decomposition of newer code points that have one, by character.
        nfkd: Full compatibility decomposition of newer code points that have one, by character.
        combining_classes: Canonical combining class of newer code points, where it is not 0.
        compositions: The newer character that two characters compose to, by the two.
        lowercase: Lower case of newer characters that have one in TensorFlow's ICU. Versions that
            were exported with TensorFlow up to 2.21 have no such characters, and no such table.
    """

    spaces: CodePoints
    letters: CodePoints
    marks: CodePoints
    numbers: CodePoints
    cased: CodePoints
    case_ignorable: CodePoints
    newer: CodePoints
    nfd: Mapping[str, str]
    nfkd: Mapping[str, str]
    combining_classes: Mapping[str, int]
    compositions: Mapping[str, str]
    lowercase: Mapping[str, str] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Writes the tables as JSON."""
        with write_whole(path) as file:
            file.write(json.dumps(asdict(self), separators=(",", ":")).encode())

    @classmethod
    def load(cls, path: Path) -> "UnicodeTables":
        """Reads tables that `save` has written.

        Raises:
            InvalidInputError: If the file cannot be read or holds something else.
        """
        try:
            content = json.loads(path.read_bytes())
            content = {"lowercase": {}, **content}
            values: dict[str, Any] = {one.name: _value(content[one.name]) for one in fields(cls)}
            return cls(**values)
        except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
            raise InvalidInputError(
                f"{path}: must hold the Unicode tables of a version. Received: {error!r}."
            ) from error


def _value(value: object) -> object:
    return tuple((first, last) for first, last in value) if isinstance(value, list) else value


def as_ranges(code_points: Iterable[int]) -> CodePoints:
    """Joins ascending code points to ranges."""
    ranges: list[tuple[int, int]] = []
    for code in code_points:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return tuple(ranges)

"""The Unicode tables of a light twin, computed by TensorFlow's own ops."""

import functools
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow_text import normalize_utf8

from lstm_sentiment.light_twin.unicode_tables import CodePoints, UnicodeTables, as_ranges

_CODE_POINTS = np.array([code for code in range(0x110000) if not 0xD800 <= code < 0xE000])
_UNKNOWN_SCRIPT = 103  # USCRIPT_UNKNOWN of ICU: unassigned, for private use, or no character
_PRIVATE_USE = ((0xE000, 0xF8FF), (0xF0000, 0xFFFFD), (0x100000, 0x10FFFD))
_UNASSIGNED = Path(__file__).with_name("unassigned_in_unicode_14.txt")
"""Characters that the Unicode of the oldest supported Python lacks; later Pythons lack fewer."""


@functools.cache
def compute_unicode_tables() -> UnicodeTables:
    """Computes the tables: 1,112,064 code points in some three seconds, once a process."""
    characters = tf.strings.unicode_encode(
        tf.RaggedTensor.from_row_lengths(
            tf.constant(_CODE_POINTS, tf.int32), tf.ones(len(_CODE_POINTS), tf.int32)
        ),
        "UTF-8",
    )
    scripts = tf.strings.unicode_script(tf.constant(_CODE_POINTS, tf.int32)).numpy()
    is_newer = scripts == _UNKNOWN_SCRIPT
    for first, last in _PRIVATE_USE:  # nothing is ever known of these, by anybody
        is_newer &= (first > _CODE_POINTS) | (last < _CODE_POINTS)
    is_newer |= _is_unassigned()
    newer = [chr(code) for code in _CODE_POINTS[is_newer]]
    nfd = _changed(newer, "NFD")
    cased, case_ignorable = _case_classes(characters)
    return UnicodeTables(
        spaces=_matching(characters, r"[\s\p{Z}\p{Cc}]"),
        letters=_matching(characters, r"\p{L}"),
        marks=_matching(characters, r"\p{M}"),
        numbers=_matching(characters, r"\p{N}"),
        cased=cased,
        case_ignorable=case_ignorable,
        newer=_ranges(is_newer),
        nfd=nfd,
        nfkd=_changed(newer, "NFKD"),
        combining_classes=_combining_classes(
            [character for character in newer if character not in nfd],
            _marks_by_class(map(chr, _CODE_POINTS[~is_newer].tolist())),
        ),
        compositions=_compositions(nfd),
        lowercase=_lowercase(newer),
    )


def _is_unassigned() -> NDArray[np.bool_]:
    """Returns of each code point whether the oldest Python knows no character there."""
    unassigned = np.zeros(_CODE_POINTS[-1] + 1, np.bool_)
    for line in _UNASSIGNED.read_text("ascii").splitlines()[1:]:
        first, last = (int(code, 16) for code in line.split())
        unassigned[first : last + 1] = True
    return unassigned[_CODE_POINTS]


def _ranges(chosen: NDArray[np.bool_]) -> CodePoints:
    return as_ranges(_CODE_POINTS[chosen].tolist())


def _matching(characters: tf.Tensor, pattern: str) -> CodePoints:
    return _ranges(tf.strings.regex_full_match(characters, pattern).numpy())


def _case_classes(characters: tf.Tensor) -> tuple[CodePoints, CodePoints]:
    """Finds cased and case-ignorable code points by what becomes of a sigma before them.

    A capital sigma after a cased letter becomes a final one unless a cased letter follows, with any
    number of case-ignorable ones between.
    """
    before_letter = _is_medial("ΑΣ" + characters + "Α")
    at_end = _is_medial("ΑΣ" + characters)
    cased, ignorable = at_end, before_letter & ~at_end
    return _ranges(cased), _ranges(ignorable)


def _is_medial(texts: tf.Tensor) -> NDArray[np.bool_]:
    lowered = tf.strings.lower(texts, encoding="utf-8")
    return (tf.strings.substr(lowered, 1, 1, "UTF8_CHAR") == "σ").numpy()


def _normalized(texts: Sequence[str], form: str) -> list[str]:
    return [text.decode() for text in normalize_utf8(tf.constant(texts, tf.string), form).numpy()]


def _changed(characters: Sequence[str], form: str) -> dict[str, str]:
    normalized = _normalized(characters, form)
    return {old: new for old, new in zip(characters, normalized, strict=True) if old != new}


def _lowercase(characters: Sequence[str]) -> dict[str, str]:
    lowered = tf.strings.lower(tf.constant(characters, tf.string), encoding="utf-8").numpy()
    pairs = zip(characters, lowered, strict=True)
    return {old: new.decode() for old, new in pairs if old != new.decode()}


def _combining_classes(characters: Sequence[str], marks: Mapping[int, str]) -> dict[str, int]:
    """Finds combining classes by the marks that change places with a character.

    Canonical order sorts neighbours by class, but moves none of class 0.

    Args:
        characters: Without decompositions.
        marks: A mark of each class.

    Returns:
        The class of each character whose class is not 0.
    """
    lowest, highest = marks[min(marks)], marks[max(marks)]
    after_highest = _changed([highest + character for character in characters], "NFD")
    before_lowest = _changed([character + lowest for character in characters], "NFD")
    moved = {pair.strip(lowest + highest) for pair in (*after_highest, *before_lowest)}
    classes = {}
    for character in sorted(moved):
        ordered = _changed([character + mark for mark in marks.values()], "NFD")
        lower = [number for number, mark in marks.items() if character + mark in ordered]
        classes[character] = min(number for number in marks if number > max(lower, default=0))
    return classes


def _marks_by_class(characters: Iterable[str]) -> dict[int, str]:
    """Returns a mark of each combining class above 0."""
    marks: dict[int, str] = {}
    for character in characters:
        combining = unicodedata.combining(character)
        if combining and not unicodedata.decomposition(character):
            marks.setdefault(combining, character)
    return marks


def _compositions(decompositions: dict[str, str]) -> dict[str, str]:
    """Finds the primary composites: characters that their decomposition composes to again."""
    composed = _normalized(list(decompositions), "NFC")
    composites = [
        character
        for character, again in zip(decompositions, composed, strict=True)
        if character == again
    ]
    starts = _normalized([decompositions[character][:-1] for character in composites], "NFC")
    return {
        start + decompositions[character][-1]: character
        for character, start in zip(composites, starts, strict=True)
    }

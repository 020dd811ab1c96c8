"""Dictionaries of words with counts, for the segmentation of `UnigramTokenizer`."""

import os
from importlib.util import find_spec
from pathlib import Path

from lstm_sentiment.checks import unreadable
from lstm_sentiment.errors import InvalidInputError

JIEBA = "jieba"


def load_word_counts(source: str | os.PathLike[str]) -> dict[str, int]:
    """Loads a dictionary in jieba's form: a word, a count and perhaps a part of speech a line.

    Source: `dict.txt` and the user dictionaries of fxsjy/jieba.

    Args:
        source: A UTF-8 file; or `jieba` for the dictionary of the installed package `jieba`.

    Returns:
        Counts by word, in the order of the file: 1 for a word without a count, the sum for a
        repeated word.

    Raises:
        InvalidInputError: If the file or package is missing, or a line breaks the form; the message
            begins with the path and the line.
    """
    path = _jieba_dictionary() if os.fspath(source) == JIEBA else Path(source)
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InvalidInputError(unreadable(path, error)) from error
    counts: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        fields = _fields(line, f"{path}:{number}")
        if fields:
            count = int(fields[1]) if len(fields) > 1 and fields[1].isdigit() else 1
            counts[fields[0]] = counts.get(fields[0], 0) + max(1, count)
    if not counts:
        raise InvalidInputError(f"{path}: must hold at least one word. Received: none.")
    return counts


def _fields(line: bytes, where: str) -> list[str]:
    """Splits a line into a word, and its count and part of speech if present."""
    try:
        fields = line.decode("utf-8-sig").split()
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{where}: words must be UTF-8. Received: {line!r}.") from error
    if len(fields) > 3 or (len(fields) == 3 and not fields[1].isdigit()):
        raise InvalidInputError(
            f"{where}: a line must hold a word, a count and perhaps a part of speech. "
            f"Received: {line.decode('utf-8-sig').strip()!r}."
        )
    return fields


def _jieba_dictionary() -> Path:
    found = find_spec(JIEBA)  # importing the package would take seconds
    if found is None or found.origin is None:
        raise InvalidInputError(
            "The dictionary `jieba` needs the package of that name: pip install jieba (or give the "
            "path of a file with a word and a count a line)."
        )
    return Path(found.origin).with_name("dict.txt")

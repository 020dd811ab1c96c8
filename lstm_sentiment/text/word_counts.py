"""Dictionaries of words with counts, for the segmentation of `UnigramTokenizer`.

They are read as jieba reads its own (fxsjy/jieba, `load_userdict` and `suggest_freq` in
`jieba/__init__.py`).
"""

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from lstm_sentiment.checks import unreadable
from lstm_sentiment.compressed import open_plain
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.first_bytes import START_BYTES, how_to_convert, recognize

JIEBA = "jieba"

Source = str | os.PathLike[str]

_LINE = re.compile(r"(?P<word>.+?)(?: (?P<count>[0-9]+))?(?: (?P<tag>[a-z]+|[A-Z][a-z]?g))?")
_MOST = 10**15


def load_word_counts(source: Source, *more: Source) -> dict[str, int]:
    """Loads a dictionary in jieba's form: a word a line, perhaps with a count and a part of speech.

    A word may hold spaces: the last number of a line and the lower-case letters after it are its
    count and its part of speech. A word with the count 0 is none.

    Args:
        source: A UTF-8 file, or `jieba` for the dictionary of the installed package `jieba`.
        more: Files that add to it, as user dictionaries of jieba do: their counts take the place
            of those before, and a word without a count gets one by which it is not cut. If `jieba`
            is among the sources, it comes first.

    Returns:
        Counts by word, in the order of the files. Of the first source, a word without a count has
        1, and a repeated word the sum.

    Raises:
        InvalidInputError: If a file or package is missing, or a line breaks the form; the message
            begins with the path and the line.
    """
    first, *others = sorted((source, *more), key=lambda one: os.fspath(one) != JIEBA)
    counts: dict[str, int] = {}
    for word, count in _words(_path(first)):
        counts[word] = counts.get(word, 0) + (1 if count is None else count)
    counts = {word: count for word, count in counts.items() if count}
    for other in others:
        _add(counts, list(_words(_path(other))))
    if not counts:
        raise InvalidInputError(
            f"{_path(first)}: must hold at least one word with a count above 0. Received: none."
        )
    return counts


def sources_of(dictionary: Source | Sequence[Source]) -> tuple[Source, ...]:
    """Returns one or several dictionaries as a tuple."""
    return (dictionary,) if isinstance(dictionary, str | os.PathLike) else tuple(dictionary)


def _path(source: Source) -> Path:
    return _jieba_dictionary() if os.fspath(source) == JIEBA else Path(source)


def _add(counts: dict[str, int], words: Sequence[tuple[str, int | None]]) -> None:
    """Adds a user dictionary to the words before it."""
    total, longest = sum(counts.values()), max(map(len, counts), default=0)
    for word, count in words:
        if count == 0:
            counts.pop(word, None)
        else:
            counts[word] = _uncut(word, counts, total, longest) if count is None else count


def _uncut(word: str, counts: Mapping[str, int], total: int, longest: int) -> int:
    """Returns the lowest count by which a word is likelier than any sequence of shorter ones."""
    best = [0.0, *[-math.inf] * len(word)]
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - longest), end):
            part = word[start:end]
            if part == word or (end - start > 1 and part not in counts):
                continue
            best[end] = max(best[end], best[start] + math.log(counts.get(part, 1) / total))
    return max(int(math.exp(best[-1]) * total) + 1, counts.get(word, 0))


def _words(path: Path) -> Iterator[tuple[str, int | None]]:
    """Yields the words of a file and their counts, `None` for a word without one."""
    try:
        with open_plain(path) as file:
            kind = recognize(file.peek(START_BYTES)[:START_BYTES])
            if kind is not None:
                raise InvalidInputError(
                    f"{path}: must be a dictionary in UTF-8, a word a line. "
                    f"Received: {kind.told(path)}."
                )
            for number, line in enumerate(file, start=1):
                fields = _decoded(line, path, number).split()
                if fields:
                    yield _entry(" ".join(fields), f"{path}:{number}")
    except OSError as error:
        raise InvalidInputError(unreadable(path, error)) from error


def _decoded(line: bytes, path: Path, number: int) -> str:
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"{path}:{number}: words must be UTF-8. Received: {line[:40]!r}. "
            f"{how_to_convert(line, path)}"
        ) from error


def _entry(line: str, where: str) -> tuple[str, int | None]:
    found = _LINE.fullmatch(line)
    assert found is not None  # the line has a character that is no space
    count = found["count"]
    if count is None:
        return found["word"], None
    if len(count) > len(str(_MOST)) or int(count) > _MOST:
        raise InvalidInputError(
            f"{where}: the count of a word must be at most {_MOST}. Received: {count[:40]}."
        )
    return found["word"], int(count)


def _jieba_dictionary() -> Path:
    found = find_spec(JIEBA)  # importing the package would take seconds
    if found is None or found.origin is None:
        raise InvalidInputError(
            "The dictionary `jieba` needs the package of that name: pip install jieba (or give the "
            "path of a file with a word and a count a line)."
        )
    return Path(found.origin).with_name("dict.txt")

"""Whether the cells of a TSV file stand in quotes, as programs write them, or quotes are text.

There are two kinds of TSV: corpora whose quotes are part of the text, and what spreadsheets,
pandas, Polars and R write, where a cell with a tab, a line break or a quote stands in quotes, and a
quote in it is doubled. The ending does not distinguish them, but the content does.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lstm_sentiment.text.corpus.text_encoding import TextEncoding
from lstm_sentiment.text.corpus.text_lines import TextLines

_FIELD = re.compile(r'(?:^|(?<=\t))"([^\t\r\n]*)')
_DOUBLED = re.compile(r'(?:[^"]|"")*""(?:[^"]|"")*"|"')
_BREAKS = re.compile(r"[\t\r\n]")


class TsvQuotes(NamedTuple):
    """What quotes are in a TSV file.

    Attributes:
        enclose: Whether they enclose cells; otherwise they are part of the text.
        doubtful_line: Where a cell of several lines ends, if quotes enclose cells, in a file that
            can be read either way; 0 if there is no doubt.
    """

    enclose: bool
    doubtful_line: int = 0


def tsv_quotes(path: Path, encoding: TextEncoding) -> TsvQuotes:
    """Reads a TSV file, if it is a regular file, and returns what its quotes are.

    Raises:
        InvalidInputError: If the file cannot be read.
    """
    if not path.is_file():
        return TsvQuotes(False)  # cannot be read twice
    header, doubled, leading = "", 0, 0
    for line in _lines(path, encoding):
        header = header or line.strip()
        if '"' in line:
            fields = _FIELD.findall(line)
            doubled += sum(_DOUBLED.fullmatch(field) is not None for field in fields)
            leading += len(fields)
    if not leading:
        return TsvQuotes(False)
    if all(name.startswith('"') for name in header.split("\t")):
        return TsvQuotes(True)
    first_break = _first_break(path, encoding)
    if first_break is None:  # some rows are malformed
        return TsvQuotes(2 * doubled > leading)
    if doubled or not first_break:
        return TsvQuotes(doubled > 0)
    tabs = header.count("\t")
    if all(line.count("\t") == tabs for line in _lines(path, encoding) if line.strip("\r\n")):
        return TsvQuotes(False, first_break)
    return TsvQuotes(True)


def _first_break(path: Path, encoding: TextEncoding) -> int | None:
    """Reads the file as one with quoted cells.

    Returns:
        The line on which the first row ends that has a tab or a line break in a cell, 0 if none
        has, or `None` if the file cannot be read so.
    """
    first, width = 0, 0
    rows = csv.reader(_lines(path, encoding), strict=True, delimiter="\t")
    try:
        for row in rows:
            width = width or len(row)
            if row and len(row) != width:
                return None
            if not first and any(map(_BREAKS.search, row)):
                first = rows.line_num
    except csv.Error:
        return None
    return first


def _lines(path: Path, encoding: TextEncoding) -> Iterator[str]:
    return TextLines(path, encoding, tolerant=True).universal()

"""Reading labelled texts from tables, such as CSV and Excel files, or a text file per class."""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from lstm_sentiment.checks import unreadable
from lstm_sentiment.compressed import content_suffix
from lstm_sentiment.encodings import AUTO
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.first_bytes import is_left_by_programs, it_is, recognize_name
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.bad_rows import BadRows
from lstm_sentiment.text.corpus.corpus import Corpus, Row
from lstm_sentiment.text.corpus.label_names import spelling_notes
from lstm_sentiment.text.corpus.record_files import TABLE_SUFFIXES, not_plain_text, read_records
from lstm_sentiment.unicode import replace_surrogates

_SUFFIXES = (*TABLE_SUFFIXES, ".txt")
_LEFT_ASIDE_SHOWN = 3

SCORED = ".scored."
"""The part before the format in names of files that `score` writes."""

_SCORED_NAME = re.compile(r".*\.scored\.(jsonl|csv|parquet|xlsx)")


def read_corpus(
    paths: Sequence[str | os.PathLike[str]],
    *,
    text_column: str = "text",
    label_column: str = "label",
    label_names: Sequence[str] | None = None,
    bad_rows: BadRows = "refuse",
    encoding: str = AUTO,
    progress: Progress = SILENT,
) -> Corpus:
    """Reads labelled texts from files.

    `.csv`, `.tsv`, `.jsonl`, `.parquet` and `.xlsx` files hold a column of texts and one of labels;
    of a workbook, the first sheet that holds data is read. A
    `.txt` file holds the texts of one class, one a line; the file's stem is the label. A folder
    stands for all such files in it, but for those whose names begin with a dot or `~$`. Each may
    be compressed by gzip, bzip2 or xz, as in `a.csv.gz`.

    One table gives the same corpus in every format: a missing text (null, NaN) is empty, numbers
    are texts as CSV holds them, and labels such as `1` and `1.0` are one class. Rows whose text and
    label are both empty are left out.

    Args:
        paths: Files or folders, whose rows are concatenated.
        text_column: Name of the column, or JSON key, of the texts.
        label_column: Name of the column, or JSON key, of the labels.
        label_names: The classes in id order, to match a trained model. `None` takes the labels
            that occur.
        bad_rows: `refuse` raises for files with malformed rows or rows without a label; `skip`
            leaves those rows out, unless most rows of a file are malformed.
        encoding: The encoding of the text files: `auto`, or a name such as `gb18030`, `big5` or
            `windows-1252`. A byte order mark decides before it. `auto` reads UTF-8, and simplified
            Chinese in GB18030, which is reported.
        progress: Reports the files of folders, the rows that are left out, files in GB18030, and
            labels that are spelled in several ways.

    Returns:
        All rows, duplicates included.

    Raises:
        InvalidInputError: If a file is missing, empty, of another kind or encoding, lacks a column
            or has a malformed row; the message begins with the path and the line, and counts such
            rows.
    """
    rows: list[Row] = []
    for file in files_of(paths, progress=progress):
        before = len(rows)
        records = read_records(
            file,
            text_column,
            label_column,
            bad_rows=bad_rows,
            encoding=encoding,
            progress=progress,
        )
        rows.extend(record[:2] for record in records)
        require_rows(file, len(rows) - before)
    tell_spellings({label for _, label in rows}, progress)
    return Corpus.from_rows(rows, label_names)


def tell_spellings(labels: Iterable[str], progress: Progress) -> None:
    """Reports labels that are spelled in several ways."""
    for note in spelling_notes(labels):
        progress.say(note)


def read_texts(
    path: str | os.PathLike[str],
    *,
    text_column: str = "text",
    bad_rows: BadRows = "refuse",
    encoding: str = AUTO,
    progress: Progress = SILENT,
) -> list[str]:
    """Reads texts without labels: a text a line, or the column `text_column` of a table.

    Args:
        path: A file of any kind that `read_corpus` reads, or a folder of such files. A file with
            another ending is read as plain text, but for `.json` and the like, which are refused.
        text_column: Name of the column, or JSON key, of the texts in a table.
        bad_rows: As of `read_corpus`.
        encoding: As of `read_corpus`.
        progress: Reports the files of a folder and the rows that are left out.

    Returns:
        The texts in order, with empty ones, so that answers can be matched by line.

    Raises:
        InvalidInputError: As `read_corpus`.
    """
    return [
        replace_surrogates(record.text)
        for file in files_of([path], plain=True, progress=progress)
        for record in read_records(
            file, text_column, None, bad_rows=bad_rows, encoding=encoding, progress=progress
        )
    ]


def split_lines(text: str) -> list[str]:
    """Splits a text at line feeds only, unlike `str.splitlines`."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines[:-1] if lines[-1] == "" else lines


def files_of(
    paths: Sequence[str | os.PathLike[str]],
    *,
    plain: bool = False,
    scored: bool = False,
    progress: Progress = SILENT,
) -> list[Path]:
    """Returns the files in `paths`, and the corpus files in its folders.

    Files of folders whose names begin with a dot or `~$` are left aside: operating systems and
    programs write them. So are the outputs of `score` beside the files that it scored: their texts
    would count twice, and with the labels that a model gave.

    Args:
        paths: Files or folders, or a single path.
        plain: Allows files with other endings, as plain text.
        scored: Keeps the outputs of `score` that a folder holds.
        progress: Reports the files that are left aside.

    Raises:
        InvalidInputError: If `paths` or a folder has no corpus file, or a file is of another kind.
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    if not paths:
        raise InvalidInputError("`paths` must name at least one file. Received: none.")
    return [file for path in paths for file in _expand(Path(path), plain, scored, progress)]


def _expand(path: Path, plain: bool, scored: bool, progress: Progress) -> list[Path]:
    if path.is_dir():
        files = _files_in(path, progress)
        return files if scored else _without_outputs(path, files, progress)
    if content_suffix(path) not in _SUFFIXES:
        if told := not_plain_text(path):
            raise InvalidInputError(f"{path}: {told}")
        if not plain:
            raise InvalidInputError(
                f"{path}: must be a {_suffixes()} file, or a folder of them.{it_is(path)}"
            )
        left = recognize_name(path.name)
        if left is not None:
            raise InvalidInputError(
                f"{path}: must be a file of texts. Received: {left.told(path)}."
            )
    return [path]


def _files_in(folder: Path, progress: Progress) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InvalidInputError(unreadable(folder, error)) from error
    aside = [entry for entry in entries if is_left_by_programs(entry.name) and entry.is_file()]
    files = [
        entry
        for entry in entries
        if content_suffix(entry) in _SUFFIXES and not is_left_by_programs(entry.name)
    ]
    if aside:
        progress.say(_left_aside(folder, aside, "whose names begin with a dot or ~$"))
    if not files:
        raise InvalidInputError(f"{folder}: holds no {_suffixes()} file.")
    return files


def _without_outputs(folder: Path, files: list[Path], progress: Progress) -> list[Path]:
    """Leaves the outputs of `score` out, unless a folder holds nothing else."""
    outputs = [file for file in files if is_scored(file.name)]
    if not outputs or len(outputs) == len(files):
        return files
    progress.say(_left_aside(folder, outputs, "that `score` wrote"))
    return [file for file in files if not is_scored(file.name)]


def _left_aside(folder: Path, aside: Sequence[Path], which: str) -> str:
    shown = ", ".join(entry.name for entry in aside[:_LEFT_ASIDE_SHOWN])
    more = ", ..." if len(aside) > _LEFT_ASIDE_SHOWN else ""
    files = "1 file" if len(aside) == 1 else f"{len(aside):,} files"
    return f"{folder}: left aside {files} {which} ({shown}{more})"


def is_scored(name: str) -> bool:
    """Returns whether a file has the name of an output of `score`."""
    return _SCORED_NAME.fullmatch(name) is not None


def require_rows(file: Path, rows: int) -> None:
    """Raises `InvalidInputError` if a file of a corpus has no rows."""
    if not rows:
        raise InvalidInputError(f"{file}: must hold at least one text. Received: none.")


def _suffixes() -> str:
    *most, last = _SUFFIXES
    return f"{', '.join(most)} or {last}"

"""Corpora larger than memory, whose texts stay in CSV, TSV, JSONL and plain text files."""

import os
from array import array
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from lstm_sentiment.compressed import content_suffix
from lstm_sentiment.encodings import AUTO
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import SILENT, Advance, Progress, muted_below
from lstm_sentiment.text.bad_rows import BadRows
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.file_index import FileIndexer
from lstm_sentiment.text.corpus.file_texts import FileTexts
from lstm_sentiment.text.corpus.label_names import label_ids
from lstm_sentiment.text.corpus.reading import files_of, require_rows, tell_spellings
from lstm_sentiment.text.corpus.record_files import RECORD_SUFFIXES, TABLE_SUFFIXES

_READING = "Reading texts"
# Read within a moment: a step that short is not worth a line.
_SHORT_BYTES = 2**20


def open_corpus(
    paths: Sequence[str | os.PathLike[str]],
    *,
    text_column: str = "text",
    label_column: str = "label",
    label_names: Sequence[str] | None = None,
    bad_rows: BadRows = "refuse",
    encoding: str = AUTO,
    progress: Progress = SILENT,
) -> Corpus:
    """Indexes labelled texts without loading them into memory.

    The corpus equals that of `read_corpus`, but holds 32 bytes for each text instead of the text:
    see `FileTexts`. The files are read once here and must not change afterwards. The arguments are
    those of `read_corpus`, but `.parquet` and `.xlsx` files are refused. Of a compressed file, and
    of text in UTF-16, a copy in UTF-8 is made in the folder for temporary files.

    Raises:
        InvalidInputError: As `read_corpus`, or if a file is not a regular file or has a record of
            1 GiB or more.
    """
    files = _streamable(files_of(paths, progress=progress))
    indexer = FileIndexer(
        text_column, label_column, bad_rows=bad_rows, encoding=encoding, progress=progress
    )
    numbers: dict[str, int] = {}
    labels = array("i")
    with _reading(files, progress) as advance:
        for file in files:
            before = len(labels)
            for label in indexer.add(file, advance):
                labels.append(numbers.setdefault(label, len(numbers)))
            require_rows(file, len(labels) - before)
    tell_spellings(numbers, progress)
    names, positions = label_ids(numbers, label_names)
    ids = np.array([positions[name] for name in numbers], np.int32)
    index = indexer.index()
    texts = FileTexts(index, np.arange(len(labels)))
    return Corpus(texts, array("i", ids[np.frombuffer(labels, np.int32)].tobytes()), names)


def open_texts(
    paths: Sequence[str | os.PathLike[str]],
    *,
    text_column: str = "text",
    bad_rows: BadRows = "refuse",
    encoding: str = AUTO,
    progress: Progress = SILENT,
) -> FileTexts:
    """Indexes texts without labels, without loading them into memory.

    Args:
        paths: Files or folders as in `read_texts`, but `.parquet` and `.xlsx`. Files may be
            empty.
        text_column: Name of the column, or JSON key, of the texts.
        bad_rows: As of `read_corpus`.
        encoding: As of `read_corpus`.
        progress: Reports the files of folders and the rows that are left out.

    Returns:
        The texts in order, empty ones included, without surrounding whitespace.

    Raises:
        InvalidInputError: As `open_corpus`.
    """
    files = files_of(paths, plain=True, progress=progress) if paths else []
    indexer = FileIndexer(
        text_column, None, bad_rows=bad_rows, encoding=encoding, progress=progress
    )
    with _reading(files, progress) as advance:
        texts = sum(1 for file in _streamable(files) for _ in indexer.add(file, advance))
    return FileTexts(indexer.index(), np.arange(texts))


def _reading(files: Sequence[Path], progress: Progress) -> AbstractContextManager[Advance]:
    # A file that is not there is reported where it is read.
    size = sum(file.stat().st_size for file in files if file.is_file())
    return muted_below(_SHORT_BYTES, size, progress).step(_READING, size)


def _streamable(files: Sequence[Path]) -> Sequence[Path]:
    for file in files:
        if content_suffix(file) in TABLE_SUFFIXES and content_suffix(file) not in RECORD_SUFFIXES:
            *most, last = RECORD_SUFFIXES
            raise InvalidInputError(
                f"{file}: texts can stay in {', '.join(most)} and {last} files only (`streaming`)."
            )
    return files

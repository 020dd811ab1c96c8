"""Flags of commands that evaluate versions on labelled texts."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lstm_sentiment.cli.options import BadRowsFlag, EncodingFlag, LabelColumn, TextColumn
from lstm_sentiment.encodings import AUTO
from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.version_folder import find_version

if TYPE_CHECKING:
    from lstm_sentiment.text.corpus.corpus import Corpus


@dataclass(frozen=True)
class TextsOrTestSet:
    """Flags of labelled texts, in the place of which the test set of a version is taken."""

    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE",
            help="Labelled texts: .csv, .tsv, .jsonl, .parquet or .xlsx; or a .txt file for each "
            "class, named after the class; or a folder of such files. Default: the test set of the "
            "run that made the version.",
            show_default=False,
        ),
    ] = None
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Another way to give FILE. May be repeated.",
            show_default=False,
        ),
    ] = None
    text_column: TextColumn = "text"
    label_column: LabelColumn = "label"
    bad_rows: BadRowsFlag = "refuse"
    encoding: EncodingFlag = AUTO

    def check_files(self) -> None:
        """Checks, before a version is looked for, that none was given as FILE.

        Raises:
            InvalidInputError: If one was.
        """
        for path in self.files or ():
            _refuse_versions(path)

    def read(self, version_dir: Path) -> "Corpus":
        """Reads the files; without any, the test set of the run that made the version.

        Raises:
            InvalidInputError: If a file cannot be read or breaks a rule, or there is no test set.
        """
        given = (*(self.files or ()), *(self.data or ()))
        if given:
            from lstm_sentiment.cli.console import TerminalProgress
            from lstm_sentiment.text.corpus.reading import read_corpus

            return read_corpus(
                given,
                text_column=self.text_column,
                label_column=self.label_column,
                bad_rows=self.bad_rows,
                encoding=self.encoding,
                progress=TerminalProgress(),
            )
        from lstm_sentiment.cli.console import say
        from lstm_sentiment.text.corpus.held_out import read_test_texts

        corpus, path = read_test_texts(version_dir)
        say(f"Texts: the test set of the run that made the version, {path}")
        return corpus


def _refuse_versions(path: Path) -> None:
    """Refuses a version, or a folder of versions, in the place of a file of texts."""
    try:
        find_version(path)
    except (ServableNotFoundError, OSError):
        return
    raise InvalidInputError(
        f"FILE must hold labelled texts. Received: {path}, which holds versions; give it as "
        f"`--model {path}`."
    )

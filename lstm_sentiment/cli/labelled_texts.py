"""Flags of commands that evaluate versions on labelled texts."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lstm_sentiment.cli.options import BadRowsFlag, LabelColumn, TextColumn

if TYPE_CHECKING:
    from lstm_sentiment.text.corpus.corpus import Corpus


@dataclass(frozen=True)
class LabelledTexts:
    """Flags of the files of labelled texts and of their columns."""

    data: Annotated[
        list[Path],
        typer.Option(
            help="Labelled texts that no version was trained on, such as a run's test.csv: .csv, "
            ".tsv, .jsonl, .parquet; or one .txt a class, named after the class; or a folder of "
            "them. May be repeated.",
            show_default=False,
        ),
    ]
    text_column: TextColumn = "text"
    label_column: LabelColumn = "label"
    bad_rows: BadRowsFlag = "refuse"

    def read(self) -> "Corpus":
        """Reads the files.

        Raises:
            InvalidInputError: If a file cannot be read or breaks a rule.
        """
        from lstm_sentiment.cli.console import TerminalProgress
        from lstm_sentiment.text.corpus.reading import read_corpus

        return read_corpus(
            self.data,
            text_column=self.text_column,
            label_column=self.label_column,
            bad_rows=self.bad_rows,
            progress=TerminalProgress(),
        )

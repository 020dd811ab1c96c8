"""Flags that `predict` and `explain` share: the texts, and the version to ask."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lstm_sentiment.cli.completion import offered_labels, offered_versions
from lstm_sentiment.cli.connection_options import AccessFlags
from lstm_sentiment.cli.engine_flags import EngineFlags
from lstm_sentiment.cli.options import BadTextRows, EncodingFlag
from lstm_sentiment.encodings import AUTO, codec_of, encoding_of
from lstm_sentiment.errors import InvalidInputError, LstmSentimentError, ServableNotFoundError
from lstm_sentiment.first_bytes import START_BYTES, UTF16, recognize
from lstm_sentiment.unicode import replace_surrogates
from lstm_sentiment.version_folder import find_version

if TYPE_CHECKING:
    from lstm_sentiment.client.predict_client import PredictClient
    from lstm_sentiment.versions.predictor import SavedModelPredictor
    from lstm_sentiment.versions.scoring.input_table import InputTable

DEFAULT_MODEL = Path("models/sentiment")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object per text.")]


STANDARD = Path("-")
"""Stands for standard input or output where a file is asked for."""


@dataclass(frozen=True)
class TextFlags:
    """Flags of the texts: given as arguments, in a file, or on standard input."""

    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT", help="Texts. Default: read one text per line from standard input."
        ),
    ] = None
    input_file: Annotated[
        Path | None,
        typer.Option(
            "--input",
            help="File of texts: a table (.csv, .tsv, .jsonl, .parquet, .xlsx), or one text per "
            "line. - for standard input.",
        ),
    ] = None
    text_column: Annotated[str, typer.Option(help="Column of the texts of a table.")] = "text"
    bad_rows: BadTextRows = "refuse"
    encoding: EncodingFlag = AUTO

    def read(self) -> list[str]:
        """Reads the texts.

        Raises:
            InvalidInputError: If there is no text, two sources are named, or a source cannot be
                read.
        """
        texts = self._read()
        if not texts:
            raise InvalidInputError("There must be at least one text. Received: none.")
        return texts

    def read_table(self) -> "InputTable":
        """Reads the texts with all columns of their rows.

        Raises:
            InvalidInputError: As `read`, or if a folder is given.
        """
        from lstm_sentiment.cli.console import TerminalProgress
        from lstm_sentiment.text.corpus.reading import files_of
        from lstm_sentiment.versions.scoring.input_table import InputTable

        path = self.input_file
        if self.texts or path is None or path == STANDARD:
            return InputTable.of_texts(self.read())
        if path.is_dir():
            raise InvalidInputError(
                "`--input` must be one file where `--output` is a table; `score FOLDER --format "
                f"csv` writes a table for each file. Received: the folder {path}."
            )
        files_of([path], plain=True)
        table = InputTable.of_file(
            path,
            text_column=self.text_column,
            bad_rows=self.bad_rows,
            encoding=self.encoding,
            progress=TerminalProgress(),
        )
        if not table.texts:
            raise InvalidInputError("There must be at least one text. Received: none.")
        return table

    def _read(self) -> list[str]:
        from lstm_sentiment.cli.console import TerminalProgress
        from lstm_sentiment.text.corpus.reading import read_texts, split_lines

        if self.texts and self.input_file is not None:
            raise InvalidInputError("Either TEXT or `--input` may be given. Received: both.")
        if self.texts:
            return [replace_surrogates(text) for text in self.texts]
        if self.input_file is None or self.input_file == STANDARD:
            return split_lines(_standard_input(self.encoding))
        return read_texts(
            self.input_file,
            text_column=self.text_column,
            bad_rows=self.bad_rows,
            encoding=self.encoding,
            progress=TerminalProgress(),
        )


@dataclass(frozen=True)
class Asked(EngineFlags, AccessFlags):
    """Flags of the version to ask: from a folder, in this process, or on a server."""

    model: Annotated[
        Path | None,
        typer.Option(
            help=f"A version's folder, or a folder of versions. Default: {DEFAULT_MODEL}."
        ),
    ] = None
    server: Annotated[
        str | None,
        typer.Option(help="Use a server instead of a folder: HOST:PORT of its gRPC, or unix:FILE."),
    ] = None
    model_name: Annotated[str, typer.Option(help="Name of the model on the server.")] = "sentiment"
    version: Annotated[
        int | None,
        typer.Option(
            help="Version on the server. Default: the highest.", autocompletion=offered_versions
        ),
    ] = None
    version_label: Annotated[
        str | None,
        typer.Option(
            "--version-label",
            "--label",
            help="Version label on the server, such as stable.",
            autocompletion=offered_labels,
        ),
    ] = None

    def check(self) -> None:
        """Checks the flags.

        Raises:
            InvalidInputError: If flags contradict one another, or as `access`.
        """
        self.check_server(self.server)
        if self.server is not None:
            if self.model is not None:
                raise InvalidInputError(
                    "Either `--model` or `--server` may be given. Received: both."
                )
            if self.engine != "auto":
                raise InvalidInputError(
                    "`--engine` needs `--model`: a server chooses its own engine. "
                    "Received: `--server`."
                )
            return
        if (self.version, self.version_label) != (None, None):
            raise InvalidInputError(
                "`--version` and `--version-label` need `--server`. Received: no `--server`."
            )

    def find(self) -> None:
        """Checks that the folder holds a version, and imports TensorFlow if it needs it.

        Raises:
            ServableNotFoundError: If it holds none.
            MissingExtraError: If TensorFlow is needed and not installed.
        """
        if self.server is None:
            self.prepare(find_version(self.model or DEFAULT_MODEL))

    @contextmanager
    def opened(self) -> "Iterator[PredictClient | SavedModelPredictor]":
        """Loads the version or connects to the server; either has `predict` and `explain`."""
        if self.server is None:
            from lstm_sentiment.cli.console import working

            with working("Loading the version"):
                predictor = self.load(self.model or DEFAULT_MODEL)
            yield predictor
            return
        from lstm_sentiment.client.predict_client import PredictClient

        access = self.access._asdict()
        with PredictClient(
            self.server,
            self.model_name,
            version=self.version,
            version_label=self.version_label,
            **access,
        ) as client:
            try:
                yield client
            except ServableNotFoundError as error:
                hint = _versions_there(PredictClient(self.server, self.model_name, **access))
                raise ServableNotFoundError(f"{str(error).rstrip('.')}. {hint}") from error


def _versions_there(client: "PredictClient") -> str:
    with client:
        try:
            statuses = client.model_status()
        except LstmSentimentError:
            return "`--model-name` must be the name of a model on this server."
    there = sorted(status.version for status in statuses if status.state == "AVAILABLE")
    return f"Versions that answer: {', '.join(map(str, there)) or 'none'}."


def in_batches(texts: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Yields batches of at most `size` texts."""
    for start in range(0, len(texts), size):
        yield texts[start : start + size]


def _standard_input(encoding: str) -> str:
    from lstm_sentiment.cli.console import tell
    from lstm_sentiment.text.corpus.text_encoding import decoded

    codec_of(encoding)
    content = sys.stdin.buffer.read()
    kind = recognize(content[:START_BYTES])
    if kind is not None and not (kind.encoding and encoding != AUTO) and kind != UTF16:
        raise InvalidInputError(f"Standard input must be text. Received: {kind.told('FILE')}.")
    try:
        text, codec = decoded(content, encoding)
    except UnicodeDecodeError as error:
        likely = encoding_of(content[error.start :][:START_BYTES])
        raise InvalidInputError(
            f"Standard input must be {error.encoding.upper()}. Received: byte "
            f"0x{error.object[error.start]:02x} at offset {error.start:,}. It may be {likely}: "
            f"read it with `--encoding {likely.lower()}`."
        ) from error
    if codec == "gb18030" and encoding == AUTO:
        tell("Standard input: read as GB18030, since it is not UTF-8")
    return text

"""`predict`: label and probabilities of texts, from a folder or from a server."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from lstm_sentiment.cli.connection_options import (
    NO_ACCESS,
    AuthTokenFile,
    SslCa,
    SslCertificate,
    SslPrivateKey,
    read_access,
)
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.predictor import prediction_record
from lstm_sentiment.text.corpus_files import read_texts, split_lines
from lstm_sentiment.text.unicode import replace_surrogates

if TYPE_CHECKING:
    from lstm_sentiment.client import PredictClient, Prediction

_TEXTS_A_REQUEST = 1_000
_TEXTS_AT_ONCE = 128


def predict(
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TEXT]...", help="Texts; without any, a text a line is read."),
    ] = None,
    input_file: Annotated[
        Path | None,
        typer.Option("--input", help="Texts: a text a line, or the column of a table."),
    ] = None,
    text_column: Annotated[str, typer.Option(help="Column of the texts of a table.")] = "text",
    output_file: Annotated[
        Path | None, typer.Option("--output", help="Write here instead of standard output.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="A version's folder, or a folder of versions. Default: models/sentiment."
        ),
    ] = None,
    server: Annotated[
        str | None, typer.Option(help="Ask a server instead: HOST:PORT of its gRPC.")
    ] = None,
    model_name: Annotated[str, typer.Option(help="Name of the model on the server.")] = "sentiment",
    version: Annotated[int | None, typer.Option(help="Version to ask the server for.")] = None,
    label: Annotated[str | None, typer.Option(help="Version label to ask the server for.")] = None,
    ssl_ca: SslCa = None,
    ssl_certificate: SslCertificate = None,
    ssl_private_key: SslPrivateKey = None,
    auth_token_file: AuthTokenFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a text.")] = False,
) -> None:
    """Print each text's label and probabilities.

    Example: python cli.py predict "房间很干净" --server localhost:8500
    """
    if model is not None and server is not None:
        raise InvalidInputError("Either `--model` or `--server` may be given. Received: both.")
    if server is None and (version is not None or label is not None):
        raise InvalidInputError(
            "`--version` and `--label` go with `--server`. Received: no `--server`."
        )
    access = read_access(ssl_ca, ssl_certificate, ssl_private_key, auth_token_file)
    if server is None and access != NO_ACCESS:
        raise InvalidInputError(
            "`--ssl-ca` and `--auth-token-file` go with `--server`. Received: no `--server`."
        )
    wanted = _texts(texts or [], input_file, text_column)
    if not wanted:
        raise InvalidInputError("There must be at least one text. Received: none.")
    from lstm_sentiment.cli.console import TerminalProgress, import_tensorflow
    from lstm_sentiment.progress import SILENT

    import_tensorflow()
    if server is not None:
        from lstm_sentiment.client import PredictClient

        client = PredictClient(server, model_name, version=version, label=label, **access._asdict())
        answers = _from_server(wanted, client)
    else:
        answers = _from_folder(wanted, model or Path("models/sentiment"))
    # A bar between the lines of standard output would only disturb them.
    progress = SILENT if output_file is None else TerminalProgress()
    with _output(output_file) as out, progress.step("Predicting", len(wanted)) as advance:
        for text, answer in zip(wanted, answers, strict=True):
            print(_line(text, answer, as_json), file=out)
            advance()


def _texts(given: list[str], input_file: Path | None, text_column: str) -> list[str]:
    if given and input_file is not None:
        raise InvalidInputError("Either TEXT or `--input` may be given. Received: both.")
    if given:
        return [replace_surrogates(text) for text in given]
    if input_file is not None:
        return read_texts(input_file, text_column=text_column)
    try:
        return split_lines(sys.stdin.buffer.read().decode())
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"Standard input must be UTF-8. Received: byte 0x{error.object[error.start]:02x} at "
            f"offset {error.start:,}."
        ) from error


def _from_folder(texts: Sequence[str], model: Path) -> Iterator["Prediction"]:
    from lstm_sentiment.predictor import SavedModelPredictor

    predictor = SavedModelPredictor(model)
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        yield from predictor.predict(texts[start : start + _TEXTS_AT_ONCE])


def _from_server(texts: Sequence[str], client: "PredictClient") -> Iterator["Prediction"]:
    with client:
        for start in range(0, len(texts), _TEXTS_A_REQUEST):
            yield from client.predict(texts[start : start + _TEXTS_A_REQUEST])


@contextmanager
def _output(path: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that appears only when it is whole."""
    if path is None:
        yield sys.stdout
        return
    beside = path.with_name(f".{path.name}.writing")
    try:
        with beside.open("w", encoding="utf-8") as file:
            yield file
        os.replace(beside, path)
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written: {error.strerror}.") from error
    finally:
        beside.unlink(missing_ok=True)


def _line(text: str, answer: "Prediction", as_json: bool) -> str:
    if not as_json:
        in_one_line = " ".join(text.split())
        return f"{answer.label}\t{answer.probabilities[answer.classification]:.4f}\t{in_one_line}"
    return json.dumps(prediction_record(text, answer), ensure_ascii=False)

"""`predict`: labels and probabilities of texts, from a version on disk or from a server."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from lstm_sentiment.cli import question_options as options
from lstm_sentiment.cli.flag_groups import takes_flag_groups
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.system import write_whole
from lstm_sentiment.unicode import escaped_controls, escaped_line

if TYPE_CHECKING:
    from lstm_sentiment.client.predict_client import Prediction

_TEXTS_A_REQUEST = 1_000
_TEXTS_AT_ONCE = 128


@takes_flag_groups
def predict(
    asked: options.Asked,
    texts: options.TextFlags,
    output_file: Annotated[
        Path | None,
        typer.Option(
            "--output",
            help="Write here instead of standard output; a .jsonl file is written as by --json.",
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Print each text's label and probabilities.

    Example: python cli.py predict "房间很干净" --server localhost:8500
    """
    asked.check()
    if output_file == options.STANDARD:
        output_file = None
    as_json = as_json or (output_file is not None and output_file.suffix.lower() == ".jsonl")
    wanted = texts.read()
    asked.find()
    from lstm_sentiment.cli.console import beside_output

    size = _TEXTS_AT_ONCE if asked.server is None else _TEXTS_A_REQUEST
    progress = beside_output(output_file)
    with (
        _output(output_file) as out,
        asked.opened() as version_asked,
        progress.step("Predicting", len(wanted)) as advance,
    ):
        for batch in options.in_batches(wanted, size):
            for text, answer in zip(batch, version_asked.predict(batch), strict=True):
                print(_line(text, answer, as_json), file=out)
            advance(len(batch))


@contextmanager
def _output(path: Path | None) -> Iterator[TextIO]:
    """Opens standard output, or a file that appears when it is complete."""
    if path is None:
        yield sys.stdout
        return
    try:
        with write_whole(path) as file:
            out = TextIOWrapper(file, encoding="utf-8")
            yield out
            out.flush()
            out.detach()
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written: {error.strerror}.") from error


def _line(text: str, answer: "Prediction", as_json: bool) -> str:
    if not as_json:
        in_one_line = " ".join(text.split())
        probability = f"{answer.probabilities[answer.classification]:.4f}"
        return f"{escaped_line(answer.label)}\t{probability}\t{escaped_controls(in_one_line)}"
    from lstm_sentiment.versions.predictor import prediction_record

    return json.dumps(prediction_record(text, answer), ensure_ascii=False)

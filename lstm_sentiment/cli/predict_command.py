"""`predict`: labels and probabilities of texts, from a version on disk or from a server."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from lstm_sentiment.cli import question_options as options
from lstm_sentiment.cli.flag_groups import takes_flag_groups
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.system import write_whole
from lstm_sentiment.unicode import escaped_controls, escaped_line

if TYPE_CHECKING:
    from lstm_sentiment.client.predict_client import PredictClient
    from lstm_sentiment.predictions import Prediction
    from lstm_sentiment.versions.predictor import SavedModelPredictor
    from lstm_sentiment.versions.scoring.input_table import InputTable
    from lstm_sentiment.versions.scoring.table_files import TableFormat

    Version = PredictClient | SavedModelPredictor

_TEXTS_A_REQUEST = 1_000
_TEXTS_AT_ONCE = 128
_ROWS_AT_ONCE = 1_024
_OTHER_WORKBOOKS = (".xls", ".xlsm", ".xlsb", ".xltx", ".ods", ".et", ".numbers")


@takes_flag_groups
def predict(
    asked: options.Asked,
    texts: options.TextFlags,
    output_file: Annotated[
        Path | None,
        typer.Option(
            "--output",
            help="Write to this file instead of standard output. .csv, .xlsx and .parquet get the "
            "columns of --input, predicted_label, and probability_CLASS for each class; .jsonl "
            "gets the lines of --json; others get the lines that are printed.",
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Classify texts: print each text's label and its probability.

    With an --output that ends in .csv, .xlsx or .parquet, write a table: all
    columns of the input file, the label, and the probability of each class.

    Example: python cli.py predict "房间很干净" --model models/sentiment

    Example: python cli.py predict --input reviews.csv --text-column review --output labelled.csv
    """
    asked.check()
    if output_file == options.STANDARD:
        output_file = None
    suffix = "" if output_file is None else output_file.suffix.lower()
    table_format = _table_format(suffix, as_json)
    if table_format is not None and output_file is not None:
        _predict_table(asked, texts.read_table(), output_file, table_format)
        return
    as_json = as_json or suffix == ".jsonl"
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
        names: Sequence[str] = ()
        for batch in options.in_batches(wanted, size):
            answers = version_asked.predict(batch)
            if as_json and not names:
                names = _class_names(version_asked, answers)
            for text, answer in zip(batch, answers, strict=True):
                print(_json(text, answer, names) if as_json else _line(text, answer), file=out)
            advance(len(batch))


def _table_format(suffix: str, as_json: bool) -> "TableFormat | None":
    """Returns the format of a table with such an ending, if there is one and it can be written."""
    from lstm_sentiment.versions.scoring.table_files import TableFormat, check_format

    for table_format in get_args(TableFormat):
        if suffix == f".{table_format}" and suffix != ".jsonl":
            if as_json:
                raise InvalidInputError(
                    "`--json` needs an `--output` that ends in .jsonl, or none. Received: "
                    f"{suffix}."
                )
            check_format(table_format)
            found: TableFormat = table_format
            return found
    if suffix in _OTHER_WORKBOOKS:
        raise InvalidInputError(f"`--output` of a workbook must end in .xlsx. Received: {suffix}.")
    return None


def _predict_table(
    asked: options.Asked, table: "InputTable", path: Path, table_format: "TableFormat"
) -> None:
    """Writes the rows of the input with their predictions."""
    asked.find()
    from lstm_sentiment.cli.console import TerminalProgress
    from lstm_sentiment.versions.scoring.scored_table import ScoredTable

    size = _ROWS_AT_ONCE if asked.server is None else _TEXTS_A_REQUEST
    rows, scored = table.rows(), None
    with (
        _binary(path) as file,
        ExitStack() as opened_files,
        asked.opened() as version_asked,
        TerminalProgress().step("Predicting", table.texts) as advance,
    ):
        while batch := list(islice(rows, size)):
            answers = _predictions(version_asked, [row.text for row in batch])
            if scored is None:
                names = _class_names(version_asked, answers)
                scored = ScoredTable(file, table_format, table, names)
                opened_files.callback(scored.close)
            scored.write(batch, answers)
            advance(len(batch))
        if scored is not None:
            scored.finish()


def _predictions(version_asked: "Version", texts: Sequence[str]) -> "list[Prediction]":
    from lstm_sentiment.versions.predictor import SavedModelPredictor
    from lstm_sentiment.versions.scoring.shard import predict_sorted

    if isinstance(version_asked, SavedModelPredictor):
        return predict_sorted(version_asked, texts)
    return version_asked.predict(texts)


def _class_names(version_asked: "Version", answers: "Sequence[Prediction]") -> Sequence[str]:
    from lstm_sentiment.versions.scoring.columns import class_names

    return class_names(version_asked, answers)


@contextmanager
def _output(path: Path | None) -> Iterator[Any]:
    """Opens standard output, or a file that appears when it is complete."""
    if path is None:
        yield sys.stdout
        return
    with _binary(path) as file:
        out = TextIOWrapper(file, encoding="utf-8")
        yield out
        out.flush()
        out.detach()


@contextmanager
def _binary(path: Path) -> Iterator[Any]:
    try:
        with write_whole(path) as file:
            yield file
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written: {error.strerror}.") from error


def _line(text: str, answer: "Prediction") -> str:
    in_one_line = " ".join(text.split())
    probability = f"{answer.probabilities[answer.classification]:.4f}"
    return f"{escaped_line(answer.label)}\t{probability}\t{escaped_controls(in_one_line)}"


def _json(text: str, answer: "Prediction", names: Sequence[str]) -> str:
    from lstm_sentiment.versions.scoring.columns import prediction_record

    return json.dumps(prediction_record(text, answer, names), ensure_ascii=False)

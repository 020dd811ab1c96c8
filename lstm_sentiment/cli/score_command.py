"""`score`: scores a folder of texts, each file into its own output, on one machine or many."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lstm_sentiment.cli.engine_flags import EngineFlags
from lstm_sentiment.cli.options import AsJson, BadTextRows, EncodingFlag, ModelFolder, TextColumn
from lstm_sentiment.cli.results import print_json, print_rows
from lstm_sentiment.encodings import AUTO
from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.version_folder import find_version

if TYPE_CHECKING:
    from lstm_sentiment.versions.scoring.score import ScoreResult


def score(
    input_path: Annotated[
        Path,
        typer.Argument(metavar="INPUT", help="A folder of files of texts, or one file."),
    ],
    model: ModelFolder = Path("models/sentiment"),
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of the outputs. Default: beside each file.",
            show_default=False,
        ),
    ] = None,
    text_column: TextColumn = "text",
    bad_rows: BadTextRows = "refuse",
    encoding: EncodingFlag = AUTO,
    table_format: Annotated[
        Literal["csv", "jsonl", "parquet", "xlsx"] | None,
        typer.Option(
            "--format",
            help="Write tables: the columns of each file, predicted_label, and probability_CLASS "
            "for each class. Default: JSON Lines of texts and predictions alone.",
            show_default=False,
        ),
    ] = None,
    engine: Annotated[
        Literal["auto", "light", "tensorflow", "local", "ray"],
        typer.Option(
            help="What computes the answers. light, tensorflow and auto: as for predict, in this "
            "process. ray: as auto, on many CPUs or machines. local: an older name of auto."
        ),
    ] = "auto",
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Number of Ray workers, one CPU each. Default: all CPUs of the cluster.",
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="A",
            help="Address of a running Ray cluster: HOST:PORT, ray://HOST:PORT or auto. Default: "
            "start one on this machine for the run.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Score files again that have a newer output.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Classify the texts of one file, or of all files in a folder.

    Each .csv, .tsv, .jsonl, .parquet, .xlsx or .txt file gets its own output:
    with --format, a table of all its columns, the label and the probability of
    each class; otherwise one JSON object for each text, in order, as predict
    --json prints them. The output of reviews.csv has a name such as
    reviews.csv.sentiment-3-5e0c1a7f.scored.csv: the model's name and version,
    and eight digits of a hash of the model's files, the column and the format.

    A file with a newer output is skipped, so the same command continues where
    it was stopped. A bad file does not stop the others from being scored; it
    is reported in the end, and the exit code is 2.

    The engine ray needs the extra `ray`; all machines must see model, files
    and outputs under the same paths.

    Example: python cli.py score reviews/ --text-column review --format csv

    Example: python cli.py score shards/ --engine ray --workers 8
    """
    from lstm_sentiment.versions.scoring.score import check_engine, find_shards, local_engine
    from lstm_sentiment.versions.scoring.score import score as score_shards
    from lstm_sentiment.versions.scoring.table_files import check_format

    check_engine(engine, workers, address)
    if table_format is not None:
        check_format(table_format)
    from lstm_sentiment.cli.console import TerminalProgress

    progress = TerminalProgress()
    shards = find_shards(input_path, progress)
    if engine != "ray":
        with suppress(ServableNotFoundError):  # told by `score`
            EngineFlags(local_engine(engine)).prepare(find_version(model))
    result = score_shards(
        shards,
        model,
        output_dir=output,
        text_column=text_column,
        engine=engine,
        workers=workers,
        address=address,
        force=force,
        bad_rows=bad_rows,
        encoding=encoding,
        table_format=table_format,
        progress=progress,
    )
    if as_json:
        print_json(result.to_dict())
    else:
        _print_result(result)
    _tell_failures(result)


def _print_result(result: "ScoreResult") -> None:
    rows = {
        "files": f"{len(result.scored):,} scored, {len(result.skipped):,} skipped, "
        f"{len(result.failed):,} failed",
        "texts": f"{result.texts:,}",
        "speed": f"{result.texts_per_second:,.0f} texts a second",
        "time": f"{result.seconds:.1f} s",
        "version": result.version_dir,
        "outputs": result.outputs,
    }
    print_rows(rows.items())


def _tell_failures(result: "ScoreResult") -> None:
    from lstm_sentiment.cli.console import tell

    for shard in result.failed:
        tell(f"failed: {shard.reason}")
    if result.failed:
        raise InvalidInputError(
            f"Each file must be scored. Received: {len(result.failed):,} of {result.shards:,} "
            "that failed, for the reasons above; run the same command again to retry them."
        )

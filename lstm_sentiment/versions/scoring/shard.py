"""Scores one file of texts into one output."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from lstm_sentiment.encodings import AUTO
from lstm_sentiment.errors import InvalidInputError, LstmSentimentError, ServableUnavailableError
from lstm_sentiment.light_twin.description import has_light_twin
from lstm_sentiment.predictions import Prediction
from lstm_sentiment.progress import SILENT, Progress, SilentProgress, ignore
from lstm_sentiment.serving.loading.options import Engine
from lstm_sentiment.system import write_whole
from lstm_sentiment.text.bad_rows import BadRows
from lstm_sentiment.text.corpus.record_files import TextRow, read_records
from lstm_sentiment.unicode import replace_surrogates
from lstm_sentiment.versions.predictor import SavedModelPredictor
from lstm_sentiment.versions.scoring.columns import class_names
from lstm_sentiment.versions.scoring.input_table import InputTable
from lstm_sentiment.versions.scoring.scored_table import ScoredFile, ScoredRecords, ScoredTable
from lstm_sentiment.versions.scoring.table_files import TableFormat

WINDOW = 4_096
"""Texts in memory at a time."""

_BATCH_SIZE = 128


@dataclass(frozen=True)
class ShardJob:
    """The file of texts, `shard`, and the file to write, `output`, of one call of a scorer."""

    shard: Path
    output: Path


@dataclass(frozen=True)
class ScoredShard:
    """A file of texts with a complete output; `left_out` names rows that were left out."""

    shard: Path
    output: Path
    texts: int
    left_out: str = ""


@dataclass(frozen=True)
class FailedShard:
    """A file of texts without an output; `reason` is one line that begins with the file's path."""

    shard: Path
    reason: str


Outcome = ScoredShard | FailedShard


def failed(job: ShardJob, reason: str) -> FailedShard:
    """Returns the outcome of a failed job, with its reason in one line."""
    reason = " ".join(reason.split())
    return FailedShard(
        job.shard, reason if reason.startswith(str(job.shard)) else f"{job.shard}: {reason}"
    )


class ShardScorer:
    """Scores shards with a version that is loaded once."""

    def __init__(
        self,
        version_dir: Path,
        text_column: str,
        bad_rows: BadRows = "refuse",
        *,
        encoding: str = AUTO,
        table_format: TableFormat | None = None,
        engine: Engine = "auto",
        one_cpu: bool = False,
    ) -> None:
        """Loads the version.

        Args:
            version_dir: The version's folder.
            text_column: Column or JSON key of the texts.
            bad_rows: What to do with malformed rows, as of `read_corpus`.
            encoding: Encoding of text files, as of `read_corpus`.
            table_format: As of `score_shard`.
            engine: See `SavedModelPredictor`.
            one_cpu: Whether to limit TensorFlow, in this whole process, to one CPU and no GPU.

        Raises:
            ServableUnavailableError: If the version cannot be loaded, or cannot answer.
        """
        if one_cpu and not has_light_twin(version_dir):
            _keep_tensorflow_to_one_cpu()
        self._text_column, self._bad_rows, self._encoding = text_column, bad_rows, encoding
        self._table_format = table_format
        self._predictor = SavedModelPredictor(version_dir, engine=engine)
        try:
            self._predictor.predict([""])
        except LstmSentimentError as error:  # reported once, not for every shard
            raise ServableUnavailableError(
                f"{version_dir}: must answer through the signature `text`. Received: {error}"
            ) from error

    def __call__(self, job: ShardJob, advance: Callable[[int], None] = ignore) -> Outcome:
        """Scores one shard, see `score_shard`."""
        said = _Said()
        try:
            texts = score_shard(
                job.shard,
                job.output,
                self._predictor,
                text_column=self._text_column,
                bad_rows=self._bad_rows,
                encoding=self._encoding,
                table_format=self._table_format,
                progress=said,
                advance=advance,
            )
        except Exception as error:
            # Any error, even of memory, fails this shard alone.
            return failed(job, str(error) or type(error).__name__)
        return ScoredShard(job.shard, job.output, texts, "; ".join(said.messages))


class _Said(SilentProgress):
    """Keeps the messages, since nobody sees a worker's own output."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def say(self, message: str) -> None:
        self.messages.append(message)


def _keep_tensorflow_to_one_cpu() -> None:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    # Otherwise each worker process would reserve all memory of the GPU.
    tf.config.set_visible_devices([], "GPU")


def score_shard(
    shard: Path,
    output: Path,
    predictor: SavedModelPredictor,
    *,
    text_column: str = "text",
    window: int = WINDOW,
    bad_rows: BadRows = "refuse",
    encoding: str = AUTO,
    table_format: TableFormat | None = None,
    progress: Progress = SILENT,
    advance: Callable[[int], None] = ignore,
) -> int:
    """Scores one shard.

    The output appears once it is complete and on disk. Without `table_format` it is JSON Lines: for
    each text, in order, an object of `text`, `label`, `classification` and `probabilities`, as
    `predict --json` prints them. A shard without texts has an empty output.

    Args:
        shard: A file of any kind that `read_texts` takes.
        output: The file to write.
        predictor: The version.
        text_column: Column or JSON key of the texts.
        window: Number of texts in memory at a time.
        bad_rows: What to do with malformed rows, as of `read_corpus`.
        encoding: Encoding of text files, as of `read_corpus`.
        table_format: Format of a table with the shard's columns and those of `added_columns`.
        progress: Reports how many rows are left out.
        advance: Called with the number of texts that were scored since the last call.

    Returns:
        Number of texts.

    Raises:
        InvalidInputError: If the shard breaks a rule of `read_texts` or changed meanwhile, or the
            output cannot be written.
        LstmSentimentError: If the version cannot answer.
    """
    before, count = _stamp(shard), 0
    table = None
    if table_format is not None:
        table = InputTable.of_file(
            shard, text_column=text_column, bad_rows=bad_rows, encoding=encoding, progress=progress
        )
        rows = table.rows()
    else:
        records = read_records(
            shard, text_column, None, bad_rows=bad_rows, encoding=encoding, progress=progress
        )
        rows = (TextRow(replace_surrogates(record.text), {}) for record in records)

    def opened(file: BinaryIO, answers: Sequence[Prediction]) -> ScoredFile:
        names = class_names(predictor, answers)
        if table is None or table_format is None:
            return ScoredRecords(file, names)
        return ScoredTable(file, table_format, table, names)

    try:
        with write_whole(output) as file, ExitStack() as opened_files:
            scored: ScoredFile | None = None
            while batch := list(islice(rows, window)):
                answers = predict_sorted(predictor, [row.text for row in batch])
                if scored is None:
                    scored = opened(file, answers)
                    opened_files.callback(scored.close)
                scored.write(batch, answers)
                count += len(batch)
                advance(len(batch))
            scored = scored or opened(file, ())
            scored.finish()
            if _stamp(shard) != before:
                raise InvalidInputError(f"{shard}: must not change while it is scored.")
    except OSError as error:
        raise InvalidInputError(f"{output}: cannot be written: {error.strerror}.") from error
    return count


def predict_sorted(predictor: SavedModelPredictor, texts: Sequence[str]) -> list[Prediction]:
    """Classifies texts, at least one, in batches of similar length, which saves padding."""
    by_length = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    answers = predictor.predict([texts[index] for index in by_length], batch_size=_BATCH_SIZE)
    in_order = sorted(zip(by_length, answers, strict=True), key=lambda pair: pair[0])
    return [answer for _, answer in in_order]


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size

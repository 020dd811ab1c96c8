"""Scores folders of texts with an exported version; each file is a shard with its own output."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

from lstm_sentiment.checks import one_of, positive
from lstm_sentiment.encodings import AUTO, codec_of
from lstm_sentiment.errors import (
    InvalidInputError,
    LstmSentimentError,
    ServableUnavailableError,
)
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.serving.loading.options import Engine
from lstm_sentiment.text.bad_rows import BadRows
from lstm_sentiment.text.corpus.reading import SCORED, files_of, is_scored
from lstm_sentiment.text.corpus.record_files import read_records
from lstm_sentiment.version_folder import find_version, graph_file
from lstm_sentiment.versions.scoring.on_ray import map_on_ray, require_ray
from lstm_sentiment.versions.scoring.shard import (
    FailedShard,
    Outcome,
    ScoredShard,
    ShardJob,
    ShardScorer,
    failed,
)
from lstm_sentiment.versions.scoring.table_files import TableFormat, check_format

ScoreEngine = Literal["auto", "light", "tensorflow", "local", "ray"]
"""`local` is the name of `auto` in earlier releases."""

OUTPUT_SUFFIX = f"{SCORED}jsonl"
"""The end of the name of an output of records; no shard ends so."""


@dataclass(frozen=True)
class ScoreResult:
    """The outcome of a scoring run.

    Attributes:
        version_dir: The version's folder.
        outputs: Pattern of the outputs' paths.
        scored: The shards scored by this run, sorted by path.
        skipped: The shards scored by an earlier run, sorted by path.
        failed: The shards that could not be scored, sorted by path.
        seconds: Wall-clock time, including the start of workers and the loading of the model.
    """

    version_dir: Path
    outputs: str
    scored: tuple[ScoredShard, ...]
    skipped: tuple[ShardJob, ...]
    failed: tuple[FailedShard, ...]
    seconds: float

    @property
    def shards(self) -> int:
        """Number of all shards."""
        return len(self.scored) + len(self.skipped) + len(self.failed)

    @property
    def texts(self) -> int:
        """Number of texts scored by this run."""
        return sum(shard.texts for shard in self.scored)

    @property
    def texts_per_second(self) -> float:
        """Texts scored by this run per second of wall-clock time."""
        return self.texts / self.seconds if self.seconds else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Returns the result as `score --json` prints it."""
        return {
            "version_dir": str(self.version_dir),
            "outputs": self.outputs,
            "shards": self.shards,
            "scored": len(self.scored),
            "skipped": len(self.skipped),
            "failed": [{**asdict(shard), "shard": str(shard.shard)} for shard in self.failed],
            "texts": self.texts,
            "seconds": round(self.seconds, 1),
            "texts_per_second": round(self.texts_per_second, 1),
        }


def find_shards(path: str | os.PathLike[str], progress: Progress = SILENT) -> list[Path]:
    """Lists the files of texts in a folder, sorted.

    Args:
        path: A folder, of which the `.csv`, `.tsv`, `.jsonl`, `.parquet`, `.xlsx` and `.txt` files
            are taken, compressed or not, without subfolders, outputs and files whose names begin
            with a dot or `~$`. Or one file of any name, which is one shard.
        progress: Reports the files that are left aside.

    Raises:
        InvalidInputError: If there is none, or `path` is itself an output.
    """
    path = Path(path)
    if not path.is_dir():
        if is_scored(path.name):
            raise InvalidInputError(f"{path}: must be a file of texts. Received: an output.")
        if not path.is_file():
            raise InvalidInputError(f"{path}: must be a folder or a file. Received: neither.")
        return [path]
    shards = [file for file in files_of([path], scored=True, progress=progress) if _is_shard(file)]
    if not shards:
        raise InvalidInputError(f"{path}: must hold files of texts. Received: outputs alone.")
    return shards


def _is_shard(file: Path) -> bool:
    return not is_scored(file.name) and file.is_file()


def score(
    shards: Sequence[str | os.PathLike[str]],
    model_dir: str | os.PathLike[str],
    *,
    output_dir: str | os.PathLike[str] | None = None,
    text_column: str = "text",
    engine: ScoreEngine = "auto",
    workers: int | None = None,
    address: str | None = None,
    force: bool = False,
    bad_rows: BadRows = "refuse",
    encoding: str = AUTO,
    table_format: TableFormat | None = None,
    progress: Progress = SILENT,
) -> ScoreResult:
    """Scores shards, in this process or on many machines, each into its own output.

    The output of `reviews.csv` is `reviews.csv.sentiment-3-5e0c1a7f.scored.jsonl`: the base path's
    name, the version, and eight digits of a hash of the model's files, the text column and the
    format. See `score_shard` for its content. With `table_format`, the name ends in `.scored.csv`
    and the like.

    A shard with a newer output is skipped, so the same call continues a killed run and loses only
    the shards in progress. Another model, version, text column or format has other outputs. A bad
    shard does not stop the others from being scored.

    Args:
        shards: Files, see `find_shards`.
        model_dir: A version's folder, or a servable's base path, of which the highest version is
            taken.
        output_dir: Folder of the outputs, created if missing. `None` writes each output beside its
            shard.
        text_column: Column or JSON key of the texts.
        engine: `auto`, `light` and `tensorflow` score in this process, see `SavedModelPredictor`.
            `ray` scores as `auto` on workers of one CPU each, see `map_on_ray`; all must see model,
            shards and outputs under the same paths. `local` is an older name of `auto`.
        workers: Number of workers for `ray`. `None` takes one for each CPU of the cluster.
        address: Address of a running Ray cluster. `None` starts one on this machine for the call.
        force: Whether to score shards again that have a newer output.
        bad_rows: `refuse` fails a shard with a malformed row; `skip` leaves such rows out, unless
            most rows of a shard are malformed. Their texts are missing in the output.
        encoding: Encoding of text files, as of `read_corpus`.
        table_format: `csv`, `jsonl`, `parquet` or `xlsx` writes the columns of the shards with
            `predicted_label` and `probability_CLASS` of each class; `None`, JSON Lines of the texts
            and their predictions alone.
        progress: Shows how many texts are scored.

    Returns:
        The shards that were scored, skipped and failed.

    Raises:
        InvalidInputError: If an argument breaks a rule, an output folder cannot be written, Ray is
            not installed, or there is no cluster at `address`. Not for a bad shard.
        ServableNotFoundError: If there is no version.
        ServableUnavailableError: If the version cannot be loaded, or Ray cannot be started.
    """
    started = time.monotonic()
    one_of(get_args(BadRows), bad_rows=bad_rows)
    codec_of(encoding)
    if table_format is not None:
        one_of(get_args(TableFormat), table_format=table_format)
        check_format(table_format)
    check_engine(engine, workers, address)
    version_dir = find_version(Path(model_dir))
    jobs = _jobs(shards, output_dir, output_suffix(version_dir, text_column, table_format))
    skipped = [] if force else [job for job in jobs if _is_scored(job)]
    if skipped:
        progress.say(
            f"Skipped {len(skipped):,} of {len(jobs):,} files, whose outputs are newer than they "
            "are (`force` scores them again)"
        )
    todo = sorted(set(jobs).difference(skipped), key=lambda job: job.shard)
    make = partial(
        ShardScorer,
        version_dir.absolute(),
        text_column,
        bad_rows,
        encoding=encoding,
        table_format=table_format,
        engine=local_engine(engine),
        one_cpu=engine == "ray",
    )
    outcomes: list[Outcome] = []
    if todo:
        texts = _count_texts(todo, text_column, bad_rows, encoding, progress)
        with progress.step("Scoring", max(1, sum(texts.values()))) as advance:
            done = 0

            def count(number: int) -> None:
                nonlocal done
                done += number
                advance(number)

            for outcome in _map(make, todo, engine, workers, address, count):
                outcomes.append(outcome)
                advance(texts[outcome.shard.name] - done, status=outcome.shard.name)
                done = 0
                if isinstance(outcome, ScoredShard) and outcome.left_out:
                    progress.say(outcome.left_out)
    outcomes.sort(key=lambda outcome: outcome.shard)
    return ScoreResult(
        version_dir=version_dir,
        outputs=_pattern(jobs),
        scored=tuple(shard for shard in outcomes if isinstance(shard, ScoredShard)),
        skipped=tuple(skipped),
        failed=tuple(shard for shard in outcomes if isinstance(shard, FailedShard)),
        seconds=time.monotonic() - started,
    )


def _count_texts(
    jobs: Sequence[ShardJob],
    text_column: str,
    bad_rows: BadRows,
    encoding: str,
    progress: Progress,
) -> dict[str, int]:
    """Returns the number of texts of each shard, by the shard's name; 0 for one that is bad."""
    counts = {}
    with progress.step("Counting texts", len(jobs)) as advance:
        for shard in (job.shard for job in jobs):
            counts[shard.name] = 0
            if shard.is_file():
                with suppress(LstmSentimentError):
                    counts[shard.name] = sum(
                        1
                        for _ in read_records(
                            shard, text_column, None, bad_rows=bad_rows, encoding=encoding
                        )
                    )
            advance(1, status=shard.name)
    return counts


def check_engine(engine: str, workers: int | None, address: str | None) -> None:
    """Checks arguments of `score` before TensorFlow is imported.

    Raises:
        InvalidInputError: If an argument breaks a rule, or Ray is needed and not installed.
    """
    one_of(get_args(ScoreEngine), engine=engine)
    if engine != "ray" and (workers is not None or address is not None):
        raise InvalidInputError(
            f"`workers` and `address` need the engine `ray`. Received: engine {engine!r}."
        )
    positive(workers=workers)
    if engine == "ray":
        require_ray()


def local_engine(engine: ScoreEngine) -> Engine:
    """Returns the engine that computes the answers in each process."""
    return "auto" if engine == "local" or engine == "ray" else engine


def output_suffix(
    version_dir: Path, text_column: str, table_format: TableFormat | None = None
) -> str:
    """Returns the end of an output's file name: `.sentiment-3-5e0c1a7f.scored.jsonl`.

    Raises:
        ServableUnavailableError: If the version's folder does not hold a readable SavedModel.
    """
    folder = version_dir.resolve()
    digest = hashlib.sha256(text_column.encode("utf-8", "surrogatepass"))
    # The index holds a checksum of each weight.
    files = [graph_file(folder).name, "variables/variables.index"]
    files += sorted(f"assets/{file.name}" for file in folder.glob("assets/*") if file.is_file())
    try:
        for name in files:
            if name == files[0] or (folder / name).is_file():
                digest.update(f"\n{name}\n".encode() + (folder / name).read_bytes())
    except OSError as error:
        raise ServableUnavailableError(
            f"{version_dir}: must hold a SavedModel. Received: {name}: {error.strerror}."
        ) from error
    if table_format is not None:
        digest.update(f"\n{table_format}".encode())
    ending = f"{SCORED}{table_format or 'jsonl'}"
    return f".{folder.parent.name}-{folder.name}-{digest.hexdigest()[:8]}{ending}"


def _jobs(
    shards: Sequence[str | os.PathLike[str]],
    output_dir: str | os.PathLike[str] | None,
    suffix: str,
) -> list[ShardJob]:
    """Builds a job for each shard, after checking the output folders."""
    if isinstance(shards, str) or not shards:
        raise InvalidInputError(
            f"`shards` must be a list of at least one file. Received: {shards!r}."
        )
    if output_dir is not None:
        try:
            Path(output_dir).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInputError(
                f"{output_dir}: must be a folder for outputs. Received: {error.strerror}."
            ) from error
    jobs = []
    for shard in map(Path, shards):
        folder = shard.parent if output_dir is None else Path(output_dir)
        jobs.append(ShardJob(shard, folder / (shard.name + suffix)))
    if len({job.output for job in jobs}) < len(jobs):
        raise InvalidInputError("`shards` must have different names. Received: one twice.")
    for folder in sorted({job.output.parent for job in jobs}):
        if folder.is_dir() and not os.access(folder, os.W_OK):
            raise InvalidInputError(f"{folder}: must be a folder that can be written.")
    return jobs


def _is_scored(job: ShardJob) -> bool:
    try:
        return job.output.stat().st_mtime_ns > job.shard.stat().st_mtime_ns
    except OSError:
        return False


def _pattern(jobs: Sequence[ShardJob]) -> str:
    if len(jobs) == 1:
        return str(jobs[0].output)
    folders = {job.output.parent for job in jobs}
    suffix = jobs[0].output.name.removeprefix(jobs[0].shard.name)
    return str(folders.pop() / f"*{suffix}") if len(folders) == 1 else f"*{suffix}"


def _map(
    make: Callable[[], ShardScorer],
    jobs: Sequence[ShardJob],
    engine: ScoreEngine,
    workers: int | None,
    address: str | None,
    count: Callable[[int], None],
) -> Iterator[Outcome]:
    if engine != "ray":
        scorer = make()
        for job in jobs:
            yield scorer(job, count)
        return
    # Workers run in another working directory.
    jobs = [ShardJob(job.shard.absolute(), job.output.absolute()) for job in jobs]
    yield from map_on_ray(make, jobs, lost=failed, workers=workers, address=address)

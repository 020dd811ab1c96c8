"""Reads request logs: TFRecord files of `PredictionLog`, as TensorFlow Serving and `serve` write.

`tensorflow_serving/apis/prediction_log.proto`; one record for each request that was sampled.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from google.protobuf.message import DecodeError

from lstm_sentiment.checks import did_you_mean_file
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import SILENT, Advance, Progress
from lstm_sentiment.protocol.prediction_log_pb2 import PredictionLog
from lstm_sentiment.protocol.tfrecord import read_records
from lstm_sentiment.versions.logged_request import (
    LoggedRequest,
    RecordFacts,
    SkippedRequestError,
    read_logged_request,
)
from lstm_sentiment.versions.logged_versions import LoggedVersions

# What follows the prefix in the name of a file of `serve`: time, process, number.
_SUFFIX = re.compile(r"-\d{8}T\d{6}.*")
_BYTES_SHOWN = 1 << 16


def read_prediction_log(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    model_name: str | None = None,
    version: int | None = None,
    model_dir: str | os.PathLike[str] | None = None,
    progress: Progress = SILENT,
) -> "LoggedRequests":
    """Opens the request log of a model server.

        for request in read_prediction_log("logs/sentiment", model_name="sentiment"):
            print(request.texts, request.labels)

    Requests of Predict with raw text, tokens or token ids, of Classify, Regress and MultiInference
    are read. A file is read record by record, so its size does not matter.

    Args:
        paths: Prefixes of file names, such as the `filename_prefix` of `logging_config`; or files,
            or folders, of which all files are taken.
        model_name: Takes the requests of this model alone.
        version: Takes the requests that this version answered alone.
        model_dir: A version's folder, or the base path of several, by whose vocabulary token ids
            become texts and whose classes name the probabilities. Without it, requests of token
            ids are skipped.
        progress: Shows the bytes read, each time that the requests are read.

    Returns:
        The requests, which are read anew by each `for`.

    Raises:
        InvalidInputError: If there is no such file. While the requests are read: if a file cannot
            be read, is corrupted or holds other records; or if no request is of `model_name` and
            `version`, although there are others.
        ServableNotFoundError: If there is no version in `model_dir`.
    """
    files = find_log_files([paths] if isinstance(paths, str | os.PathLike) else paths)
    versions = None if model_dir is None else LoggedVersions(Path(model_dir))
    return LoggedRequests(
        files, model_name=model_name, version=version, versions=versions, progress=progress
    )


def find_log_files(paths: Sequence[str | os.PathLike[str]]) -> tuple[Path, ...]:
    """Finds the files of request logs, in the order in which they were begun.

    Args:
        paths: As `read_prediction_log` takes them.

    Raises:
        InvalidInputError: If there is no file for one of the paths.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        files = [path] if path.is_file() else _beginning_with(path)
        if not files:
            raise InvalidInputError(
                f"{path}: must be a file of a request log, or the beginning of the names of its "
                f"files. Received: no such file.{did_you_mean_file(path)}"
            )
        found.update(dict.fromkeys(files))
    return tuple(found)


def _beginning_with(prefix: Path) -> list[Path]:
    folder, begin = (prefix, "") if prefix.is_dir() else (prefix.parent, prefix.name)
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
    except OSError:
        return []
    names = [name for name in names if name.startswith(begin) and not name.startswith(".")]
    # Of the prefix `hotel` and not of `hotel-english`, where both are in the folder.
    own = [name for name in names if begin and _SUFFIX.fullmatch(name, len(begin))]
    return [folder / name for name in own or names]


class LoggedRequests:
    """The requests of a request log, read from its files by each iteration.

    Attributes:
        files: The files, in order.
        skipped: Number of requests without a text that could be read, by the reason; of the last
            iteration, as are the following.
        others: Number of requests of another model or version, by both.
        models: Number of requests that were read, by the model's name.
        truncated: The files whose last record is not whole, as after a crash or while the server
            is writing, with the number of records before it.
    """

    def __init__(
        self,
        files: Sequence[Path],
        *,
        model_name: str | None = None,
        version: int | None = None,
        versions: LoggedVersions | None = None,
        as_ids: bool = False,
        progress: Progress = SILENT,
    ) -> None:
        """Keeps the choice; no file is read yet.

        The arguments are those of `read_prediction_log` and `read_logged_request`.
        """
        self.files = tuple(files)
        self.skipped: Counter[str] = Counter()
        self.others: Counter[tuple[str, int | None]] = Counter()
        self.models: Counter[str] = Counter()
        self.truncated: dict[Path, int] = {}
        self._model_name, self._version = model_name, version
        self._versions, self._as_ids = versions, as_ids
        self._progress = progress

    def __iter__(self) -> Iterator[LoggedRequest]:
        """Reads the requests, one in memory at a time, see `read_prediction_log`."""
        self.skipped, self.others, self.models = Counter(), Counter(), Counter()
        self.truncated = {}
        size = sum(file.stat().st_size for file in self.files if file.exists())
        with self._progress.step("Reading requests", size) as advance:
            for file in self.files:
                yield from self._requests_of(file, advance)
        if self.others and not (self.models or self.skipped):  # of `skipped`, none is another's
            wanted = _named(self._model_name, self._version)
            there = ", ".join(
                f"{_named(name, number)} ({count:,})"
                for (name, number), count in self.others.most_common()
            )
            raise InvalidInputError(
                f"The log must hold requests of {wanted}. Received: requests of {there}."
            )

    def check_one_model(self) -> None:
        """Checks that the requests read so far are of one model.

        Raises:
            InvalidInputError: If they are not; the message names the models.
        """
        if len(self.models) > 1:
            there = ", ".join(f"{name!r} ({count:,})" for name, count in self.models.most_common())
            raise InvalidInputError(
                f"The requests must be of one model; choose it by its name. Received: {there}."
            )

    @property
    def notes(self) -> list[str]:
        """What was not read, in sentences: one for each reason and each file cut short."""
        notes = [
            f"{file}: the last record is not whole, as after a crash or while the server is "
            f"writing. The {records:,} before it were read."
            for file, records in self.truncated.items()
        ]
        if self.others:
            wanted = _named(self._model_name, self._version)
            notes.append(
                f"Requests that are not of {wanted} were skipped: {self.others.total():,}."
            )
        return notes + [
            f"Requests {reason} were skipped: {count:,}." for reason, count in self.skipped.items()
        ]

    def _requests_of(self, file: Path, advance: Advance) -> Iterator[LoggedRequest]:
        shown, record, torn = 0, 0, list[int]()
        for record, content in enumerate(read_records(file, when_torn=torn.append), start=1):
            request = self._request(file, record, content)
            if request is not None:
                yield request
            shown += len(content)
            if shown >= _BYTES_SHOWN:
                advance(shown)
                shown = 0
        advance(shown)
        if torn:
            self.truncated[file] = record

    def _request(self, file: Path, record: int, content: bytes) -> LoggedRequest | None:
        log = _parsed(file, record, content)
        facts = RecordFacts.of(log, file, record)
        if self._model_name not in (None, facts.model_name) or self._version not in (
            None,
            facts.version,
        ):
            self.others[facts.model_name, facts.version] += 1
            return None
        try:
            request = read_logged_request(log, facts, self._versions, as_ids=self._as_ids)
        except SkippedRequestError as reason:
            self.skipped[str(reason)] += 1
            return None
        self.models[request.model_name] += 1
        return request


def _parsed(file: Path, record: int, content: bytes) -> PredictionLog:
    try:
        log = PredictionLog.FromString(content)
    except DecodeError:
        log = PredictionLog()
    if log.WhichOneof("log_type") is None:
        raise InvalidInputError(
            f"{file}: each record must be a `PredictionLog` with a request, as a model server logs "
            f"it. Received: something else as record {record:,}."
        )
    return log


def _named(model_name: str | None, version: int | None) -> str:
    """Names a model, a version, or both in a message."""
    model = "a model without a name" if model_name == "" else f"model {model_name!r}"
    if version is None:
        return model
    return f"version {version}" if model_name is None else f"{model}, version {version}"

"""Writes answered requests to the log that the config of their models names.

After `tensorflow_serving/core/server_request_logger.h` and `request_logger.h`. A request waits for
one thread, so no caller waits for a disk; what does not fit into memory is dropped and counted. A
log that cannot be written is stopped, until a config is loaded again.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lstm_sentiment.models_config.logging_config import RequestLogging, request_logging
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.serving.background_queue import BackgroundQueue
from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.serving.request_log.log_files import LogFiles, NotWrittenError
from lstm_sentiment.serving.request_log.options import RequestLogOptions
from lstm_sentiment.serving.request_log.records import LOGGED_APIS, log_metadata, log_record
from lstm_sentiment.serving.request_log.tally import LogOutcome, LogTally

logger = get_logger(__name__)

Messages = tuple[bytes, bytes] | Callable[[], tuple[bytes, bytes]]
"""A request and its response as serialized messages of the gRPC API, whatever transport they came
by; or a function that returns them."""

_MOST_AT_ONCE = 256
# Of messages that are serialized at once: a few microseconds of work.
_MOST_BYTES_AT_ONCE = 16384


@dataclass(eq=False)
class _Log:
    """The files of one prefix, which models may share; `stopped` is why nothing is written."""

    prefix: str
    files: LogFiles
    stopped: str = ""


@dataclass(frozen=True, eq=False)
class _LoggedModel:
    """A model whose requests are logged."""

    name: str
    rate: float
    sampling: bytes
    log: _Log


class _Waiting(NamedTuple):
    """A sampled request."""

    model: _LoggedModel
    api: str
    version: int
    signature_key: str
    seconds: float
    messages: Messages


class RequestLog:
    """Samples the answered requests of a server and writes them. Safe to share among threads."""

    def __init__(
        self,
        options: RequestLogOptions,
        *,
        when_known: Callable[[str, LogOutcome], None] = lambda name, outcome: None,
        draw: Callable[[], float] = random.random,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Logs nothing until `update`; `start` starts the thread.

        Args:
            options: When a file ends, and how much may wait.
            when_known: Called with a model's name and what became of sampled requests.
            draw: Returns random numbers in [0, 1).
            now: Returns the seconds since 1970.
        """
        self._options = options
        self._when_known, self._draw, self._now = when_known, draw, now
        self._tally = LogTally()
        # Replaced as a whole: it is read without a lock.
        self._models: Mapping[str, _LoggedModel] = {}
        self._logs: dict[str, _Log] = {}
        self._is_ending = False
        # Held while records are written or logs are replaced.
        self._turn = threading.Lock()
        self._queue = BackgroundQueue[_Waiting](
            self.write_waiting,
            name="request-log",
            max_rows=options.max_waiting,
            max_bytes=options.max_waiting_bytes,
            max_group=_MOST_AT_ONCE,
            pause_seconds=options.pause_seconds,
        )

    def start(self) -> None:
        """Starts the thread that writes."""
        self._queue.start()

    def stop(self) -> None:
        """Writes what waits, closes the files, and drops requests from then on."""
        left = self._queue.stop()
        with self._turn:
            self._write(left)
            for log in self._logs.values():
                _close(log)

    def write_at_once(self) -> None:
        """Writes what waits, and from now on each request before it is answered.

        For a server that stops, and may be ended before `stop`.
        """
        self._is_ending = True
        self.write_waiting()

    def update(self, config: ModelServerConfig) -> None:
        """Logs as a config wants it from now on; what was sampled before is written first.

        A log that is wanted as before goes on in its file, and one that was stopped begins again.

        Args:
            config: A config that was checked, also by `check_log_folders`.
        """
        wanted = request_logging(config)
        with self._turn:
            kept = {of_model.filename_prefix for of_model in wanted.values()}
            logs = {p: log for p, log in self._logs.items() if p in kept and not log.stopped}
            for prefix in kept - logs.keys():
                logs[prefix] = self._new_log(prefix)
            self._models = {n: _logged_model(n, w, logs) for n, w in wanted.items()}
            gone = [log for log in self._logs.values() if log not in logs.values()]
            self._logs = logs
            self._take_and_write()
            for log in gone:
                _close(log)
        for name, of_model in wanted.items():
            if of_model.sampling.attributes:
                logger.warning(
                    "logging_config of model %s: this server does not know the attributes of "
                    "requests, and logs without them",
                    name,
                )

    def report(
        self,
        others: Sequence[Mapping[str, Mapping[str, int]]] = (),
        stopped: Mapping[str, str] | None = None,
    ) -> list[dict[str, Any]]:
        """Returns what was logged of each model whose requests are logged, for JSON.

        Args:
            others: The `counts` of other processes, to be added.
            stopped: The logs that are stopped in other processes, as `stopped` returns them.

        Returns:
            For each model `model`, `sampling_rate`, the numbers of `LogOutcome`, and under
            `stopped` the error that stopped the log, or `None`.
        """
        all_stopped = {**(stopped or {}), **self.stopped()}
        return [
            {
                "model": name,
                "sampling_rate": model.rate,
                **self._tally.of_model(name, [each.get(name, {}) for each in others]),
                "stopped": all_stopped.get(name),
            }
            for name, model in self._models.items()
        ]

    def counts(self) -> dict[str, dict[str, int]]:
        """Returns what became of sampled requests by model, as plain values."""
        return self._tally.counts()

    def stopped(self) -> dict[str, str]:
        """Returns the error that stopped the log, for each model whose log is stopped."""
        return {n: model.log.stopped for n, model in self._models.items() if model.log.stopped}

    def answered(
        self,
        model_name: str,
        api: str,
        version: int,
        signature_key: str,
        messages: Messages,
        size_bytes: int,
    ) -> None:
        """Samples a request that was answered; does not wait, unless the server is stopping.

        Args:
            model_name: The model.
            api: The API, such as `Predict`.
            version: The version that answered.
            signature_key: The signature that was run.
            messages: If a function, it is called later, in another thread, unless they are small.
            size_bytes: Size of the request and its response.
        """
        model = self._models.get(model_name)
        if model is None or api not in LOGGED_APIS or self._draw() >= model.rate:
            return
        if not isinstance(messages, tuple) and size_bytes <= _MOST_BYTES_AT_ONCE:
            # Until it is called, the garbage collector has to go through all that it refers to.
            try:
                messages = messages()
            except Exception as error:
                self._cannot_log(model, error)
                return
        waiting = _Waiting(model, api, version, signature_key, self._now(), messages)
        if not self._queue.put_all(((waiting, size_bytes),)):
            self._know(model_name, LogOutcome(dropped=1))
        elif self._is_ending:
            self.write_waiting()

    def write_waiting(self) -> None:
        """Writes all requests that wait."""
        with self._turn:
            self._take_and_write()

    def _take_and_write(self) -> None:
        while waiting := self._queue.take():
            self._write(waiting)

    def _new_log(self, prefix: str) -> _Log:
        options = self._options
        return _Log(
            prefix,
            LogFiles(prefix, max_bytes=options.max_bytes, max_age_seconds=options.max_age_seconds),
        )

    def _write(self, waiting: Sequence[_Waiting]) -> None:
        by_model: dict[_LoggedModel, list[bytes]] = {}
        for each in waiting:
            records = by_model.setdefault(each.model, [])
            try:
                records.append(_record(each))
            except Exception as error:
                self._cannot_log(each.model, error)
        for model, records in by_model.items():
            self._append(model, records)

    def _append(self, model: _LoggedModel, records: Sequence[bytes]) -> None:
        log, written, stops = model.log, 0, 0
        if not log.stopped:
            try:
                log.files.append(records)
                written = len(records)
            except NotWrittenError as error:
                written, stops = error.written, 1
                _stop(log, error.reason)
            except Exception as error:
                # Neither the thread nor the end of the server may fail with a log, whatever the
                # error is. Its message may quote a text.
                stops = 1
                _stop(log, type(error).__name__)
            if log not in self._logs.values():
                # A request that was sampled while a config without this log was taken.
                _close(log)
        size = sum(map(len, records[:written]))
        failed = len(records) - written
        self._know(model.name, LogOutcome(written, 0, failed, size, stops))

    def _cannot_log(self, model: _LoggedModel, error: Exception) -> None:
        # The message may quote a text.
        logger.error("a request cannot be logged: %s", type(error).__name__)
        self._know(model.name, LogOutcome(failed=1))

    def _know(self, name: str, outcome: LogOutcome) -> None:
        self._tally.record(name, outcome)
        self._when_known(name, outcome)


def _stop(log: _Log, reason: str) -> None:
    log.stopped = reason
    logger.error(
        "the request log %s is stopped: %s; requests are answered as before, and a reload of the "
        "config begins the log again",
        log.prefix,
        reason,
    )
    _close(log)


def _close(log: _Log) -> None:
    try:
        log.files.close()
    except OSError as error:
        # Network file systems may report only here that they did not store what was written.
        logger.error("a file of the request log %s cannot be closed: %s", log.prefix, error)


def _record(waiting: _Waiting) -> bytes:
    model = waiting.model
    metadata = log_metadata(model.name, model.sampling, waiting.version, waiting.signature_key)
    messages = waiting.messages
    request, response = messages if isinstance(messages, tuple) else messages()
    return log_record(waiting.api, metadata, int(waiting.seconds), request, response)


def _logged_model(name: str, wanted: RequestLogging, logs: Mapping[str, _Log]) -> _LoggedModel:
    sampling = wanted.sampling.SerializeToString()
    return _LoggedModel(name, wanted.sampling_rate, sampling, logs[wanted.filename_prefix])

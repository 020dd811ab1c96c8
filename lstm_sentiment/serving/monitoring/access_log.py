"""The access log: one line for each request.

Texts, and error messages, which may quote a text, are written only on request.
"""

import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

from lstm_sentiment.serving.monitoring.answered_request import AnsweredRequest

LOGGER_NAME = "lstm_sentiment.access"

_LONGEST_NAME = 200
# Characters that end or quote a value in `key=value` pairs, and the sign for no value.
_NEEDS_QUOTES = re.compile(r'[ "=\\]|^-$')


class AccessLog:
    """An `Observer` that writes a line for each request.

    The keys are always the same ones, in the same order: `time` (ISO 8601, UTC), `peer`,
    `entrypoint`, `api`, `model`, `version`, `label`, `signature`, `status`, `milliseconds`,
    `batch_size`, `request_bytes`, `response_bytes`; with texts, `message` and `texts` too.

    Attributes:
        with_texts: Whether the texts of requests and error messages are written.
    """

    def __init__(
        self,
        destination: TextIO | logging.Logger,
        *,
        as_json: bool,
        with_texts: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Prepares to write.

        Args:
            destination: A text stream, or a logger, by custom the one called `LOGGER_NAME`, which
                gets the lines at level INFO.
            as_json: True for a JSON object a line, False for `key=value` pairs.
            with_texts: Whether to write the texts of requests and error messages.
            now: Returns the time, with its zone.
        """
        if not isinstance(destination, logging.Logger):
            destination = _logger_to(destination)
        self._logger = destination
        self._write = _as_json if as_json else _as_pairs
        self.with_texts = with_texts
        self._now = now

    def __call__(self, request: AnsweredRequest) -> None:
        """Writes the line of a request."""
        if self._logger.isEnabledFor(logging.INFO):
            self._logger.info("%s", self._write(self._entry(request)))

    def _entry(self, request: AnsweredRequest) -> dict[str, Any]:
        time = self._now().astimezone(UTC).isoformat(timespec="milliseconds")
        entry: dict[str, Any] = {
            "time": time.replace("+00:00", "Z"),
            "peer": request.peer,
            "entrypoint": request.entrypoint,
            "api": request.api,
            "model": _short(request.model_name),
            "version": request.version,
            "label": None if request.label is None else _short(request.label),
            "signature": _short(request.signature_key),
            "status": request.status,
            "milliseconds": round(request.seconds * 1000, 3),
            "batch_size": request.batch_size,
            "request_bytes": request.request_bytes,
            "response_bytes": request.response_bytes,
        }
        if self.with_texts:
            entry["message"] = request.message
            entry["texts"] = [text.decode("utf-8", "replace") for text in request.texts]
        return entry


def _logger_to(stream: TextIO) -> logging.Logger:
    # A logger outside the logging tree: nothing global is configured, and two servers do not mix.
    logger = logging.Logger(LOGGER_NAME, logging.INFO)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    return logger


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


def _as_json(value: object) -> str:
    # One printable line: no client can end the line or move a terminal's cursor.
    written = json.dumps(value, ensure_ascii=False)
    return written if written.isprintable() else json.dumps(value)


def _as_pairs(entry: dict[str, Any]) -> str:
    return " ".join(f"{key}={_as_value(value)}" for key, value in entry.items())


def _as_value(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, int | float):
        return str(value)
    is_plain = isinstance(value, str) and value.isprintable() and not _NEEDS_QUOTES.search(value)
    return value if is_plain else _as_json(value)

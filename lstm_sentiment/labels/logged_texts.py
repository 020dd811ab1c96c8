"""Texts of a request log, each once with the newest answer, as a table to label or learn from."""

import csv
import io
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.system import write_whole
from lstm_sentiment.text.corpus.corrections import text_digest
from lstm_sentiment.text.corpus.tables.cells import clean_text
from lstm_sentiment.text.corpus.tables.spreadsheet import guarded
from lstm_sentiment.versions.logged_request import LoggedRequest
from lstm_sentiment.versions.prediction_log import LoggedRequests

# As the log itself.
_OWNER_ALONE = 0o600
_PROBABILITY = "probability_{}"
# Full-width signs too, which count in some languages of a spreadsheet.


@dataclass(frozen=True)
class LoggedTexts:
    """What `save_logged_texts` wrote.

    Attributes:
        output: The table.
        requests: Number of requests that were read.
        sent: Number of texts in them, repeated and empty ones included.
        texts: Number of different texts, the rows of the table.
        empty: Number of texts without a character but whitespace, which are left out.
        labels: Number of the table's texts by their predicted label; those without an answer have
            none.
        notes: What was not read, and what the table lacks, in sentences.
    """

    output: Path
    requests: int
    sent: int
    texts: int
    empty: int
    labels: Mapping[str, int]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the result as `labels from-log --json` prints it."""
        return {**asdict(self), "output": str(self.output), "labels": dict(self.labels)}


class _Place(NamedTuple):
    """The place of a text in a log: texts with an answer are after others, then time decides."""

    is_answered: bool
    seconds: int
    file: int
    record: int
    row: int


def save_logged_texts(requests: LoggedRequests, output: Path) -> LoggedTexts:
    """Writes the texts of a request log as a table, UTF-8 with a byte order mark, as Excel reads.

    The columns are `text`; `predicted_label` and, for each class, `probability_CLASS`, of the
    newest answer; `count`, the number of times that the text was sent; `version`, which gave the
    newest answer; and `digest`, by which corrections name the text. A text that a spreadsheet would
    take for a formula has a space before it, which is not read. Like the log, the table can be read
    by its owner alone. The log is read twice: in between, only digests and places are kept.

    Args:
        requests: The log, of one model.
        output: The table to write, which takes the place of one of the same name when it is
            complete.

    Raises:
        InvalidInputError: If the log holds no text or requests of several models, as the reading of
            it, or if the table cannot be written.
    """
    seen = _Seen()
    for place, request in _numbered(requests):
        seen.add(place, request)
    requests.check_one_model()
    if not seen.newest:
        skipped = " ".join(requests.notes)
        raise InvalidInputError(
            f"The log must hold at least one request with a text. Received: none. {skipped}"
        )
    notes = (*requests.notes, *seen.classes.notes())
    predicted: Counter[str] = Counter()
    try:
        with write_whole(output) as file:
            os.chmod(file.name, _OWNER_ALONE)
            # `detach` at the end: closing the wrapper would close `file` before it is renamed.
            lines = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
            # All fields are quoted: an unquoted carriage return would end the row.
            writer = csv.writer(lines, quoting=csv.QUOTE_ALL)
            writer.writerow(_header(seen.classes.names))
            for label, row in _rows(requests, seen):
                predicted.update([label] if label else [])
                writer.writerow(row)
            lines.detach()
    except OSError as error:
        raise InvalidInputError(f"{output}: cannot be written: {error.strerror}.") from error
    return LoggedTexts(
        output, seen.requests, seen.sent, len(seen.newest), seen.empty, predicted, notes
    )


class _Classes:
    """Names of the classes of each version, as far as its answers tell."""

    def __init__(self) -> None:
        self._names: dict[int | None, dict[int, str]] = {}
        self._widths: dict[int | None, int] = {}

    def learn(self, request: LoggedRequest) -> None:
        """Learns the classes that an answer names."""
        if request.probabilities is None:
            return
        known = self._names.setdefault(request.version, {})
        width = max(map(len, request.probabilities), default=0)
        self._widths[request.version] = max(width, self._widths.get(request.version, 0))
        if request.label_names is not None:
            known.update(enumerate(request.label_names))
        elif request.labels is not None and request.classifications is not None:
            for index, label in zip(request.classifications, request.labels, strict=True):
                known.setdefault(index, label)

    def of(self, version: int | None) -> list[str]:
        """Returns the names of a version's classes; the number of a class that is not known."""
        known = self._known(version)
        return [known.get(index, str(index)) for index in range(self._widths.get(version, 0))]

    @property
    def names(self) -> list[str]:
        """The classes of all versions."""
        return list(dict.fromkeys(name for version in self._widths for name in self.of(version)))

    def notes(self) -> Iterator[str]:
        """Yields a sentence for each version with a class that is not known."""
        for version, width in self._widths.items():
            known = self._known(version)
            missing = [str(index) for index in range(width) if index not in known]
            if missing:
                yield (
                    f"Version {'of an unknown number' if version is None else version} has classes "
                    f"that were never the answer: their columns are named by their numbers, "
                    f"{', '.join(missing)}. The version's folder would tell their names."
                )

    def _known(self, version: int | None) -> dict[int, str]:
        """Returns the names of a version's classes by their numbers.

        A class that was never the answer has its name from another version with as many classes,
        if both give the same names to those that were.
        """
        known = self._names.get(version, {})
        for other, names in self._names.items():
            agree = all(names.get(index, name) == name for index, name in known.items())
            is_like = self._widths[other] == self._widths.get(version)
            if is_like and agree and known.keys() & names.keys():
                known = {**names, **known}
        return known


class _Seen:
    """What is kept of a log between the two readings.

    Attributes:
        newest: The place of each text's newest answer, by the text's digest.
        counts: Number of times that a text was sent, where it is more than once.
    """

    def __init__(self) -> None:
        self.requests = self.sent = self.empty = 0
        self.newest: dict[str, _Place] = {}
        self.counts: Counter[str] = Counter()
        self.classes = _Classes()

    def add(self, place: _Place, request: LoggedRequest) -> None:
        """Adds the texts of a request; `place` is that of the first."""
        self.requests += 1
        self.classes.learn(request)
        for row, text in enumerate(request.texts):
            self.sent += 1
            if not clean_text(text):
                self.empty += 1
                continue
            digest, here = text_digest(text), place._replace(row=row)
            earlier = self.newest.get(digest)
            if earlier is not None:
                self.counts[digest] += 1
            if earlier is None or here > earlier:
                self.newest[digest] = here


def _numbered(requests: LoggedRequests) -> Iterator[tuple[_Place, LoggedRequest]]:
    numbers = {file: number for number, file in enumerate(requests.files)}
    for request in requests:
        seconds = request.timestamp_seconds or 0
        is_answered = request.labels is not None
        yield _Place(is_answered, seconds, numbers[request.file], request.record, 0), request


def _rows(requests: LoggedRequests, seen: _Seen) -> Iterator[tuple[str, list[object]]]:
    """Yields the predicted label and the fields of each text, in the order of the log."""
    names = seen.classes.names
    for place, request in _numbered(requests):
        classes = seen.classes.of(request.version)
        for row, text in enumerate(request.texts):
            digest = text_digest(text)
            if seen.newest.get(digest) != place._replace(row=row):
                continue
            label = "" if request.labels is None else request.labels[row]
            scores = () if request.probabilities is None else request.probabilities[row]
            given = dict(zip(classes, scores, strict=False))
            yield (
                label,
                [
                    guarded(clean_text(text)),
                    label,
                    *(f"{given[name]:.6g}" if name in given else "" for name in names),
                    1 + seen.counts[digest],
                    "" if request.version is None else request.version,
                    digest,
                ],
            )


def _header(classes: Sequence[str]) -> list[str]:
    probabilities = map(_PROBABILITY.format, classes)
    return ["text", "predicted_label", *probabilities, "count", "version", "digest"]

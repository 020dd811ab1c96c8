"""Replays a request log: sends its requests to a version and compares the answers."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_sentiment.client.access import AccessRefusedError, TLSConfig
from lstm_sentiment.errors import (
    InvalidInputError,
    LstmSentimentError,
    ServableNotFoundError,
    ServableUnavailableError,
)
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.serving.loading.options import Engine
from lstm_sentiment.training.evaluation.intervals import Estimate
from lstm_sentiment.version_folder import DEFAULT_SIGNATURE_KEY
from lstm_sentiment.versions.prediction_log import LoggedRequests, find_log_files
from lstm_sentiment.versions.verification.answers import Answers, Expectation
from lstm_sentiment.versions.verification.replay_target import ReplayTarget
from lstm_sentiment.versions.verification.replayed_answers import (
    ChangedAnswer,
    LoggedAnswer,
    ReplayTally,
    logged_answers,
)
from lstm_sentiment.versions.verification.verify import check_verification

if TYPE_CHECKING:
    from lstm_sentiment.versions.verification.transports import Transport

_TEXTS_AT_ONCE = 64
_OTHER_IDS = "Token ids, which mean other tokens in another version, were skipped: {:,} texts."
_OTHER_LABELS = "No label of the log is given now: the log may be of another model."
_UNANSWERED = "Texts that the log holds without label and probabilities were skipped: {:,}."


@dataclass(frozen=True)
class Replay:
    """The result of `verify_requests`.

    Attributes:
        way: What answered: `light twin`, `saved model`, `grpc` or `rest`.
        version: The version that answered; `None` if it is not known.
        requests: Number of requests that were read.
        texts: Number of texts whose answers were compared.
        tolerance: Largest difference of a probability that is no change.
        labels_changed: Number of texts with another label.
        share_changed: Their share, with its confidence interval.
        probabilities_changed: Number of texts with a probability that is off by more than
            `tolerance`.
        largest_difference: Largest difference of a probability; `None` if none was compared.
        refused: Number of texts that were not answered.
        examples: Changed answers: those with another label first, then by the difference.
        notes: What was not read or compared, in sentences.
    """

    way: str
    version: int | None
    requests: int
    texts: int
    tolerance: float
    labels_changed: int
    share_changed: Estimate
    probabilities_changed: int
    largest_difference: float | None
    refused: int
    examples: tuple[ChangedAnswer, ...]
    notes: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """True if each text got the same answer as in the log."""
        return not (self.labels_changed or self.probabilities_changed or self.refused)

    def to_dict(self) -> dict[str, Any]:
        """Returns the result as `verify --requests --json` prints it."""
        return {**asdict(self), "equal": self.is_equal}


def verify_requests(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    model_dir: str | os.PathLike[str] = "models/sentiment",
    server: str | None = None,
    rest_api: str | None = None,
    engine: Engine = "auto",
    model_name: str | None = None,
    version: int | None = None,
    version_label: str | None = None,
    tolerance: float = 1e-5,
    timeout_seconds: float = 10.0,
    tls: TLSConfig | bool = False,
    token: str | None = None,
    progress: Progress = SILENT,
) -> Replay:
    """Sends the requests of a log to a version, here or on a server, and compares the answers.

    Each text is sent to the signature that it was sent to before; a request of `explain` goes to
    `text`. Token ids are sent only to the version that answered them before. The log is read in
    bounded memory.

    Args:
        paths: The log, as `read_prediction_log` takes it.
        model_dir: A version's folder, or a base path, whose highest version is used. It answers if
            there is neither `server` nor `rest_api`.
        server: `host:port` of a server's gRPC, which answers instead.
        rest_api: `host:port` of a server's REST, which answers instead.
        engine: The engine that loads the version here, see `SavedModelPredictor`.
        model_name: The only model whose requests are read, and its name on the server. `None` uses
            the model of the log, which must hold only one.
        version: The version on the server. `None`, without a label, uses the highest.
        version_label: The version label on the server.
        tolerance: Largest difference of a probability that is no change. With 1, labels alone
            count.
        timeout_seconds: The deadline of one request.
        tls: As `PredictClient` takes it.
        token: As `PredictClient` takes it.
        progress: Shows the bytes read.

    Returns:
        The numbers of changed answers. Texts that are not answered are part of the result.

    Raises:
        InvalidInputError: If an argument breaks a rule, the log cannot be read, is of several
            models or holds no answer, or a server does not accept the token.
        ServableNotFoundError: If there is no such version.
        ServableUnavailableError: If the version cannot be loaded, or the server not be reached.
        MissingExtraError: If the version needs TensorFlow, which is not installed.
    """
    check_verification(server, rest_api, version, version_label, tolerance, timeout_seconds)
    if server is not None and rest_api is not None:
        raise InvalidInputError(
            "A log is replayed to one of `server` and `rest_api`. Received: both."
        )
    files = find_log_files([paths] if isinstance(paths, str | os.PathLike) else paths)
    first = next(iter(LoggedRequests(files, model_name=model_name, as_ids=True)), None)
    if first is None:
        raise InvalidInputError("The log must hold at least one request of texts. Received: none.")
    target = ReplayTarget(
        Path(model_dir),
        engine,
        server,
        rest_api,
        model_name or first.model_name,
        version,
        version_label,
        {"timeout_seconds": timeout_seconds, "tls": tls, "token": token},
    )
    log = LoggedRequests(files, model_name=model_name, as_ids=True, progress=progress)
    with target.opened() as (transport, number):
        replayer = _Replayer(transport, number, ReplayTally(tolerance))
        for request in log:
            log.check_one_model()
            for answer in logged_answers(request):
                replayer.add(answer)
        replayer.ask_all()
    return replayer.result(log)


class _Replayer:
    """Asks for texts in batches of one signature, and compares the answers."""

    def __init__(self, transport: "Transport", version: int | None, tally: ReplayTally) -> None:
        self._transport, self._version, self._tally = transport, version, tally
        self._waiting: dict[str, list[LoggedAnswer]] = {}
        self._unanswered = self._other_ids = self._refused = 0
        self._first_refusal = ""
        self._refusing: set[str] = set()

    def add(self, answer: LoggedAnswer) -> None:
        """Queues one text, and sends the texts of its signature when there are enough."""
        if not (answer.has_label or answer.has_probabilities):
            self._unanswered += 1
        elif self._has_other_tokens(answer):
            self._other_ids += 1
        else:
            waiting = self._waiting.setdefault(answer.signature, [])
            waiting.append(answer)
            if len(waiting) == _TEXTS_AT_ONCE:
                self._ask(answer.signature, waiting)
                waiting.clear()

    def ask_all(self) -> None:
        """Asks for the texts that wait."""
        for signature, waiting in self._waiting.items():
            if waiting:
                self._ask(signature, waiting)
        self._waiting.clear()

    def result(self, log: LoggedRequests) -> Replay:
        """Returns what the whole log gave.

        Raises:
            InvalidInputError: If no answer could be compared.
        """
        tally = self._tally
        notes = list(log.notes)
        if self._unanswered:
            notes.append(_UNANSWERED.format(self._unanswered))
        if self._other_ids:
            notes.append(_OTHER_IDS.format(self._other_ids))
        if self._refused:
            notes.append(
                f"Texts that were refused: {self._refused:,}, the first: {self._first_refusal}"
            )
        if tally.texts and tally.has_other_labels:
            notes.append(_OTHER_LABELS)
        if not tally.texts:
            raise InvalidInputError(
                f"The log must hold an answer that can be compared. Received: none. "
                f"{' '.join(notes)}"
            )
        return Replay(
            way=self._transport.name,
            version=self._version,
            requests=log.models.total(),
            texts=tally.texts,
            tolerance=tally.tolerance,
            labels_changed=tally.labels_changed,
            share_changed=tally.share_changed,
            probabilities_changed=tally.probabilities_changed,
            largest_difference=tally.largest_difference,
            refused=self._refused,
            examples=tally.examples,
            notes=tuple(notes),
        )

    def _has_other_tokens(self, answer: LoggedAnswer) -> bool:
        is_ids = answer.signature == DEFAULT_SIGNATURE_KEY
        return (
            is_ids
            and None not in (answer.version, self._version)
            and (answer.version != self._version)
        )

    def _ask(self, signature: str, logged: Sequence[LoggedAnswer]) -> int:
        """Asks for texts at once, or one by one if they are refused; returns how many answer."""
        try:
            answers = self._answers(signature, logged)
        except (ServableUnavailableError, ServableNotFoundError, AccessRefusedError):
            raise  # no other request would be answered
        except LstmSentimentError as error:
            answered = 0
            if len(logged) > 1 and signature not in self._refusing:
                answered = sum(self._ask(signature, [one]) for one in logged)
                if not answered:
                    self._refusing.add(signature)  # as it would refuse all that follow
            else:
                self._refused += len(logged)
                self._first_refusal = self._first_refusal or " ".join(str(error).split())
            return answered
        for row, one in enumerate(logged):
            self._tally.add(one, answers, row)
        return len(logged)

    def _answers(self, signature: str, logged: Sequence[LoggedAnswer]) -> Answers:
        sent = [one.sent for one in logged]
        # Logged logits were divided by nothing, and so are these.
        asked = Expectation(
            sent, (), temperature=1.0, tolerance=self._tally.tolerance, version=None
        )
        return self._transport.ask(signature, asked)

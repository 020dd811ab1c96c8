"""Messages between the parent and a worker, over a pair of connected sockets.

Either side sends the other a message, or a question and waits for the answer. Contents are
pickled: both sides are processes of one user and one program, and no third one can open the
sockets.
"""

import itertools
import pickle
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lstm_sentiment.errors import ServableUnavailableError
from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.timeouts import timeout_or_none

logger = get_logger(__name__)

Handler = Callable[[Any], Any]

_LENGTH = struct.Struct("!Q")
_ANSWER = ""
_GONE = "the other process has ended."


@dataclass(eq=False)
class _Question:
    done: threading.Event = field(default_factory=threading.Event)
    is_answered: bool = False
    answer: Any = None


class Channel:
    """One side's end of the connection. Safe to share among threads."""

    def __init__(
        self,
        connection: socket.socket,
        handlers: Mapping[str, Handler],
        *,
        when_ended: Callable[[], None],
    ) -> None:
        """Prepares to read; `start` starts the thread.

        Args:
            connection: A connected socket; closed at the end.
            handlers: Called with the content of each message of a kind. Messages are handled
                in order; each question is handled in a thread of its own, whose result is the
                answer.
            when_ended: Called once, when the other side has ended and all messages are handled.
        """
        self._connection = connection
        self._handlers, self._when_ended = handlers, when_ended
        self._sending = threading.Lock()
        self._numbers = itertools.count(1)
        self._questions: dict[int, _Question] = {}
        self._lock = threading.Lock()
        self._has_ended = False
        self._thread = threading.Thread(target=self._run, name="workers-channel", daemon=True)

    @property
    def has_ended(self) -> bool:
        """True once the other side has ended, or the connection was closed."""
        return self._has_ended

    def start(self) -> None:
        """Starts to handle messages."""
        self._thread.start()

    def tell(self, kind: str, content: Any = None) -> None:
        """Sends a message; one to a process that has ended is dropped."""
        self._send((kind, 0, content))

    def ask(self, kind: str, content: Any = None, timeout_seconds: float | None = None) -> Any:
        """Sends a question and returns the answer.

        Raises:
            ServableUnavailableError: If the other side has ended, or does not answer in time.
        """
        number, question = next(self._numbers), _Question()
        with self._lock:
            if self._has_ended:
                raise ServableUnavailableError(_GONE)
            self._questions[number] = question
        self._send((kind, number, content))
        question.done.wait(timeout_or_none(timeout_seconds))
        with self._lock:
            self._questions.pop(number, None)
        if not question.is_answered:
            late = f"another process must answer within {timeout_seconds} seconds."
            raise ServableUnavailableError(late if not question.done.is_set() else _GONE)
        return question.answer

    def close(self) -> None:
        """Ends the connection; both sides learn it by `when_ended`."""
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it has ended already

    def _send(self, message: tuple[str, int, Any]) -> None:
        content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        try:
            with self._sending:
                self._connection.sendall(_LENGTH.pack(len(content)) + content)
        except OSError:
            # Also after a part of a message: what would follow could not be read.
            self.close()

    def _run(self) -> None:
        try:
            with self._connection, self._connection.makefile("rb") as stream:
                while head := stream.read(_LENGTH.size):
                    self._handle(*pickle.loads(stream.read(*_LENGTH.unpack(head))))
        except (OSError, EOFError, struct.error, pickle.UnpicklingError):
            logger.debug("a message was cut off")
        finally:
            self._end()

    def _handle(self, kind: str, number: int, content: Any) -> None:
        if kind == _ANSWER:
            with self._lock:
                question = self._questions.get(number)
            if question is not None:
                question.answer, question.is_answered = content, True
                question.done.set()
        elif number:
            threading.Thread(target=self._answer, args=(kind, number, content), daemon=True).start()
        else:
            self._call(kind, content)

    def _answer(self, kind: str, number: int, content: Any) -> None:
        self._send((_ANSWER, number, self._call(kind, content)))

    def _call(self, kind: str, content: Any) -> Any:
        try:
            return self._handlers[kind](content)
        except Exception:
            logger.exception("handling %s of another process failed", kind)
            return None

    def _end(self) -> None:
        with self._lock:
            self._has_ended = True
            left = list(self._questions.values())
        for question in left:
            question.done.set()
        self._when_ended()

"""Several workers on one machine: one command, run once for each, that stops as one program.

    launch -> worker_environments     what differs between the workers: TF_CONFIG, GPUs
           -> _Workers                the processes: reads them, stops them, tells how they ended
                -> _Lines             one output of one worker, passed on in whole lines

TensorFlow's `MultiWorkerMirroredStrategy` learns from `TF_CONFIG` which workers there are and which
of them it is: https://www.tensorflow.org/tutorials/distribute/multi_worker_with_keras.
Needs POSIX: process groups and signals.
"""

import os
import selectors
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from subprocess import DEVNULL, PIPE, Popen

from lstm_sentiment.checks import at_least
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.training.workers.environments import worker_environments

_STDOUT, _STDERR = 1, 2
_CHUNK_BYTES = 1 << 16
# The end of a process wakes no `select`, and output does not wake `wait`: one of them must be asked
# again and again.
_TICK_SECONDS = 0.05

# Becomes the worker, which from then on ends with the thread that started it, even where that is
# killed. Such a wish outlives `exec`, so that it needs no `preexec_fn`, which may deadlock where
# other threads run. Python ignores these two signals, and what is ignored outlives `exec` as well.
_BOUND_TO_PARENT = """\
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the launcher has ended")
for number in (signal.SIGPIPE, signal.SIGXFSZ):
    signal.signal(number, signal.SIG_DFL)
os.execvp(sys.argv[2], sys.argv[2:])
"""


def launch(
    command: Sequence[str],
    *,
    workers: int,
    gpus_per_worker: int | None = None,
    grace_seconds: float = 10.0,
) -> int:
    """Runs a command as several workers of one training, and waits until all have ended.

    Output goes to this process's file descriptors 1 and 2: what worker 0, the chief, prints on
    standard output is passed on as it is, all else is on standard error, each line after
    `[worker N]`. Workers read nothing: their standard input is empty.

    Where one ends with a code other than 0, the others have `grace_seconds` to notice and end by
    themselves, are then asked to (SIGTERM) and after as long again killed (SIGKILL). SIGINT,
    SIGTERM and SIGHUP are passed on to all workers, which are killed after `grace_seconds`, or at
    once by a further SIGINT. Signals can be received in the main thread only; elsewhere none is.
    A stop reaches what the workers started too, unless that left their process group.

    On Linux the workers are killed where this process is, by SIGKILL too.

    Args:
        command: A program and its arguments, the same for all workers.
        workers: How many. Must be positive.
        gpus_per_worker: How many GPUs each worker has for itself: the next ones of those that
            `CUDA_VISIBLE_DEVICES` names or, where it is not set, of all. Must be positive.
            `None` lets each worker see all of them.
        grace_seconds: How long workers have to end, in each step of a stop. Must not be negative.

    Returns:
        0 where all workers ended with 0. Else the exit code of the worker that failed first, or
        128 + N for signal N, be it the worker or this process that received it. 141, as for
        SIGPIPE, where output could not be passed on. In all but the first case the last line on
        standard error says what happened.

    Raises:
        InvalidInputError: If an argument breaks its rule, if `CUDA_VISIBLE_DEVICES` names too few
            devices, or if the command cannot be started.
    """
    _check(command, grace_seconds)
    environments = worker_environments(workers, gpus_per_worker)
    with _stop_signals() as received, _Workers(received, grace_seconds) as running:
        for environment in environments:
            running.start(command, environment)
        return running.wait()


def _check(command: Sequence[str], grace_seconds: float) -> None:
    if isinstance(command, str) or not command:
        raise InvalidInputError(
            f"`command` must be a program and its arguments. Received: command={command!r}."
        )
    if shutil.which(command[0]) is None:
        raise InvalidInputError(
            f"`command` must begin with a program that can be run. Received: {command[0]!r}."
        )
    at_least(0, grace_seconds=grace_seconds)


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """The signals that ask this process to stop, which only note themselves meanwhile."""
    received: list[int] = []
    numbers = []
    if threading.current_thread() is threading.main_thread():
        numbers = [signal.SIGINT, signal.SIGTERM]
        # Under `nohup` a hang-up is ignored, and must stay so.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
    before = {n: signal.signal(n, lambda number, _: received.append(number)) for n in numbers}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@dataclass
class _Lines:
    """One output of one worker.

    Attributes:
        target: The file descriptor it is passed on to.
        prefix: What stands before each line. If empty, all bytes stay as they are.
        pending: The beginning of a line whose end has not come yet.
    """

    target: int
    prefix: bytes
    pending: bytes = b""

    def add(self, data: bytes) -> bytes:
        """Takes what was read, and gives the lines that are complete."""
        lines, newline, self.pending = (self.pending + data).rpartition(b"\n")
        if not self.prefix:
            return lines + newline
        shown = [part for line in lines.split(b"\n") for part in _states(line) or [b""]]
        # A progress bar may go on without a newline for an hour. What follows its last "\r" may be
        # half a state, and a "\r" at the very end half a "\r\n".
        begun = self.pending.rstrip(b"\r").rfind(b"\r") + 1
        bar, self.pending = self.pending[:begun], self.pending[begun:]
        return self._prefixed([*(shown if newline else []), *_states(bar)])

    def end(self) -> bytes:
        """Gives what stands behind the last newline."""
        rest, self.pending = self.pending, b""
        return self._prefixed(_states(rest)) if self.prefix else rest

    def _prefixed(self, lines: list[bytes]) -> bytes:
        return b"".join(self.prefix + line + b"\n" for line in lines)


def _states(line: bytes) -> list[bytes]:
    """What a terminal shows one after the other in the place of one line."""
    return [state for state in line.split(b"\r") if state]


@dataclass
class _Worker:
    index: int
    popen: Popen[bytes]
    code: int | None = None
    outputs: dict[int, _Lines] = field(default_factory=dict)
    """Those that are open, by file descriptor."""

    @property
    def is_done(self) -> bool:
        return self.code is not None and not self.outputs

    def send(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, number)


def _start(command: Sequence[str], environment: Mapping[str, str]) -> Popen[bytes]:
    if sys.platform == "linux":
        bound = (sys.executable, "-I", "-S", "-c", _BOUND_TO_PARENT, str(os.getpid()))
        command = (*bound, *command)
    try:
        # In a session of its own, so that Ctrl-C at the terminal reaches the launcher alone.
        return Popen(
            command,
            env=environment,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            bufsize=0,
            start_new_session=True,
        )
    except OSError as error:
        raise InvalidInputError(
            f"`command` must be a program that can be started. Received: {error}."
        ) from error


class _Workers:
    """All workers, from their start until the last one's last line.

    Args:
        received: Signals that are to be passed on are added here by others.
        grace_seconds: How long workers have to end, in each step of a stop.
    """

    def __init__(self, received: list[int], grace_seconds: float) -> None:
        self._received = received
        self._grace_seconds = grace_seconds
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
        # Each signal that is to be sent yet, and when.
        self._plan: list[tuple[float, int]] = []
        self._killed = False
        self._failed: _Worker | None = None
        self._others_were_stopped = False
        self._stopped_by: int | None = None
        # Errors of our own standard output and standard error, by file descriptor.
        self._unwritable: dict[int, OSError] = {}

    def __enter__(self) -> "_Workers":
        return self

    def __exit__(self, *error: object) -> None:
        """Leaves no worker behind, whatever happened."""
        for worker in self._workers:
            if not worker.is_done:
                worker.send(signal.SIGKILL)
            # Closes the pipes and waits.
            with worker.popen:
                pass
        self._selector.close()

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Starts the next worker.

        Raises:
            InvalidInputError: If the system refuses.
        """
        worker = _Worker(len(self._workers), _start(command, environment))
        self._workers.append(worker)
        prefix = b"[worker %d] " % worker.index
        is_chief = worker.index == 0
        to_stdout = _Lines(_STDOUT, b"") if is_chief else _Lines(_STDERR, prefix)
        to_stderr = _Lines(_STDERR, prefix)
        pipes = ((worker.popen.stdout, to_stdout), (worker.popen.stderr, to_stderr))
        for pipe, lines in pipes:
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            worker.outputs[pipe.fileno()] = lines
            self._selector.register(pipe, selectors.EVENT_READ, worker)

    def wait(self) -> int:
        """Passes output and signals on until all workers have ended.

        Returns:
            The exit code of the launcher. Where it is not 0, one line has said why.
        """
        while not all(worker.is_done for worker in self._workers):
            for key, _ in self._selector.select(_TICK_SECONDS):
                self._read(key.data, key.fd)
            self._note_ends()
            self._pass_signals_on()
            self._carry_out_plan()
        return self._verdict()

    def _read(self, worker: _Worker, descriptor: int) -> None:
        try:
            data = os.read(descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            return
        if data:
            lines = worker.outputs[descriptor]
            self._write(lines.target, lines.add(data))
        else:
            self._end_output(worker, descriptor)

    def _end_output(self, worker: _Worker, descriptor: int) -> None:
        self._selector.unregister(descriptor)
        lines = worker.outputs.pop(descriptor)
        self._write(lines.target, lines.end())

    def _write(self, target: int, data: bytes) -> None:
        if target in self._unwritable:
            return
        try:
            while data:
                data = data[os.write(target, data) :]
        except OSError as error:
            self._unwritable[target] = error
            self._received.append(signal.SIGPIPE)

    def _note_ends(self) -> None:
        for worker in self._workers:
            if worker.code is None:
                worker.code = worker.popen.poll()
                if worker.code and self._failed is None and self._stopped_by is None:
                    self._failed = worker
                    self._plan = self._after_grace(signal.SIGTERM, signal.SIGKILL)
            if worker.code is not None and self._killed:
                # Whoever keeps the pipe open now has left the group: the pipe's content is the
                # last that came from the worker.
                for descriptor in list(worker.outputs):
                    self._read(worker, descriptor)
                    if descriptor in worker.outputs:
                        self._end_output(worker, descriptor)
        if not self._plan and all(worker.code is not None for worker in self._workers):
            # What a worker left running may hold its output open for ever.
            self._plan = self._after_grace(signal.SIGKILL)

    def _after_grace(self, *numbers: int) -> list[tuple[float, int]]:
        now = time.monotonic()
        return [(now + self._grace_seconds * n, each) for n, each in enumerate(numbers, start=1)]

    def _pass_signals_on(self) -> None:
        numbers = []
        while self._received:
            numbers.append(self._received.pop(0))
        # `timeout` sends a signal to its child, then to the whole group: one request, not two.
        for number in dict.fromkeys(numbers):
            if self._stopped_by is None:
                self._stopped_by = number
                self._plan = self._after_grace(signal.SIGKILL)
            elif number == signal.SIGINT:
                self._plan = [(time.monotonic(), signal.SIGKILL)]
            self._send(signal.SIGTERM if number == signal.SIGPIPE else number)

    def _carry_out_plan(self) -> None:
        while self._plan and self._plan[0][0] <= time.monotonic():
            _, number = self._plan.pop(0)
            self._send(number)
            self._killed = self._killed or number == signal.SIGKILL

    def _send(self, number: int) -> None:
        for worker in self._workers:
            if not worker.is_done:
                worker.send(number)
                self._others_were_stopped |= worker.code is None

    def _verdict(self) -> int:
        if self._failed is not None and self._failed.code is not None:
            self._say(
                f"error: all workers must end well. Worker {self._failed.index} "
                f"{_ending(self._failed.code)}"
                f"{'; the others were stopped' if self._others_were_stopped else ''}."
            )
            return _exit_code(self._failed.code)
        if self._stopped_by is None:
            return 0
        if self._stopped_by == signal.SIGPIPE:
            self._say(
                "error: standard output and standard error must be writable. Received: "
                f"{', '.join(map(str, self._unwritable.values()))}; all workers were stopped."
            )
        else:
            self._say(f"stopped by {_name(self._stopped_by)}")
        return 128 + self._stopped_by

    def _say(self, message: str) -> None:
        self._write(_STDERR, f"{message}\n".encode())


def _ending(code: int) -> str:
    if code < 0:
        return f"was ended by {_name(-code)}"
    return f"ended with exit code {code}"


def _exit_code(code: int) -> int:
    return code if code >= 0 else 128 - code


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # those for real time have none
        return f"signal {number}"

"""Several workers on one machine: one command, started once for each and stopped as one program.

    launch -> worker_environments     TF_CONFIG and GPUs of each worker
           -> _Workers                starts, reads and stops the processes
                -> Lines             one output of one worker, passed on in whole lines

TensorFlow's `MultiWorkerMirroredStrategy` reads from `TF_CONFIG` which workers there are, and which
of them a process is: https://www.tensorflow.org/tutorials/distribute/multi_worker_with_keras. Needs
POSIX: process groups and signals.
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

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.ranges import GRACE_SECONDS, check_value
from lstm_sentiment.training.workers.environments import worker_environments

if sys.platform == "win32":
    raise ImportError("workers are launched where there are process groups and signals of POSIX")

_STDOUT, _STDERR = 1, 2
_CHUNK_BYTES = 1 << 16
# The end of a process does not wake `select`, nor output `wait`: processes are polled.
_TICK_SECONDS = 0.05

# Makes the kernel kill the worker when the launcher's thread ends, then becomes the worker. The
# setting survives `exec`, so no `preexec_fn` is needed, which may deadlock if other threads run.
# Python ignores SIGPIPE and SIGXFSZ, and ignored signals survive `exec` too: they are reset.
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

    Output goes to this process's file descriptors 1 and 2: the standard output of worker 0, the
    chief, unchanged; all else to standard error, each line after `[worker N]`. Workers have an
    empty standard input.

    If a worker ends with a code other than 0, the others have `grace_seconds` to end by themselves,
    then get SIGTERM, and SIGKILL as long after. SIGINT, SIGTERM and SIGHUP are passed on to all
    workers, which are killed after `grace_seconds`, or at once by a second SIGINT. Signals are
    received only in the main thread. A stop also reaches the workers' children that are still in
    their process group. On Linux, workers are killed if this process is killed, even by SIGKILL.

    Args:
        command: A program and its arguments, the same for all workers.
        workers: Number of workers, positive.
        gpus_per_worker: Number of GPUs of each worker, positive: consecutive ones of
            `CUDA_VISIBLE_DEVICES` or, if it is unset, of all. `None` lets each worker see all GPUs.
        grace_seconds: Time for workers to end, in each step of a stop. Must not be negative;
            infinity for no limit.

    Returns:
        0 if all workers ended with 0. Otherwise the exit code of the worker that failed first, or
        128 + N if a worker or this process received signal N. 141, as for SIGPIPE, if output could
        not be passed on. Unless it is 0, the last line on standard error gives the reason.

    Raises:
        InvalidInputError: If an argument breaks its rule, `CUDA_VISIBLE_DEVICES` names too few
            devices, or the command cannot be started.
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
    check_value("grace_seconds", GRACE_SECONDS, grace_seconds)


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Catches the signals that ask this process to stop, and yields the list of those received."""
    received: list[int] = []
    numbers = []
    if threading.current_thread() is threading.main_thread():
        numbers = [signal.SIGINT, signal.SIGTERM]
        # Under `nohup`, SIGHUP is ignored and must stay so.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
    before = {n: signal.signal(n, lambda number, _: received.append(number)) for n in numbers}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@dataclass
class Lines:
    """One output of one worker.

    Attributes:
        target: The file descriptor to pass lines on to.
        prefix: Bytes before each line. If empty, all bytes are passed on unchanged.
        pending: The beginning of a line whose end has not come yet.
    """

    target: int
    prefix: bytes
    pending: bytes = b""

    def add(self, data: bytes) -> bytes:
        """Adds data that was read, and returns the lines that are complete."""
        lines, newline, self.pending = (self.pending + data).rpartition(b"\n")
        if not self.prefix:
            return lines + newline
        shown = [part for line in lines.split(b"\n") for part in _states(line) or [b""]]
        # A progress bar may write no newline for an hour: the states up to its last "\r" are shown.
        # The text after it may be incomplete, and a "\r" at the very end may be half a "\r\n".
        begun = self.pending.rstrip(b"\r").rfind(b"\r") + 1
        bar, self.pending = self.pending[:begun], self.pending[begun:]
        return self._prefixed([*(shown if newline else []), *_states(bar)])

    def end(self) -> bytes:
        """Returns the rest after the last newline."""
        rest, self.pending = self.pending, b""
        return self._prefixed(_states(rest)) if self.prefix else rest

    def _prefixed(self, lines: list[bytes]) -> bytes:
        return b"".join(self.prefix + line + b"\n" for line in lines)


def _states(line: bytes) -> list[bytes]:
    """Returns the texts that a terminal shows in turn on one line."""
    return [state for state in line.split(b"\r") if state]


@dataclass
class _Worker:
    index: int
    popen: Popen[bytes]
    code: int | None = None
    outputs: dict[int, Lines] = field(default_factory=dict)
    """The open outputs, by file descriptor."""

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
        # In a new session, so that Ctrl-C at the terminal reaches only the launcher.
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
    """All workers, from their start until the last line of output.

    `received` holds the signals to pass on; `_stop_signals` adds to it.
    """

    def __init__(self, received: list[int], grace_seconds: float) -> None:
        self._received = received
        self._grace_seconds = grace_seconds
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
        # The signals to send, with their times, in order.
        self._plan: list[tuple[float, int]] = []
        self._killed = False
        self._failed: _Worker | None = None
        self._others_were_stopped = False
        self._stopped_by: int | None = None
        # Errors of this process's standard output and standard error, by file descriptor.
        self._unwritable: dict[int, OSError] = {}

    def __enter__(self) -> "_Workers":
        return self

    def __exit__(self, *error: object) -> None:
        """Kills the workers that still run."""
        for worker in self._workers:
            if not worker.is_done:
                worker.send(signal.SIGKILL)
            # Closes the pipes and waits.
            with worker.popen:
                pass
        self._selector.close()

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Starts the next worker; raises as `launch`."""
        worker = _Worker(len(self._workers), _start(command, environment))
        self._workers.append(worker)
        prefix = b"[worker %d] " % worker.index
        is_chief = worker.index == 0
        to_stdout = Lines(_STDOUT, b"") if is_chief else Lines(_STDERR, prefix)
        to_stderr = Lines(_STDERR, prefix)
        pipes = ((worker.popen.stdout, to_stdout), (worker.popen.stderr, to_stderr))
        for pipe, lines in pipes:
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            worker.outputs[pipe.fileno()] = lines
            self._selector.register(pipe, selectors.EVENT_READ, worker)

    def wait(self) -> int:
        """Passes output and signals on until all workers end; returns the exit code of `launch`."""
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
                # A process that still holds the pipe has left the group: the pipe's content is the
                # worker's last output.
                for descriptor in list(worker.outputs):
                    self._read(worker, descriptor)
                    if descriptor in worker.outputs:
                        self._end_output(worker, descriptor)
        if not self._plan and all(worker.code is not None for worker in self._workers):
            # A child left running may hold the worker's output open forever.
            self._plan = self._after_grace(signal.SIGKILL)

    def _after_grace(self, *numbers: int) -> list[tuple[float, int]]:
        now = time.monotonic()
        return [(now + self._grace_seconds * n, each) for n, each in enumerate(numbers, start=1)]

    def _pass_signals_on(self) -> None:
        numbers = []
        while self._received:
            numbers.append(self._received.pop(0))
        # `timeout` signals its child and then the whole group: equal signals count once.
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
    except ValueError:  # real-time signals have no name
        return f"signal {number}"

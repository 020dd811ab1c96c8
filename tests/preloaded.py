"""Real processes that begin with TensorFlow imported: most of what a short one costs otherwise.

    preloaded(code, *arguments)    a command, to be run in the place of `python -c code arguments`
    _serve                         has imported all and computed nothing; forks for all who ask
    _ask                           the command: asks, passes signals on, and ends as what it ran

A process that is forked has the environment, the working folder and the outputs of the command,
is killed with it, and shares nothing with any other.
"""

import atexit
import gc
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

_ROOT = Path(__file__).parent.parent
_NUMBER = struct.Struct("!i")


def preloaded(code: str, *arguments: str) -> list[str]:
    """A command that runs Python code as `python -c` does."""
    return [sys.executable, "-I", "-S", __file__, "ask", _server(), code, *arguments]


@cache
def _server() -> str:
    """Where the one server of this process listens; it ends with this process."""
    folder = TemporaryDirectory()
    path = str(Path(folder.name) / "socket")
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.preloaded", "serve", path],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert server.stdin is not None and server.stdout is not None
    atexit.register(folder.cleanup)
    atexit.register(server.wait)
    atexit.register(server.stdin.close)
    assert server.stdout.read() == b"ready"
    return path


def _ask(path: str, arguments: list[str]) -> int:
    """Has a process forked; gives its exit code, or what killed it as a negative number."""
    request = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
    data = json.dumps(request).encode()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        socket.send_fds(connection, [_NUMBER.pack(len(data))], [0, 1, 2])
        connection.sendall(data)

        def pass_on(number: int, _: FrameType | None) -> None:
            connection.send(bytes([number]))

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, pass_on)
        end = connection.recv(_NUMBER.size)
    return int(_NUMBER.unpack(end)[0]) if end else -signal.SIGKILL


def _serve(path: str) -> list[str]:
    """Forks for all who ask, until standard input ends; returns in what was forked alone."""
    import lstm_sentiment.pipeline.run
    import lstm_sentiment.serving.server
    import lstm_sentiment.training.fit  # noqa: F401

    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those in between
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    os.write(1, b"ready")
    os.dup2(2, 1)
    while 0 not in select.select([listener.fileno(), 0], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            return _run_for(connection)
        connection.close()
    os._exit(0)


def _run_for(connection: socket.socket) -> list[str]:
    """Forks once more, and makes the process what was asked for; gives its arguments."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, files, _, _ = socket.recv_fds(connection, _NUMBER.size, 3)
    with connection.makefile("rb") as stream:
        request = json.loads(stream.read(_NUMBER.unpack(size)[0]))
    ended, alive = os.pipe()
    process = os.fork()
    if process:
        for file in (*files, alive):
            os.close(file)
        _wait_for(process, ended, connection)
    os.close(ended)
    connection.close()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    return list(request["arguments"])


def _wait_for(process: int, ended: int, connection: socket.socket) -> None:
    """Passes signals on to the process, kills it where the command is killed, tells its end."""
    while ended not in select.select([ended, connection.fileno()], [], [])[0]:
        asked = connection.recv(1)
        os.kill(process, asked[0] if asked else signal.SIGKILL)
        if not asked:
            break
    _, status = os.waitpid(process, 0)
    with suppress(BrokenPipeError):
        connection.send(_NUMBER.pack(os.waitstatus_to_exitcode(status)))
    os._exit(0)


if __name__ == "__main__":
    role, where, *rest = sys.argv[1:]
    if role == "ask":
        code = _ask(where, rest)
        if code < 0:
            with suppress(OSError):  # SIGKILL has no handler
                signal.signal(-code, signal.SIG_DFL)
            os.kill(os.getpid(), -code)
        sys.exit(code)
    program, *rest = _serve(where)
    sys.argv = ["-c", *rest]
    exec(compile(program, "<string>", "exec"), {"__name__": "__main__"})

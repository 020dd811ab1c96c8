"""`python`, `pip` and `lstm-sentiment` as a page's shell finds them: answered by this process.

A shell block runs in a real bash. Programs that would start TensorFlow anew are small stand-ins on
its `PATH`, which hand their arguments, working folder, environment and open files to this process
through a socket, and end with the exit code that comes back.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

STAND_IN = """#!{python} -ISEs
import json, os, socket, sys
if sys.argv[1:2] == ["-m"] and sys.argv[2:3] == ["json.tool"]:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
asking = socket.socket(socket.AF_UNIX)
asking.connect({address!r})
program = os.path.basename(sys.argv[0])
question = json.dumps([program, sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(asking, [len(question).to_bytes(4, "big")], [0, 1, 2])
asking.sendall(question)
sys.exit(int(asking.recv(16) or b"70"))
"""
PROGRAMS = ("python", "python3", "pip", "lstm-sentiment", "given")
TIMEOUT_SECONDS = 120

Program = Callable[[Sequence[str]], int | None]


def search_path() -> str:
    """Returns where programs are found, those that were installed beside the tests included."""
    return os.pathsep.join([os.environ["PATH"], sysconfig.get_path("scripts")])


class Answering:
    """Runs shell scripts whose programs are functions of this process."""

    def __init__(self, programs: Mapping[str, Program]) -> None:
        """Makes the stand-ins.

        Args:
            programs: By name, what takes the arguments and gives the exit code.
        """
        self._programs = dict(programs)
        self._folder = tempfile.TemporaryDirectory(prefix="answering")
        self._socket = socket.socket(socket.AF_UNIX)
        address = os.path.join(self._folder.name, "socket")
        self._socket.bind(address)
        self._socket.listen()
        for name in self._programs:
            path = Path(self._folder.name) / name
            path.write_text(STAND_IN.format(python=sys.executable, address=address), "utf-8")
            path.chmod(0o755)
        # An error that a server answers with is one.
        Path(self._folder.name, ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")

    def close(self) -> None:
        self._socket.close()
        self._folder.cleanup()

    def run(self, script: str, folder: Path) -> tuple[int, str]:
        """Runs a script in bash.

        Returns:
            Its exit code, and all that it printed.
        """
        path = os.pathsep.join([self._folder.name, search_path()])
        environment = {
            **os.environ,
            "PATH": path,
            "COLUMNS": "120",
            "NO_COLOR": "1",
            "CURL_HOME": self._folder.name,
        }
        with tempfile.TemporaryFile() as output:
            shell = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", script],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
            try:
                code = self._answer_until(shell)
            finally:
                shell.kill()
                shell.wait()
            output.seek(0)
            return code, output.read().decode("utf-8", "replace")

    def _answer_until(self, shell: "subprocess.Popen[bytes]") -> int:
        self._socket.settimeout(0.05)
        while shell.poll() is None:
            with contextlib.suppress(TimeoutError):
                asked, _ = self._socket.accept()
                with asked:
                    self._answer(asked)
        return shell.returncode

    def _answer(self, asked: socket.socket) -> None:
        asked.settimeout(TIMEOUT_SECONDS)
        size, files, _, _ = socket.recv_fds(asked, 4, 3)
        question = b""
        while len(question) < int.from_bytes(size, "big"):
            question += asked.recv(1 << 16)
        program, arguments, folder, environment = json.loads(question)
        with reader_s_process(program, arguments, Path(folder), environment, files):
            code = _exit_code(self._programs[program], arguments)
        asked.sendall(str(code).encode())


def _exit_code(program: Program, arguments: Sequence[str]) -> int:
    try:
        return program(arguments) or 0
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except Exception:
        traceback.print_exc()
        return 1


@contextlib.contextmanager
def reader_s_process(
    program: str,
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    files: Sequence[int],
) -> Iterator[None]:
    """Makes this process look like one that a reader has started, for a while."""
    before = os.getcwd(), dict(os.environ), sys.argv, sys.stdin, sys.stdout, sys.stderr
    handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    opened = [
        open(number, mode, encoding="utf-8", buffering=1)  # noqa: SIM115
        for number, mode in zip(files, "rww", strict=True)
    ]
    try:
        os.chdir(folder)
        for name in environment.keys() - os.environ.keys():
            os.environ[name] = environment[name]
        sys.argv = [program, *arguments]
        sys.stdin, sys.stdout, sys.stderr = opened
        yield
    finally:
        os.chdir(before[0])
        for name in os.environ.keys() - before[1].keys():
            del os.environ[name]
        _, _, sys.argv, sys.stdin, sys.stdout, sys.stderr = before
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for file in opened:
            file.close()

"""The program and its server, each in a process of its own."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).with_name("lstm-sentiment")
EXPORTED = Path(os.environ["EXPORTED"])

CONFIG = """
model_config_list {{
  config {{
    name: "sentiment"
    base_path: "{folder}/sentiment"
    model_platform: "tensorflow"
    model_version_policy {{ specific {{ versions: 1 versions: 2 }} }}
    version_labels {{ key: "stable" value: 1 }}
    {of_sentiment}
  }}
  config {{ name: "letters" base_path: "{folder}/letters" model_platform: "tensorflow" }}
}}
"""

Command = Callable[..., subprocess.CompletedProcess[str]]


class Log:
    """The lines that a process has written to its standard error."""

    def __init__(self, stream: Iterable[str]) -> None:
        self._stream = stream
        self._lines: list[str] = []
        self._has_ended = False
        self._changed = threading.Condition()
        # Read as long as the process lives: the log must not fill the pipe.
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait_for(self, pattern: str, after: int = 0) -> re.Match[str]:
        """Waits for a line that a pattern is found in, half a minute at most.

        Args:
            pattern: A regular expression.
            after: Number of the first line to look at, see `count`.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._has_ended or self._find(pattern, after) is not None, 30
            )
            found = self._find(pattern, after)
        assert found is not None, f"no line with {pattern!r} in:\n{self.text()}"
        return found

    def count(self) -> int:
        """Returns the number of lines until now."""
        with self._changed:
            return len(self._lines)

    def text(self) -> str:
        """Returns all lines until now."""
        with self._changed:
            return "".join(self._lines)

    def join(self) -> None:
        """Waits for the end of the process's output."""
        self._reader.join()

    def _find(self, pattern: str, after: int) -> re.Match[str] | None:
        found = (re.search(pattern, line) for line in self._lines[after:])
        return next(filter(None, found), None)

    def _read(self) -> None:
        for line in self._stream:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()


@dataclass(frozen=True)
class Server:
    """A server in a process of its own."""

    port: int
    rest_port: int
    config_file: Path
    log: Log

    @property
    def address(self) -> str:
        return f"localhost:{self.port}"

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://localhost:{self.rest_port}{path}") as answer:
            return str(answer.read().decode())

    def post(self, path: str, body: object) -> Any:
        data = json.dumps(body).encode()
        with urllib.request.urlopen(f"http://localhost:{self.rest_port}{path}", data) as answer:
            return json.load(answer)


@contextmanager
def serving(folder: Path, flags: Sequence[str], of_sentiment: str = "") -> Iterator[Server]:
    """Runs `serve` over versions in a folder until the block ends; it must end well.

    Args:
        folder: The base paths of the models.
        flags: Flags of `serve`.
        of_sentiment: More of the config of the first model.
    """
    # A file of its own: what another server was started with must not change under it.
    config_file = folder / ("logged.config" if of_sentiment else "models.config")
    config_file.write_text(CONFIG.format(folder=folder, of_sentiment=of_sentiment))
    with socket.create_server(("127.0.0.1", 0)) as free:
        rest_port = free.getsockname()[1]
    command = [str(PROGRAM), "serve", "--model-config-file", str(config_file), "--port", "auto"]
    command += ["--rest-api-port", str(rest_port), *flags]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        log = Log(process.stderr)
        try:
            found = log.wait_for(r"Serving gRPC on [^ ]+:(\d+)")
            yield Server(int(found[1]), rest_port, config_file, log)
        finally:
            process.terminate()
            process.wait(60)
            log.join()
    assert process.returncode == 0, log.text()

"""The program and its server, each in a process of its own."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator, Sequence
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
  }}
  config {{ name: "letters" base_path: "{folder}/letters" model_platform: "tensorflow" }}
}}
"""

Command = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Server:
    """A server in a process of its own."""

    port: int
    rest_port: int
    config_file: Path

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
def serving(folder: Path, flags: Sequence[str]) -> Iterator[Server]:
    """Runs `serve` over versions in a folder until the block ends; it must end well."""
    config_file = folder / "models.config"
    config_file.write_text(CONFIG.format(folder=folder))
    with socket.create_server(("127.0.0.1", 0)) as free:
        rest_port = free.getsockname()[1]
    command = [str(PROGRAM), "serve", "--model-config-file", str(config_file), "--port", "0"]
    command += ["--rest-api-port", str(rest_port), *flags]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if found := re.search(r"Serving gRPC on [^ ]+:(\d+)", line):
                break
        else:
            raise AssertionError("".join(lines))
        # Its log must not fill the pipe.
        drained = threading.Thread(target=lambda: lines.extend(process.stderr or ()))
        drained.start()
        try:
            yield Server(int(found[1]), rest_port, config_file)
        finally:
            process.terminate()
            process.wait(60)
            drained.join()
    assert process.returncode == 0, "".join(lines)

"""A page's blocks, run one after the other as a reader would, in one folder."""

import json
import os
import re
import runpy
import shutil
import socket
import sys
import tomllib
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from lstm_sentiment.cli.app import main
from lstm_sentiment.serving import server as server_module
from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions
from tests.documentation.answering import Answering, reader_s_process, search_path
from tests.documentation.command_lines import problems_of
from tests.documentation.pages import Block
from tests.documentation.readers_folder import furnish
from tests.documentation.stand_ins import Training

_ADDRESS = re.compile(r"\b(localhost:|127\.0\.0\.1:|localhost\", port=)(\d{4,5})\b")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_FRAME = re.compile(r"[\s\u2500-\u257f]+")
_SETTLE_SECONDS = 60
_LOGGING = """
model_config_list {{
  config {{
    name: "sentiment" base_path: "{folder}/models/sentiment" model_platform: "tensorflow"
    logging_config {{
      log_collector_config {{ type: "file" filename_prefix: "{folder}/{prefix}" }}
      sampling_config {{ sampling_rate: 1.0 }}
    }}
  }}
}}
"""


class ReaderServer(ModelServer):
    """A server that stays when the command that started it has ended."""

    def __exit__(self, *exc_info: object) -> None:
        """Goes on; the walk stops it."""

    def wait_for_termination(self, timeout_seconds: float | None = None) -> bool:
        return True

    def catch_up(self) -> None:
        """Sees at once what it would see in a second."""
        self.poll_now()
        assert self.wait_until_settled(_SETTLE_SECONDS)
        self._observability.request_log.write_waiting()


class PageWalk:
    """One page's folder, servers and Python names."""

    def __init__(self, folder: Path, training: Training) -> None:
        furnish(folder)
        self._folder = folder
        self._training = training
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._servers: dict[int | None, ReaderServer] = {}
        self._ports: dict[int, int] = {}
        self._printed = ""
        for script in folder.rglob("examples/**/*.sh"):
            script.write_text(self._with_own_ports(script.read_text("utf-8")), "utf-8")
        self._answering = Answering(
            {
                "python": self._python,
                "python3": self._python,
                "pip": self._pip,
                "lstm-sentiment": self._cli,
                "given": self._given,
            }
        )

    def close(self) -> None:
        for server in self._servers.values():
            server.stop(grace_seconds=0)
        self._answering.close()

    def run(self, block: Block) -> str | None:
        """Runs a block.

        Returns:
            What was wrong, or `None`.
        """
        text = self._with_own_ports(block.text)
        if "file" in block.marks:
            path = self._folder / block.marks["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        if "output" in block.marks:
            return missing_lines(block.text, self._printed)
        if block.why_not is not None:
            return None
        if "before" in block.marks:
            error = self._shell(self._with_own_ports(block.marks["before"]))
            if error is not None:
                return f"before: {error}"
        if missing_program(block) is not None:
            return None
        if block.language == "sh":
            error = self._shell(text)
        elif "interpreter" in block.marks:
            script = self._folder / "in_own_environment.py"
            script.write_text(text, "utf-8")
            error = self._shell(f'"${block.marks["interpreter"]}" {script.name}')
        elif block.language == "python" and "file" not in block.marks:
            error = self._exec(text, block)
        else:
            error = syntax_error(block)
        if error is None and "after" in block.marks:
            error = self._shell(self._with_own_ports(block.marks["after"]))
        return error

    def _shell(self, script: str) -> str | None:
        code, self._printed = self._answering.run(script, self._folder)
        for server in self._servers.values():
            server.catch_up()
        return None if code == 0 else f"exit code {code}: {self._printed[-3000:]}"

    def _exec(self, text: str, block: Block) -> str | None:
        # Its line numbers are those of the page.
        code = compile("\n" * block.line + text, str(block.page), "exec")
        output = self._folder / ".printed"
        with output.open("w+") as file, open("/dev/null") as nothing:
            files = [nothing.fileno(), file.fileno(), file.fileno()]
            try:
                # Closed by the process that is played, which must not close these.
                with reader_s_process("python", [], self._folder, {}, [*map(os.dup, files)]):
                    exec(code, self._names)
            except (Exception, SystemExit):
                return traceback.format_exc(limit=-3)
        self._printed = output.read_text("utf-8")
        return None

    def _with_own_ports(self, text: str) -> str:
        return _ADDRESS.sub(lambda found: f"{found[1]}{self._port(int(found[2]))}", text)

    def _port(self, shown: int) -> int:
        """A free port in the place of the one that a page shows."""
        if shown in self._ports.values():
            return shown
        if shown not in self._ports:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self._ports[shown] = free.getsockname()[1]
        return self._ports[shown]

    def _python(self, arguments: Sequence[str]) -> int | None:
        match arguments:
            case ["cli.py", *rest]:
                return self._cli(rest)
            case ["-m", "pip", *rest]:
                return self._pip(rest)
            case ["-m", "venv", name]:
                Path(name, "bin").mkdir(parents=True)
                Path(name, "bin", "activate").touch()
            case ["-c", code]:
                exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
            case ["-"] | []:
                exec(compile(sys.stdin.read(), "<stdin>", "exec"), {"__name__": "__main__"})
            case [path, *rest] if path.endswith(".py"):
                sys.argv = [path, *rest]
                runpy.run_path(path, run_name="__main__")
            case _:
                print(f"python {arguments}: not known to the tests", file=sys.stderr)
                return 1
        return None

    def _cli(self, arguments: Sequence[str]) -> int | None:
        sys.argv = ["cli.py", *arguments]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(server_module, "ModelServer", self._start_server)
            main()

    def _start_server(
        self,
        config: Any,
        options: ServerOptions,
        *,
        port: int | None,
        rest_api_port: int | None,
        host: str,
        grpc_socket_path: Path | None,
        peers: None,
    ) -> ReaderServer:
        if port in self._servers:
            self._servers.pop(port).stop(grace_seconds=0)
        server = ReaderServer(
            config,
            options,
            port=port and self._port(port),
            rest_api_port=rest_api_port and self._port(rest_api_port),
            grpc_socket_path=grpc_socket_path,
        )
        self._servers[port] = server
        return server

    def _pip(self, arguments: Sequence[str]) -> int | None:
        problems = problems_of("pip " + " ".join(arguments))
        print("\n".join(problems), file=sys.stderr)
        return len(problems)

    def _log_requests(self, prefix: Path) -> None:
        prefix.parent.mkdir(parents=True, exist_ok=True)
        config = Path("logged.config")
        config.write_text(_LOGGING.format(folder=Path.cwd(), prefix=prefix), "utf-8")
        _succeed(self._cli, ["serve", "--model-config-file", str(config.absolute())])
        for server in self._servers.values():
            address = f"localhost:{server.port}"
            _succeed(self._cli, ["predict", "--input", "others.csv", "--server", address])
            server.catch_up()

    def _given(self, arguments: Sequence[str]) -> int | None:
        """What earlier pages had the reader do."""
        match arguments:
            case ["versions", count]:
                for _ in range(int(count)):
                    _succeed(self._cli, ["fit", "--data", "reviews.csv", "--run-dir", _unused()])
            case ["run", folder]:
                self._training.is_cut_off = True
                try:
                    self._cli(["fit", "--data", "reviews.csv", "--run-dir", folder])
                except SystemExit:
                    return None
                finally:
                    self._training.is_cut_off = False
            case ["config"]:
                shown = Path("serving_configs/models.config").read_text("utf-8")
                own = shown.replace('"/models', f'"{Path.cwd()}/models')
                Path("models.local.config").write_text(own, "utf-8")
            case ["server"]:
                config = Path("models.local.config")
                self._cli(["serve", *(["--model-config-file", str(config)] * config.is_file())])
            case ["log", prefix]:
                self._log_requests(Path(prefix))
            case _:
                raise ValueError(f"given {arguments}")
        return None


def _succeed(program: Any, arguments: Sequence[str]) -> None:
    try:
        program(arguments)
    except SystemExit as ended:
        if ended.code:
            raise


def _unused() -> str:
    number = 1
    while (name := Path("runs") / f"given-{number}").exists():
        number += 1
    return str(name)


def missing_lines(shown: str, printed: str) -> str | None:
    """Compares what a page shows with what was printed; numbers and frames do not count."""
    lines = iter([_plain(line) for line in printed.splitlines()])
    for line in filter(None, map(_plain, shown.splitlines())):
        pattern = re.compile(".*".join(map(re.escape, re.split(r"\.\.\.|…", line))))
        if line.strip(".… ") and not any(pattern.fullmatch(other) for other in lines):
            return f"not printed: {line!r} in:\n{printed[-3000:]}"
    return None


def _plain(line: str) -> str:
    return _NUMBER.sub("0", _FRAME.sub(" ", line)).strip()


def syntax_error(block: Block) -> str | None:
    """What is wrong with a block that is not run."""
    try:
        match block.language:
            case "python":
                compile(block.text, block.page, "exec")
            case "toml":
                tomllib.loads(block.text)
            case "json":
                for document in _documents(block.text):
                    json.loads(document)
            case "yaml":
                list(yaml.safe_load_all(block.text))
    except (SyntaxError, ValueError, yaml.YAMLError) as error:
        return f"{block.language}: {error}"
    return None


def _documents(text: str) -> list[str]:
    """A JSON document, or one a line."""
    lines = text.splitlines()
    return lines if all(line.startswith("{") and line.endswith("}") for line in lines) else [text]


def missing_program(block: Block) -> str | None:
    """A program that a block needs and this machine lacks.

    What does not go with this package needs an interpreter of another environment, whose path is in
    the environment variable that the mark names.
    """
    interpreter = block.marks.get("interpreter")
    if interpreter is not None and interpreter not in os.environ:
        return f"${interpreter}, an interpreter that has what the block imports"
    needed = block.marks.get("needs", "").split()
    if block.language == "sh" and re.search(r"^ *curl |examples/curl/", block.text, re.MULTILINE):
        needed.append("curl")
    return next((name for name in needed if not shutil.which(name, path=search_path())), None)

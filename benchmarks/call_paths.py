"""Counts the calls and files that a text, a request and a label move pass through.

    python -m benchmarks.call_paths

Counts with Python's profiling hook and measures no time: the figures are the same on any machine.
One JSON object a line:

- `fit`: the command, from a CSV file of 60 texts to an exported version. `files` in which a
  function was called, `file_changes`: calls that came from another file of the package, and
  `step_depth`: functions of the package that are on the stack when a training step runs.
- `predict`: one gRPC Predict of one text, in the server's threads that answer the request: that of
  the event loop, and those that it hands work to.
- `label`: `models label` against a running server: `calls` and `files` in the server's threads
  that answer its requests, `client_files` in the command's, and how often any thread read the
  models.config (`file_reads`) and parsed a whole one (`parses`).

Functions that TensorFlow calls in threads of its own are not seen.
"""

import csv
import importlib
import inspect
import json
import os
import pkgutil
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import lstm_sentiment as ls
from lstm_sentiment.cli.app import command_line

_PACKAGE = str(Path(ls.__file__).parent) + os.sep
_ANSWERING = f"serving{os.sep}grpc_api{os.sep}"
_POOLS = ("inference", "light-inference", "reload")
_STEPS = "steps.py"
_SETTLING_SECONDS = 0.5  # a server's thread may note an answer after the client has it
_FIT = (
    *("fit", "--data", "texts.csv", "--text-column", "text", "--label-column", "label"),
    *("--model-dir", "m", "--epochs", "2", "--batch-size", "8"),
)


@dataclass
class CallPaths:
    """Counts the package's calls while `recording` is entered.

    Attributes:
        calls: Calls of each file by each thread, by `(thread, file)`.
        file_changes: Calls that came from another file of the package.
        step_depths: How often a training step ran at each depth.
        opened: How often each file was opened for reading, by name.
        parses: How many whole models.configs were parsed.
    """

    calls: Counter[tuple[int, str]] = field(default_factory=Counter)
    file_changes: int = 0
    step_depths: Counter[int] = field(default_factory=Counter)
    opened: Counter[str] = field(default_factory=Counter)
    parses: int = 0
    _is_recording: bool = False

    def install(self) -> None:
        """Hooks into this thread, threads started later and the opening of files, for good."""
        sys.addaudithook(self._audit)
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Counts from nothing what happens within."""
        for counter in (self.calls, self.step_depths, self.opened):
            counter.clear()
        self.file_changes = self.parses = 0
        self._is_recording = True
        try:
            yield
            time.sleep(_SETTLING_SECONDS)
        finally:
            self._is_recording = False

    def total(self, threads: set[int]) -> dict[str, int]:
        """Returns the `calls` that these threads made, and of how many `files`."""
        found = [(file, n) for (thread, file), n in self.calls.items() if thread in threads]
        return {"calls": sum(n for _, n in found), "files": len({file for file, _ in found})}

    def threads(self, folder: str = "") -> set[int]:
        """Returns the threads that called a function of the package's folder."""
        return {thread for thread, file in self.calls if file.startswith(_PACKAGE + folder)}

    def answering(self) -> set[int]:
        """Returns a server's threads that answered, with those of the pools that it has for it."""
        pools = {each.ident for each in threading.enumerate() if each.name.startswith(_POOLS)}
        return self.threads(_ANSWERING) | {thread for thread in self.threads() if thread in pools}

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._is_recording and event == "open" and "w" not in str(arguments[1]):
            self.opened[Path(os.fsdecode(str(arguments[0]))).name] += 1

    def _profile(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call" or not self._is_recording:
            return
        code = frame.f_code
        if code.co_filename.startswith(_PACKAGE):
            # The bodies of modules and classes run too, when they are imported.
            if code.co_flags & inspect.CO_OPTIMIZED:
                self.calls[threading.get_ident(), code.co_filename] += 1
                caller = next(_package_frames(frame.f_back), None)
                if caller is not None and caller.f_code.co_filename != code.co_filename:
                    self.file_changes += 1
        elif code.co_name == "_ParseOrMerge" and code.co_filename.endswith("text_format.py"):
            self.parses += frame.f_locals["message"].DESCRIPTOR.name == "ModelServerConfig"
        elif code.co_name == "__call__" and code.co_filename.endswith("concrete_function.py"):
            frames = list(_package_frames(frame.f_back))
            if frames and Path(frames[0].f_code.co_filename).name == _STEPS:
                self.step_depths[len(frames)] += 1


def _package_frames(frame: FrameType | None) -> Iterator[FrameType]:
    """Yields the package's frames on the stack, the innermost first."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(_PACKAGE):
            yield frame
        frame = frame.f_back


def main() -> None:
    """Measures and prints the three lines."""
    for module in pkgutil.walk_packages(ls.__path__, "lstm_sentiment."):
        importlib.import_module(module.name)
    paths = CallPaths()
    paths.install()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        _print("fit", **fit(paths))
        shutil.copytree("m/1", "m/2")
        config = f'name: "m" base_path: "{folder}/m" model_platform: "tensorflow"'
        policy = "model_version_policy { all {} }"
        label_at_1 = 'version_labels { key: "stable" value: 1 }'
        Path("models.config").write_text(
            f"model_config_list {{ config {{ {config} {policy} {label_at_1} }} }}\n"
        )
        with ls.ModelServer("models.config", port=0) as server:
            _print("predict", **predict(paths, server.port))
            _print("label", **label(paths, server.port))


def fit(paths: CallPaths) -> dict[str, int]:
    """Counts the command `fit` on a small corpus; leaves `texts.csv` and the folder `m`."""
    with open("texts.csv", "w", encoding="utf-8", newline="") as file:
        texts = csv.writer(file)
        texts.writerow(("text", "label"))
        for number in range(30):
            texts.writerow((f"第{number}间房间很干净，推荐", "positive"))
            texts.writerow((f"第{number}间房间太脏了，失望", "negative"))
    with paths.recording():
        _run(*_FIT)
    return {
        **paths.total(paths.threads()),
        "file_changes": paths.file_changes,
        "step_depth": paths.step_depths.most_common(1)[0][0],
    }


def predict(paths: CallPaths, port: int) -> dict[str, int]:
    """Counts one Predict in the thread that answers the request."""
    with ls.PredictClient(f"localhost:{port}", model="m") as client:
        client.predict(["房间很干净"])
        with paths.recording():
            client.predict(["房间很干净"])
    return paths.total(paths.answering())


def label(paths: CallPaths, port: int) -> dict[str, int]:
    """Counts one move of a label by the command, at a running server."""
    with paths.recording():
        _run(
            *("models", "label", "stable", "2", "--model-config-file", "models.config"),
            *("--server", f"localhost:{port}"),
        )
    return {
        **paths.total(paths.answering()),
        "client_files": paths.total({threading.get_ident()})["files"],
        "file_reads": paths.opened["models.config"],
        "parses": paths.parses,
    }


def _run(*arguments: str) -> None:
    """Runs a command; its output goes to standard error."""
    with redirect_stdout(sys.stderr):
        command_line()(list(arguments), prog_name="cli.py", standalone_mode=False)


def _print(name: str, **counts: int) -> None:
    print(json.dumps({"benchmark": "call_paths", "name": name, **counts}), flush=True)


if __name__ == "__main__":
    main()

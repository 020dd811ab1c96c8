"""The core without what only POSIX has: imported, and used as on Windows."""

import ast
import gzip
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import lstm_sentiment
from lstm_sentiment import FitResult, system
from lstm_sentiment.unfinished import unfinished_path
from tests.exported import add_version
from tests.like_windows import run_like_windows

PACKAGE = Path(lstm_sentiment.__file__).parent

IMPORTED_BY = {
    "fcntl": {"file_locks.py", "serving/workers/posix.py"},
    "msvcrt": {"file_locks.py"},
    "resource": {"system.py"},
    "uvloop": {"serving/event_loop.py"},
}
NEVER_IMPORTED = {"pwd", "grp", "termios", "tty", "pty", "posix", "syslog", "readline", "curses"}

# The modules of the core whose work needs POSIX alone can be imported too.
IMPORT = """
import importlib, json, sys
for module in json.loads(sys.argv[1]):
    importlib.import_module(module)
"""

COMMANDS = """
import json, sys
from lstm_sentiment.cli.app import main

codes = []
for command in json.loads(sys.argv[1]):
    sys.argv[1:] = command
    try:
        main()
    except SystemExit as ended:
        codes.append(ended.code)
print(json.dumps(codes))
"""

SERVE = """
import json, sys, urllib.request
from pathlib import Path
from lstm_sentiment import ModelServer, PredictClient

config = Path("models.config")
with ModelServer(config, port=0, rest_api_port=0) as server:
    with PredictClient(f"localhost:{server.port}", model="sentiment") as client:
        by_grpc = client.predict(["房间很干净"])[0].label
    request = json.dumps({"signature_name": "text", "instances": ["房间很干净"]}).encode()
    url = f"http://localhost:{server.rest_api_port}"
    with urllib.request.urlopen(f"{url}/v1/models/sentiment:predict", request) as answer:
        by_rest = json.load(answer)["predictions"][0]["label"]
    with urllib.request.urlopen(url) as page:
        assert page.status == 200
    server.poll_now()
print(json.dumps([by_grpc, by_rest]))
"""

LOCK = """
import json, threading
from pathlib import Path
from lstm_sentiment.file_locks import opened_for_lock, try_lock
from lstm_sentiment.models_config.write import locked

def is_free():
    with opened_for_lock(Path.cwd()) as file:
        return try_lock(file)

found = []
with locked(Path("models.config")):
    found.append(is_free())
    waiting = threading.Thread(target=lambda: locked(Path("models.config")).__enter__())
    waiting.daemon = True
    waiting.start()
found.append(is_free() or waiting.join(50) or is_free())
print(json.dumps([found, [path.name for path in Path.cwd().iterdir()]]))
"""

LEFT = """
from pathlib import Path
from lstm_sentiment.unfinished import staging_folder
with staging_folder(Path.cwd()) as folder:
    (folder / "saved_model.pb").write_bytes(b"")
    folder.rename("1")
"""

REPLACE = """
import time
from pathlib import Path
from lstm_sentiment.system import write_whole

reader = open("a")
time.sleep = lambda seconds: reader.close()
with write_whole(Path("a")) as file:
    file.write(b"after")
"""


def passed(ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def imports(path: Path) -> set[str]:
    """The first part of each module that a file imports, anywhere in it."""
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


@pytest.fixture(scope="module")
def folder(fitted: FitResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with a version, a config, and texts."""
    folder = tmp_path_factory.mktemp("work")
    add_version(folder / "sentiment", 1, fitted)
    (folder / "models.config").write_text(
        f'model_config_list {{ config {{ name: "sentiment" base_path: "{folder}/sentiment" '
        f'model_platform: "tensorflow" logging_config {{ log_collector_config {{ type: "file" '
        f'filename_prefix: "{folder}/requests" }} sampling_config {{ sampling_rate: 1 }} }} }} }}'
    )
    (folder / "reviews.csv").write_text("text,id\n房间很干净,1\n早餐真的差,2\n", "utf-8")
    texts = gzip.compress("房间很干净\n早餐真的差\n".encode())
    (folder / "texts.txt.gz").write_bytes(texts)
    return folder


def test_what_one_system_alone_has_is_behind_one_module() -> None:
    files = {path.relative_to(PACKAGE).as_posix(): imports(path) for path in PACKAGE.rglob("*.py")}
    for module, modules in IMPORTED_BY.items():
        assert {name for name, found in files.items() if module in found} == modules, module
    for name, found in files.items():
        assert not found & NEVER_IMPORTED, name


def test_the_core_is_imported_without_what_windows_lacks() -> None:
    from tests.test_light_imports import modules_of_the_rooms

    passed(run_like_windows(IMPORT, json.dumps(modules_of_the_rooms())))


def test_commands_work_and_those_that_cannot_say_why(folder: Path) -> None:
    commands = [
        ["--help"],
        ["predict", "房间很干净", "--model", "sentiment", "--json"],
        *[["predict", "--input", "reviews.csv", "--model", "sentiment", "--output", "out.csv"]] * 2,
        ["explain", "房间很干净", "--model", "sentiment"],
        ["score", "texts.txt.gz", "--model", "sentiment", "--format", "csv"],
        ["inspect", "sentiment"],
        ["models", "label", "stable", "1", "--model-config-file", "models.config"],
        ["models", "status", "--model-config-file", "models.config"],
        ["serve", "--model-base-path", "sentiment", "--workers", "2"],
        ["serve", "--model-base-path", "sentiment", "--grpc-socket-path", "socket"],
        ["serve", "--model-base-path", "C:/models/sentiment"],
        ["fit", "reviews.csv"],
        ["launch", "--workers", "2", "--", "fit"],
    ]
    ended = run_like_windows(COMMANDS, json.dumps(commands), cwd=folder)
    codes = json.loads(passed(ended).splitlines()[-1])
    assert codes == [0] * 9 + [2] * 5, ended.stderr
    errors = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert [error.removeprefix("error: ")[:60] for error in errors] == [
        "`workers` must be 1 on a system whose processes cannot share",
        "this platform has no UNIX sockets; leave the socket's path o",
        "C:/models/sentiment: must be a folder of versions, such as `",
        *["training needs TensorFlow: tensorflow-text has no package fo"] * 2,
    ]
    assert (folder / "out.csv").read_text("utf-8-sig").count("\n") == 3
    assert "stable" in (folder / "models.config").read_text("utf-8")
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_a_server_answers_and_logs_what_it_was_asked(folder: Path) -> None:
    by_grpc, by_rest = json.loads(passed(run_like_windows(SERVE, cwd=folder)))
    assert by_grpc == by_rest
    command = [["labels", "from-log", "requests", "--output", "logged.csv"]]
    (log,) = folder.glob("requests-*")
    command[0][2] = log.name
    passed(run_like_windows(COMMANDS, json.dumps(command), cwd=folder))
    assert "房间很干净" in (folder / "logged.csv").read_text("utf-8-sig")


def test_a_config_is_locked_by_a_file_that_goes_with_the_lock(tmp_path: Path) -> None:
    found, left = json.loads(passed(run_like_windows(LOCK, cwd=tmp_path)))
    assert found[0] is False
    assert set(left) <= {".lock"}


def test_what_killed_processes_left_is_deleted_after_a_day(tmp_path: Path) -> None:
    old, new = tmp_path / ".writing-old", tmp_path / ".writing-new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "saved_model.pb").touch()
    days_ago = time.time() - 2 * 24 * 60 * 60
    for path in (old / "saved_model.pb", old):
        os.utime(path, (days_ago, days_ago))
    passed(run_like_windows(LEFT, cwd=tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"1", new.name}
    assert (tmp_path / "1" / "saved_model.pb").exists()


def test_a_file_that_a_reader_has_open_is_replaced_when_it_is_closed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"before")
    passed(run_like_windows(REPLACE, cwd=tmp_path))
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"after"]


def test_half_a_character_is_left_out_of_a_name_that_is_cut_off(tmp_path: Path) -> None:
    for length in range(60, 90):
        name = unfinished_path(tmp_path / ("评" * length)).name
        assert len(name.encode()) <= 255 and "\udce8" not in name


def test_positions_of_one_file_are_read_by_several_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, wrong = tmp_path / "a", list[int]()
    path.write_bytes(bytes(range(256)) * 4)

    def read(file: int, start: int) -> None:
        for position in range(start, 1024, 4):
            if system.read_at(file, 1, position) != bytes([position % 256]):
                wrong.append(position)

    monkeypatch.setattr(sys, "platform", "win32")
    with path.open("rb") as opened:
        threads = [threading.Thread(target=read, args=(opened.fileno(), n)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []

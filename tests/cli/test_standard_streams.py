"""No terminal, charset, full disk or closed pipe ends a command other than in one line."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

ANSWER = "好👍"
PROGRAM = [sys.executable, str(REPOSITORY / "cli.py")]


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose words, and whose name, hold what few charsets have."""
    path = tmp_path_factory.mktemp("vectors") / f"{ANSWER}.txt"
    path.write_text(f"{ANSWER} 0.1 0.2\n房间 0.3 0.4\n", "utf-8")
    return path


def told(*arguments: str | Path | bytes) -> list[str | Path | bytes]:
    return [*PROGRAM, *arguments]


def environment(**changes: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return kept | {"PYTHONWARNINGS": "ignore"} | changes


CHARSETS = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "ascii:strict"},
    {"PYTHONIOENCODING": "gbk"},
    {"PYTHONIOENCODING": "cp1252"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.parametrize("charset", CHARSETS, ids=str)
def test_what_a_charset_lacks_is_escaped_in_results_and_errors(
    vectors: Path, charset: Mapping[str, str]
) -> None:
    for arguments, code in (
        (("vectors", "info", vectors, "--json"), 0),
        (("vectors", "info", vectors.with_name(f"{ANSWER}{ANSWER}")), 2),
        (("vectors", "info", b"\xff\xfe"), 2),
        ((f"--{ANSWER}",), 2),
    ):
        ended = subprocess.run(
            told(*arguments), env=environment(**charset), capture_output=True, timeout=60
        )
        said = ended.stdout + ended.stderr
        assert ended.returncode == code, said
        assert b"Traceback" not in said and b"Exception" not in said
        assert code == 0 or (said.startswith(b"error: ") and said.count(b"\n") == 1)
        # Of arguments, the C locale gives bytes.
        assert b"\\udc" in said or b"\\U0001f44d" in said


TERMINALS = [
    {"TERM": "dumb"},
    {"TERM": "xterm", "COLUMNS": "0", "LINES": "0"},
    {"TERM": "xterm", "COLUMNS": "1"},
    {"TERM": "xterm", "COLUMNS": "-5"},
    {"TERM": "xterm", "COLUMNS": "wide"},
    {"TERM": "xterm-256color", "NO_COLOR": "1"},
    {"TERM": "xterm-256color", "PYTHONIOENCODING": "ascii"},
    {"TERM": "xterm", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {},
]


@pytest.mark.parametrize("terminal", TERMINALS, ids=str)
def test_any_terminal_will_do(vectors: Path, terminal: Mapping[str, str]) -> None:
    code, said = on_a_terminal(told("vectors", "info", vectors), environment(**terminal))
    assert code == 0, said
    assert b"Traceback" not in said and b"vectors" in said


@pytest.mark.parametrize("terminal", TERMINALS, ids=str)
def test_the_message_while_tensorflow_is_imported(
    tmp_path: Path, terminal: Mapping[str, str]
) -> None:
    (tmp_path / "tensorflow_text.py").write_text("")
    program = (
        "from lstm_sentiment.cli.console import import_tensorflow\n"
        "from lstm_sentiment.cli.standard_streams import prepare_streams\n"
        "prepare_streams(); import_tensorflow()"
    )
    path = os.pathsep.join([str(tmp_path), str(REPOSITORY)])
    code, said = on_a_terminal(
        [sys.executable, "-c", program], environment(**terminal, PYTHONPATH=path)
    )
    assert code == 0, said


def on_a_terminal(
    command: Sequence[str | Path | bytes], variables: Mapping[str, str]
) -> tuple[int, bytes]:
    """Exit code, and what a terminal gets of both outputs."""
    inside, outside = pty.openpty()
    with subprocess.Popen(
        command,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=outside,
        stderr=outside,
    ) as running:
        os.close(outside)
        said = b""
        try:
            while part := os.read(inside, 2**16):
                said += part
        except OSError:  # the other end is closed
            pass
        os.close(inside)
    return running.returncode, said


def test_a_full_disk_is_told_in_one_line(vectors: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            told("vectors", "info", vectors, "--quiet"),
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
        )
    assert ended.returncode == 2
    assert ended.stderr == b"error: standard output: cannot be written: No space left on device.\n"


def test_a_reader_that_has_gone_is_no_error_to_tell(vectors: Path) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    ended = subprocess.run(
        told("vectors", "info", vectors, "--quiet"),
        env=environment(),
        stdout=writes,
        stderr=subprocess.PIPE,
        timeout=60,
    )
    os.close(writes)
    assert (ended.returncode, ended.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("redirected", "arguments", "code"),
    [
        ("2>/dev/full", ("vectors", "info"), 0),
        ("2>/dev/full", ("inspect",), 2),
        ("2>&-", ("vectors", "info"), 0),
        ("2>&-", ("inspect",), 2),
        (">&-", ("vectors", "info"), 0),
        ("<&- >&- 2>&-", ("vectors", "info"), 0),
        ("<&-", ("predict", "--model"), 2),
    ],
)
def test_where_nobody_can_be_told_the_exit_code_tells(
    vectors: Path, redirected: str, arguments: Sequence[str], code: int
) -> None:
    ended = subprocess.run(
        ["bash", "-c", f'"$@" {redirected}', "-", *told(*arguments, vectors)],
        env=environment(),
        capture_output=True,
        timeout=60,
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    # What belongs to a closed stream is not in another one, nor in a file.
    assert b"error" not in ended.stdout
    assert vectors.read_text("utf-8").startswith(ANSWER)
    assert ended.stderr.count(b"\n") <= 1


def test_a_working_folder_that_was_removed_is_named(vectors: Path) -> None:
    command = 'mkdir gone; cd gone; rmdir ../gone; "$@"'
    ended = subprocess.run(
        ["bash", "-c", command, "-", *told("vectors", "info", "v.txt")],
        cwd=vectors.parent,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ") and ended.stderr.count("\n") == 1


def test_warnings_that_are_made_errors_elsewhere_end_no_command(vectors: Path) -> None:
    program = (
        "import warnings\nfrom lstm_sentiment.cli import verbosity\nverbosity.begin()\n"
        "for kind in (DeprecationWarning, UserWarning, ResourceWarning): warnings.warn('x', kind)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(PYTHONWARNINGS="error", PYTHONPATH=str(REPOSITORY)),
        capture_output=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr


def test_a_pipe_that_does_not_block_is_waited_for(tmp_path: Path) -> None:
    """As Node.js leaves pipes to what it starts."""
    path = tmp_path / "many.csv"
    path.write_text("\n".join(["text", *(ANSWER * 20 for _ in range(2_000))]), "utf-8")
    program = (
        "from lstm_sentiment.cli.standard_streams import flush_output, prepare_streams\n"
        f"prepare_streams(); print(open({str(path)!r}, encoding='utf-8').read()); flush_output()"
    )
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    with subprocess.Popen([sys.executable, "-c", program], stdout=writes) as running:
        os.close(writes)
        with os.fdopen(reads, "rb") as read:
            said = read.read()
    assert running.returncode == 0
    assert said.decode().strip() == path.read_text("utf-8")

"""Runs Python with what Windows lacks hidden, and with the rules of its file systems.

    modules      `fcntl`, `resource`, `pwd`, `termios`, uvloop, TensorFlow and others cannot be
                 imported; `msvcrt` can, with `locking` alone
    attributes   of `os`, `signal`, `socket`, `select`: those that are not on Windows are deleted
    files        an open file is neither renamed nor deleted, a folder is not opened, `os.rename`
                 replaces nothing, symbolic links need a right, some names are refused, /proc and
                 /dev are missing; a new file must be opened as binary

Packages of others, and of Python itself, are imported before, for this system: it is our code that
must do without. What a real Windows does beyond that is not seen here.
"""

import errno
import importlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from tests.without_train import TRAIN

PACKAGES = (
    *("asyncio", "concurrent.futures", "ctypes", "gzip", "http.client", "importlib.metadata"),
    *("logging.handlers", "multiprocessing", "pathlib", "shutil", "sqlite3", "ssl", "subprocess"),
    *("tempfile", "unittest.mock", "urllib.request", "zipfile", "zoneinfo"),
    *("google.protobuf.json_format", "google.protobuf.text_format", "grpc.aio"),
    *("grpc_health.v1.health", "grpc_reflection.v1alpha.reflection", "h11", "httptools"),
    *("lazy_loader", "ml_dtypes", "numpy", "onnxruntime", "prometheus_client", "pydantic"),
    *("rich.console", "rich.live", "rich.progress", "rich.table", "rich.traceback"),
    *("sentencepiece", "threadpoolctl", "tomli_w", "typer", "uvicorn"),
)
MODULES = (
    *("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "readline", "curses"),
    "uvloop",
    *TRAIN,
)
ATTRIBUTES: dict[ModuleType, tuple[str, ...]] = {
    os: (
        *("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_SYNC", "pread", "pwrite", "preadv", "pwritev"),
        *("chown", "fchown", "fchmod", "lchown", "getuid", "geteuid", "getgid", "getegid"),
        *("getgroups", "getpgid", "getsid", "setsid", "killpg", "fork", "forkpty", "mkfifo"),
        *("sched_getaffinity", "sched_setaffinity", "memfd_create", "set_blocking", "uname"),
        *("getpriority", "setpriority", "nice", "sysconf", "statvfs", "register_at_fork"),
        *("getloadavg", "openpty", "sendfile", "posix_spawn", "WIFEXITED", "WEXITSTATUS"),
    ),
    signal: (
        *("SIGHUP", "SIGKILL", "SIGPIPE", "SIGUSR1", "SIGCHLD", "SIGALRM", "SIGXFSZ", "alarm"),
        *("pthread_kill", "pthread_sigmask", "setitimer", "sigwait"),
    ),
    socket: ("AF_UNIX", "SO_REUSEPORT", "TCP_INFO", "send_fds", "recv_fds"),
}
_BINARY = 0o100000  # of Windows; on Linux `O_LARGEFILE`, which changes nothing
_REFUSED_CHARACTERS = set('<>:"|?*\\') | set(map(chr, range(32)))
_REFUSED_NAMES = {"con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in "123")}


def run_like_windows(
    code: str, *arguments: str, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Runs a program there, in a process of its own."""
    program = f"import tests.like_windows as windows; windows.begin(); {code}"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        **options,
    )


def begin() -> None:
    """Makes this process one as on Windows, for good."""
    for name in PACKAGES:
        importlib.import_module(name)
    _provide_locks()
    _keep_python_going()
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    for module, names in ATTRIBUTES.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    signal.SIGBREAK = signal.SIGUSR2  # type: ignore[attr-defined]
    vars(os).update(rename=_rename, O_BINARY=_BINARY)
    sys.addaudithook(_check)
    sys.platform = "win32"


def _provide_locks() -> None:
    import fcntl

    def locking(descriptor: int, mode: int, count: int) -> None:
        assert (mode, count) == (2, 1) and os.lseek(descriptor, 0, os.SEEK_CUR) == 0
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None

    msvcrt = ModuleType("msvcrt")
    msvcrt.__dict__.update(locking=locking, LK_NBLCK=2)
    sys.modules["msvcrt"] = msvcrt


def _keep_python_going() -> None:
    """Leaves Python's own modules what they need of this system."""
    import shutil

    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    pair, unix = socket.socketpair, socket.AF_UNIX
    socket.socketpair = lambda *arguments: pair(*arguments or (unix,))


_rename_or_replace = os.rename
_checking = threading.local()


def _rename(source: Any, target: Any) -> None:
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(target))
    _rename_or_replace(source, target)


def _check(event: str, arguments: tuple[Any, ...]) -> None:
    """Raises what Windows would for what a process does with files."""
    check = _CHECKS.get(event)
    if check is None or getattr(_checking, "is_busy", False):
        return
    with _unchecked():
        check(*arguments)


@contextmanager
def _unchecked() -> Iterator[None]:
    _checking.is_busy = True
    try:
        yield
    finally:
        _checking.is_busy = False


def _check_open(path: Any, mode: str | None, flags: int) -> None:
    if isinstance(path, int) or path in (os.devnull, os.devnull.encode()):
        return
    name = os.path.abspath(os.fsdecode(path))
    if flags & os.O_DIRECTORY:  # an unnamed file of `tempfile`
        return
    if name.startswith(("/proc/", "/dev/", "/sys/")) and not _is_asked_by_a_package():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    if os.path.isdir(name):
        raise _not_permitted(name)
    if flags & os.O_CREAT:
        _check_name(name)
        if mode is None and flags & os.O_EXCL and not _is_asked_by_a_package():
            assert flags & _BINARY, f"{name}: line ends would be changed"


def _is_asked_by_a_package() -> bool:
    """Returns whether the first caller outside Python's own modules is another's package."""
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if "site-packages" in frame.f_code.co_filename:
            return True
        if frame.f_globals.get("__name__", "").startswith("lstm_sentiment"):
            return False
    return False


def _check_name(path: str) -> None:
    name = os.path.basename(path)
    is_reserved = name.partition(".")[0].lower() in _REFUSED_NAMES
    if _REFUSED_CHARACTERS & set(name) or name.endswith((" ", ".")) or is_reserved:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)


def _check_new_folder(path: Any, *_: Any) -> None:
    _check_name(os.path.abspath(os.fsdecode(path)))


def _check_rename(source: Any, target: Any, *_: Any) -> None:
    _check_name(os.path.abspath(os.fsdecode(target)))
    _check_closed(source)
    _check_closed(target)


def _check_closed(path: Any, *_: Any) -> None:
    name = os.path.realpath(os.fsdecode(path))
    for number in os.listdir("/proc/self/fd"):
        try:
            file = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue
        if file == name or file.startswith(f"{name}/"):
            raise _not_permitted(name)


def _check_signal(process: int, number: int) -> None:
    # It would end the process, whatever the number but two.
    raise AssertionError(f"os.kill({process}, {number})")


def _check_link(*_: Any) -> None:
    raise OSError(errno.EPERM, "a required privilege is not held by the client")


def _not_permitted(path: str) -> PermissionError:
    return PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


_CHECKS: dict[str, Callable[..., None]] = {
    "open": _check_open,
    "os.mkdir": _check_new_folder,
    "os.rename": _check_rename,
    "os.remove": _check_closed,
    "os.rmdir": _check_closed,
    "os.kill": _check_signal,
    "os.symlink": _check_link,
}

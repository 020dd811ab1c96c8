"""Runs a command in a fork of this process, which has imported all and computed nothing."""

import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.durability.operations import Blow, watch

_OPERATIONS = ".operations"
TEMPORARY = "tmp"
"""The folder of a case for temporary files."""


@dataclass(frozen=True)
class Ended:
    """A command that has ended.

    Attributes:
        code: The exit code; negative for the signal that killed it.
        said: What it wrote on standard output and standard error.
        operations: Its file operations; empty if it was killed.
    """

    code: int
    said: str
    operations: tuple[str, ...]

    @property
    def is_killed(self) -> bool:
        """Returns whether the blow killed it."""
        return self.code in (-signal.SIGKILL, -signal.SIGXFSZ)


def run(arguments: Sequence[str], case: Path, blow: Blow | None = None) -> Ended:
    """Runs `python cli.py ARGUMENTS` in the folder of a case.

    Args:
        arguments: The command and its arguments.
        case: Absolute path of the folder; temporary files have a folder of their own there.
        blow: What happens to the command; `None` for nothing.
    """
    told = case.with_name(f"{case.name}{_OPERATIONS}")
    told.unlink(missing_ok=True)
    # A pipe, which a limit on the sizes of files leaves alone.
    read, write = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process == 0:
        try:
            for descriptor in (1, 2):
                os.dup2(write, descriptor)
            os.close(read)
            os.close(write)
            _become(arguments, case, told, blow or Blow())
        finally:
            os._exit(99)
    os.close(write)
    with os.fdopen(read, "rb") as output:
        said = output.read().decode("utf-8", "replace")
    _, status = os.waitpid(process, 0)
    operations = told.read_text("utf-8").splitlines() if told.exists() else []
    return Ended(os.waitstatus_to_exitcode(status), said, tuple(operations))


def _become(arguments: Sequence[str], case: Path, told: Path, blow: Blow) -> None:
    """Makes this process the command; never returns."""
    os.chdir(case)
    (case / TEMPORARY).mkdir(exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(case / TEMPORARY)
    sys.argv = ["cli.py", *arguments]
    from lstm_sentiment.cli.app import main

    operations = watch(case, blow)
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    with suppress(OSError):
        sys.stdout.flush()
        told.write_text("\n".join(operations()), "utf-8")
    os._exit(code)


def import_all(*, trains: bool) -> None:
    """Imports what the commands import, so that a fork need not.

    Args:
        trains: Whether a command needs TensorFlow.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import lstm_sentiment.cli.app
    import lstm_sentiment.serving.light.loader
    import lstm_sentiment.versions.scoring.score

    if trains:
        import lstm_sentiment.labels.check
        import lstm_sentiment.pipeline.run
        import lstm_sentiment.report.page.write
        import lstm_sentiment.tuning.search  # noqa: F401

"""`launch`: starts one command as several workers on this machine."""

import sys
from typing import Annotated

import typer

from lstm_sentiment.checks import require_train
from lstm_sentiment.cli.program import program
from lstm_sentiment.errors import InvalidInputError

if sys.platform == "win32":

    def launch_workers(*command: object, **settings: object) -> int:
        """Refuses to start workers."""
        raise InvalidInputError(
            "`launch` needs process groups: run it on Linux, macOS or in WSL. Received: Windows."
        )

else:
    from lstm_sentiment.training.workers.launcher import launch as launch_workers


def launch(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND",
            help="After `--`: a command of this program and all its flags.",
            show_default=False,
        ),
    ] = None,
    *,
    workers: Annotated[int, typer.Option(metavar="N", help="Number of workers to start.")],
    gpus_per_worker: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Number of GPUs for each worker, out of CUDA_VISIBLE_DEVICES if that is set. "
            "Default: every worker uses all GPUs.",
        ),
    ] = None,
    grace_seconds: Annotated[
        float,
        typer.Option(
            help="Seconds to let stopped workers finish before killing them; inf for no limit."
        ),
    ] = 10.0,
) -> None:
    """Run a command as several workers on this machine, which train together.

    Each worker gets its own TF_CONFIG, with free ports. Standard output is that
    of worker 0. The messages of all workers go to standard error, each after
    the number of its worker. If a worker fails, launch stops the others and
    exits with the same code. Ctrl-C stops all workers; a second Ctrl-C kills
    them.

    Example: python cli.py launch --workers 2 -- fit reviews.csv --strategy multi-worker
    """
    require_train()
    if not command:
        raise InvalidInputError(
            f"A command must follow `--`, as in `{program()} launch --workers 2 -- fit`. "
            "Received: none."
        )
    if command[0] == "launch":
        raise InvalidInputError(
            "The command that follows `--` must be another than `launch`. Received: 'launch'."
        )
    # This program again: cli.py or the installed script, which is a Python file as well.
    own = (sys.executable, sys.argv[0])
    raise typer.Exit(
        launch_workers(
            (*own, *command),
            workers=workers,
            gpus_per_worker=gpus_per_worker,
            grace_seconds=grace_seconds,
        )
    )

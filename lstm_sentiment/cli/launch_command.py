"""`launch`: one command as several workers on this machine."""

import sys
from typing import Annotated

import typer

from lstm_sentiment.cli.program import program
from lstm_sentiment.errors import InvalidInputError
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
    workers: Annotated[int, typer.Option(metavar="N", help="How many to start.")],
    gpus_per_worker: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="GPUs that each worker has for itself, of those in CUDA_VISIBLE_DEVICES if that "
            "is set. Default: each sees all.",
        ),
    ] = None,
    grace_seconds: Annotated[
        float, typer.Option(help="How long workers have to end by themselves before a kill.")
    ] = 10.0,
) -> None:
    """Run a command as several workers on this machine, which train together.

    Each has its TF_CONFIG, with free ports. Worker 0's standard output is
    passed on as it is; all other lines come on standard error, each after
    its worker's number. Where one fails, the others are stopped, and its
    exit code is that of launch. Ctrl-C stops all; a second one kills them.

    Example: python cli.py launch --workers 2 -- fit --data reviews.csv --strategy multi-worker
    """
    if not command:
        raise InvalidInputError(
            f"A command must follow `--`, as in `{program()} launch --workers 2 -- fit`. "
            "Received: none."
        )
    if command[0] == "launch":
        raise InvalidInputError(
            "The command that follows `--` must be another than `launch`. Received: 'launch'."
        )
    # This program again, be it cli.py or the installed script, which is Python as well.
    own = (sys.executable, sys.argv[0])
    raise typer.Exit(
        launch_workers(
            (*own, *command),
            workers=workers,
            gpus_per_worker=gpus_per_worker,
            grace_seconds=grace_seconds,
        )
    )

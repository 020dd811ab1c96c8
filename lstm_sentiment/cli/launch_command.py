"""`launch`: starts one command as several workers, or as the worker of a Kubernetes pod."""

import sys
from typing import Annotated

import typer

from lstm_sentiment.checks import require_train
from lstm_sentiment.cli.program import program
from lstm_sentiment.cli.setting_flags import is_given
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.training.workers.kubernetes import PORT, become, pod_environment

if sys.platform == "win32":

    def launch_workers(*command: object, **settings: object) -> int:
        """Refuses to start workers."""
        raise InvalidInputError(
            "`launch` needs process groups: run it on Linux, macOS or in WSL. Received: Windows."
        )

else:
    from lstm_sentiment.training.workers.launcher import launch as launch_workers

_KUBERNETES = "Kubernetes"
_OF_A_MACHINE = ("gpus_per_worker", "grace_seconds")
_OF_A_POD = ("service", "port")


def launch(
    context: typer.Context,
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND",
            help="After `--`: a command of this program and all its flags.",
            show_default=False,
        ),
    ] = None,
    *,
    workers: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Number of workers to start; with --from-kubernetes, the Job's `completions`.",
        ),
    ],
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
    from_kubernetes: Annotated[
        bool,
        typer.Option(
            "--from-kubernetes",
            help="Run as the worker of this pod of a Kubernetes Indexed Job: set TF_CONFIG from "
            "JOB_COMPLETION_INDEX and the host name, and become the command.",
            rich_help_panel=_KUBERNETES,
        ),
    ] = False,
    service: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Headless Service that is the `subdomain` of the Job's pods. Default: the name of "
            "the Job.",
            rich_help_panel=_KUBERNETES,
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(help="Port on which each pod's worker listens.", rich_help_panel=_KUBERNETES),
    ] = PORT,
) -> None:
    """Run a command as several workers on this machine, which train together.

    Each worker gets its own TF_CONFIG, with free ports. Standard output is that
    of worker 0. The messages of all workers go to standard error, each after
    the number of its worker. If a worker fails, launch stops the others and
    exits with the same code. Ctrl-C stops all workers; a second Ctrl-C kills
    them.

    With --from-kubernetes, it starts one worker: that of the pod in which it
    runs.

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
    _check_combination(context, from_kubernetes)
    # This program again: cli.py or the installed script, which is a Python file as well.
    own = (sys.executable, sys.argv[0])
    if from_kubernetes:
        become((*own, *command), pod_environment(workers, service=service, port=port))
    raise typer.Exit(
        launch_workers(
            (*own, *command),
            workers=workers,
            gpus_per_worker=gpus_per_worker,
            grace_seconds=grace_seconds,
        )
    )


def _check_combination(context: typer.Context, from_kubernetes: bool) -> None:
    rule = "cannot be combined with" if from_kubernetes else "must be given with"
    for name in _OF_A_MACHINE if from_kubernetes else _OF_A_POD:
        if is_given(context, name):
            flag = f"--{name.replace('_', '-')}"
            raise InvalidInputError(
                f"`{flag}` {rule} `--from-kubernetes`. Received: `{flag}`"
                f"{'' if from_kubernetes else ' alone'}."
            )

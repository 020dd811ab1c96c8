"""`models`: shows and changes versions and labels of a models.config and a running server."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lstm_sentiment.cli.compare_command import compare
from lstm_sentiment.cli.completion import offered_labels, offered_versions
from lstm_sentiment.cli.drift_command import drift
from lstm_sentiment.cli.flag_groups import takes_flag_groups
from lstm_sentiment.cli.models_flags import (
    ModelFlags,
    ModelName,
    ServerFlags,
    tell_commands,
    tell_notes,
)
from lstm_sentiment.cli.options import AsJson
from lstm_sentiment.cli.promote_command import promote
from lstm_sentiment.cli.reexport_command import reexport
from lstm_sentiment.cli.results import print_json, print_line
from lstm_sentiment.cli.shadow_command import shadow
from lstm_sentiment.cli.twin_command import twin
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.unicode import escaped_line

if TYPE_CHECKING:
    from rich.table import Table

    from lstm_sentiment.rollout.control import Changed
    from lstm_sentiment.rollout.status import ModelStatus
    from lstm_sentiment.versions.facts import VersionFacts

models = typer.Typer(
    help="Show a models.config and a running server, and change both safely.",
    no_args_is_help=True,
    context_settings={
        "help_option_names": ["-h", "--help"],
        # TensorFlow Serving's flags are written with underscores.
        "token_normalize_func": lambda name: name.replace("_", "-"),
    },
)

Label = Annotated[
    str,
    typer.Argument(metavar="LABEL", help="The version label.", autocompletion=offered_labels),
]
Version = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="The version to go back to.",
        show_default="the one before",
        autocompletion=offered_versions,
    ),
]


@models.command()
@takes_flag_groups
def status(
    server: ServerFlags,
    model_config_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A models.config.", show_default=False),
    ] = None,
    model_name: ModelName = None,
    as_json: AsJson = False,
) -> None:
    """Show each version of the models: labels, date, test accuracy, and state on a server.

    The test accuracy is the share of held-out texts that the version classified
    correctly after its training, with the 95 % confidence interval. A
    models.config must be given, or --server together with --model-name.

    Example: python cli.py models status --model-config-file models.config --server localhost:8500
    """
    if model_config_file is None and (server.server is None or model_name is None):
        raise InvalidInputError(
            "`--model-config-file` must be given, or both `--server` and `--model-name`. "
            f"Received: {_one_of(server.server, model_name)}."
        )
    with server.connected() as running, server.waited_for():
        from lstm_sentiment.rollout.status import models_status

        found = models_status(model_config_file, server=running, model_name=model_name)
    if as_json:
        print_json({"models": [model.to_dict() for model in found]})
    else:
        _print_status(found)


@models.command()
@takes_flag_groups
def label(
    label: Label,
    version: Annotated[
        int,
        typer.Argument(
            metavar="VERSION", help="The version number.", autocompletion=offered_versions
        ),
    ],
    model: ModelFlags,
    server: ServerFlags,
) -> None:
    """Move a version label to a version.

    If the models.config lists specific versions and this one is not among them,
    it is added and loaded first. If the server refuses the change, the file is
    restored. Without --server, the command adds the version and prints how to
    move the label once the version is served.

    Example: python cli.py models label stable 3 --model-config-file models.config
    """
    with model.control(server) as control, server.waited_for():
        changed = control.label(label, version)
    _tell(changed, model, server)


@models.command()
@takes_flag_groups
def unlabel(
    label: Label,
    model: ModelFlags,
    server: ServerFlags,
) -> None:
    """Remove a version label. The version that it pointed to is served as before.

    Example: python cli.py models unlabel candidate --model-config-file models.config
    """
    with model.control(server) as control, server.waited_for():
        changed = control.unlabel(label)
    _tell(changed, model, server)


@models.command()
@takes_flag_groups
def rollback(
    model: ModelFlags,
    server: ServerFlags,
    version_label: Annotated[
        str | None,
        typer.Option(
            "--version-label",
            "--label",
            metavar="L",
            help="Move this version label back, instead of the whole model.",
            autocompletion=offered_labels,
            show_default=False,
        ),
    ] = None,
    version: Version = None,
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="POLICY",
            help="Set this version policy instead, such as the one before a rollback: latest:N, "
            "all or specific:N,N.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Go back to an earlier version.

    Without --version-label, the models.config then lists specific versions: the
    earlier one and those of all labels. Newer versions are not served until you
    change that version policy.

    Example: python cli.py models rollback --model-config-file models.config --server localhost:8500
    """
    if policy is not None and (version_label is not None or version is not None):
        raise InvalidInputError(
            "`--policy` cannot be combined with `--version-label` or `--version`. Received: both."
        )
    with model.control(server) as control, server.waited_for():
        if policy is not None:
            changed = control.set_policy(policy)
        elif version_label is not None:
            changed = control.roll_back_label(version_label, version)
        else:
            changed = control.roll_back(version)
    _tell(changed, model, server)


models.command()(compare)
models.command()(drift)
models.command()(promote)
models.command()(reexport)
models.command()(shadow)
models.command()(twin)


def _tell(changed: "Changed", model: ModelFlags, server: ServerFlags) -> None:
    print_line(changed.summary)
    tell_commands(changed, model, server)
    tell_notes(changed.notes, server)


def _one_of(server: object, model_name: object) -> str:
    if server is not None:
        return "`--server` alone"
    return "neither" if model_name is None else "`--model-name` alone"


def _print_status(found: "list[ModelStatus]") -> None:
    from lstm_sentiment.cli.console import LineConsole

    console = LineConsole(highlight=False, markup=False)
    for number, model in enumerate(found):
        if number:
            print()
        for name, value in (("model", model.name), *_config_rows(model)):
            console.print(escaped_line(f"{name:<10}{value}"), soft_wrap=True)
        console.print(_versions_table(model))


def _config_rows(model: "ModelStatus") -> list[tuple[str, str]]:
    if model.base_path is None or model.version_policy is None:
        return []
    missing = "" if model.versions_on_disk is not None else " (not on this machine)"
    return [("base path", f"{model.base_path}{missing}"), ("policy", model.version_policy)]


def _versions_table(model: "ModelStatus") -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    on_disk, states = model.versions_on_disk, model.versions
    # Without edges, a table with labels as long as `candidate` has room in 80 columns.
    table = Table("version", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("labels", overflow="fold")
    if model.facts:
        table.add_column("trained", no_wrap=True)
        table.add_column("test accuracy", no_wrap=True)
    if on_disk is not None:
        table.add_column("on disk")
    if states is not None:
        table.add_column("state", overflow="fold")
    by_version = {state.version: state for state in states or ()}
    for version in sorted({*(on_disk or ()), *by_version, *model.labels.values()}, reverse=True):
        labels = ", ".join(label for label, number in model.labels.items() if number == version)
        row = [str(version), labels]
        if model.facts:
            row += _facts_cells(model.facts.get(version))
        if on_disk is not None:
            row.append("yes" if version in on_disk else "no")
        if states is not None:
            state = by_version.get(version)
            told = f"{state.state} {state.error_message}".strip() if state else "not served"
            row.append(told)
        table.add_row(*map(Text, map(escaped_line, row)))
    return table


def _facts_cells(facts: "VersionFacts | None") -> tuple[str, str]:
    """Returns the date of a version and its accuracy with the 95 % interval."""
    if facts is None:
        return "unknown", "unknown"
    accuracy, date = facts.test_accuracy, facts.card.trained_at
    return (
        "unknown" if date is None else f"{date:%Y-%m-%d}",
        "unknown"
        if accuracy is None
        else f"{accuracy.value:.3f} [{accuracy.low:.3f}, {accuracy.high:.3f}]",
    )

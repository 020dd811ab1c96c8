"""The help of commands: no name of a flag is cut at 80 columns, and each shows what it takes.

typer's own help has a column for each part of a flag, whose widest entry takes the space of all.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from lstm_sentiment.cli.flag_rules import value_type
from lstm_sentiment.cli.program import program

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text
    from typer.core import TyperGroup

_OPTIONS, _ARGUMENTS, _COMMANDS = "Options", "Arguments", "Commands"
_WIDEST_NAME = 27
"""Columns of a flag with its value; the help of a longer one begins below it."""
_WIDEST = 100
_AROUND = 4  # columns of a panel's borders and of the spaces beside them
_BETWEEN = 2
_EXAMPLE, _WRITTEN_PROGRAM = "Example:", "python cli.py"
_GENERAL = frozenset({"as_json", "verbose", "quiet", "help"})
_HIGHEST_SHOWN = 100_000  # greater limits are there to catch mistakes
_NAME_STYLE, _VALUE_STYLE, _NOTE_STYLE, _BORDER_STYLE = "bold cyan", "yellow", "dim", "dim"
_VALUES: Mapping[Any, str] = {Path: "PATH", int: "N", float: "X", str: "TEXT"}
_VALUES_BY_NAME: Mapping[str, str] = {
    "text_column": "COLUMN",
    "label_column": "COLUMN",
    "model_name": "NAME",
    "version_label": "LABEL",
    "server": "HOST:PORT",
    "host": "ADDRESS",
    "timeout_seconds": "SECONDS",
    "grace_seconds": "SECONDS",
}

Rows = Sequence[tuple["Text", "Text"]]


def set_help_pages(command: "TyperGroup") -> None:
    """Makes a command and all commands below it print their help by this module."""
    for below in getattr(command, "commands", {}).values():
        set_help_pages(below)
    changed: Any = command

    def format_help(context: Any, formatter: Any) -> None:
        print_help(command, context)

    changed.format_help = format_help


def print_help(command: Any, context: Any) -> None:
    """Prints how a command is called, what it does, and its flags in panels."""
    from lstm_sentiment.cli.console import output_console

    console = output_console()
    width = min(console.width, _WIDEST)
    console.print(f"\n Usage: {usage(command, context)}\n", style="bold", width=width)
    for paragraph in (command.help or "").split("\n\n"):
        if paragraph.startswith(_EXAMPLE):
            # A line that the terminal breaks can be copied whole.
            example = " ".join(paragraph.split()).replace(_WRITTEN_PROGRAM, program())
            console.print(f" {example}\n", soft_wrap=True)
        elif paragraph:
            console.print(*_indented(paragraph, width), sep="\n")
            console.print()
    for title, rows in _panels(command, context).items():
        console.print(_panel(title, rows, width))
    if command.epilog:
        console.print()
        console.print(*_indented(command.epilog, width), sep="\n")


def usage(command: Any, context: Any) -> str:
    """Returns how a command is called: its name, `[OPTIONS]` and its arguments."""
    arguments = [takes(one) for one in command.get_params(context) if not _is_flag(one)]
    if hasattr(command, "commands"):
        arguments.append("COMMAND [ARGS]...")
    return " ".join((context.command_path, "[OPTIONS]", *arguments))


def _indented(paragraph: str, width: int) -> Iterator[str]:
    from textwrap import wrap

    yield from wrap(
        " ".join(paragraph.split()), width - 1, initial_indent=" ", subsequent_indent=" "
    )


def _panels(command: Any, context: Any) -> dict[str, Rows]:
    """Returns the rows of each panel by its title."""
    panels: dict[str, list[tuple[Text, Text]]] = {}
    shown = [one for one in command.get_params(context) if not getattr(one, "hidden", False)]
    for option in shown:
        panels.setdefault(_panel_of(option), []).append((_name(option), _help(option, context)))
    # Flags of all commands are the last to be looked for; others come before those of panels.
    if _OPTIONS in panels:
        names = {option.name for option in shown if _panel_of(option) == _OPTIONS}
        rest = {_OPTIONS: panels.pop(_OPTIONS)}
        panels = {**panels, **rest} if names <= _GENERAL else {**rest, **panels}
    if _ARGUMENTS in panels:
        panels = {_ARGUMENTS: panels.pop(_ARGUMENTS), **panels}
    for one in getattr(command, "commands", {}).values():
        if not one.hidden:
            panels.setdefault(_COMMANDS, []).append(_command_row(one))
    return dict(panels)


def _panel_of(option: Any) -> str:
    usual = _OPTIONS if _is_flag(option) else _ARGUMENTS
    return getattr(option, "rich_help_panel", None) or usual


def _command_row(command: Any) -> tuple["Text", "Text"]:
    from rich.text import Text

    paragraph = (command.short_help or command.help or "").split("\n\n")[0]
    return Text(command.name or "", style=_NAME_STYLE), Text(" ".join(paragraph.split()))


def _panel(title: str, rows: Rows, width: int) -> "RenderableType":
    from rich.panel import Panel
    from rich.text import Text

    names = [len(name) for name, _ in rows if len(name) <= _WIDEST_NAME]
    indent = max(names, default=0) + _BETWEEN
    lines = [line for name, text in rows for line in _row(name, text, indent, width - _AROUND)]
    return Panel(
        Text("\n").join(lines),
        title=title,
        title_align="left",
        border_style=_BORDER_STYLE,
        width=width,
    )


def _row(name: "Text", text: "Text", indent: int, width: int) -> Iterator["Text"]:
    from rich.console import Console
    from rich.text import Text

    console = Console(width=width)
    wrapped = list(text.wrap(console, width - indent)) or [Text()]
    if len(name) + _BETWEEN > indent:
        yield from name.wrap(console, width)
        first = Text(" " * indent) + wrapped[0]
    else:
        first = name + Text(" " * (indent - len(name))) + wrapped[0]
    yield first
    for line in wrapped[1:]:
        yield Text(" " * indent) + line


def _is_flag(option: Any) -> bool:
    return bool(option.opts) and option.opts[0].startswith("-")


def _name(option: Any) -> "Text":
    """Returns a flag's names and what it takes; of an argument, what it takes."""
    from rich.text import Text

    names, value = names_of(option), takes(option)
    if not names:
        return Text(value, style=_NAME_STYLE)
    name = Text(names, style=_NAME_STYLE)
    return name + Text(f" {value}", style=_VALUE_STYLE) if value else name


def names_of(option: Any) -> str:
    """Returns the names of a flag, long ones before the short one; of an argument, nothing."""
    if not _is_flag(option):
        return ""
    return ", ".join([*sorted(option.opts, key=len, reverse=True), *option.secondary_opts])


def takes(option: Any) -> str:
    """Returns what a flag or argument takes, as its help shows it: choices, or a word for them."""
    if getattr(option, "is_flag", False) or getattr(option, "count", False):
        return ""
    kind = value_type(option)
    if option.metavar is not None:
        value = str(option.metavar)
    elif get_origin(kind) is Literal:
        value = "|".join(map(str, get_args(kind)))
    elif _is_flag(option):
        value = _VALUES_BY_NAME.get(option.name) or _VALUES.get(kind, "VALUE")
    else:
        value = option.name.upper()
    if _is_flag(option):
        return value
    several = "..." if option.nargs != 1 and not value.endswith("...") else ""
    return f"{value}{several}" if option.required else f"[{value}{several}]"


def _help(option: Any, context: Any) -> "Text":
    from rich.text import Text

    text = Text(" ".join((option.help or "").split()))
    notes = [*_notes(option, context)]
    if notes:
        text += Text(f" [{'; '.join(notes)}]" if text else f"[{'; '.join(notes)}]", _NOTE_STYLE)
    return text


def _notes(option: Any, context: Any) -> Iterator[str]:
    if option.required:
        yield "required"
    default = option.get_default(context, call=False)
    if default not in (None, (), [], "") and default is not False and option.show_default:
        many = isinstance(default, list | tuple)
        yield f"default: {', '.join(map(str, default)) if many else _shown(default)}"
    lowest, highest = getattr(option, "min", None), getattr(option, "max", None)
    if highest is not None and highest <= _HIGHEST_SHOWN:
        yield f"at most {highest:,}" if lowest is None else f"{lowest:,} to {highest:,}"
    elif lowest is not None and lowest > 0:
        yield f"at least {lowest:,}"


def _shown(default: Any) -> str:
    if default is True:
        return "on"
    return f"{default:g}" if isinstance(default, float) else str(default)

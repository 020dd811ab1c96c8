"""Shell completion of names that are on disk, and its installation.

Only small text files and folder listings are read, so that Tab answers without a noticeable delay.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from lstm_sentiment.version_folder import parse_version

if TYPE_CHECKING:
    from typer.core import TyperGroup

PROGRAM = "lstm-sentiment"
"""The name of the installed command, for which shells install completion."""

COMPLETE_VARIABLE = "_LSTM_SENTIMENT_COMPLETE"
"""The environment variable that makes the program print completions."""

_DEFAULT_BASE_PATH = Path("models/sentiment")
_STRING = r"""\s*:?\s*["']([^"']*)["']"""


def one_of(*choices: str) -> Callable[[], list[str]]:
    """Returns a completion that offers fixed choices."""

    def offered() -> list[str]:
        return list(choices)

    return offered


def offered_models(context: typer.Context) -> list[str]:
    """Offers the names of the models in `--model-config-file`."""
    return _found("name", _config(context)) or [_DEFAULT_BASE_PATH.name]


def offered_labels(context: typer.Context) -> list[str]:
    """Offers the version labels of the models in `--model-config-file`."""
    return [
        label
        for block in re.findall(r"\bversion_labels\s*:?\s*[{<]([^}>]*)[}>]", _config(context))
        for label in _found("key", block)
    ] or ["stable", "candidate"]


def offered_versions(context: typer.Context) -> list[str]:
    """Offers the numbers of the versions on disk, highest first."""
    given = context.params.get("model") or context.params.get("model_base_path")
    folders = [given] if given else [*map(Path, _found("base_path", _config(context)))]
    names = [name for folder in folders or [_DEFAULT_BASE_PATH] for name in _names(folder)]
    numbers = {number for name in names if (number := parse_version(name)) is not None}
    return [str(number) for number in sorted(numbers, reverse=True)]


def name_program(command: "TyperGroup") -> None:
    """Makes `--install-completion` and `--show-completion` complete the installed program.

    Without it, typer would complete the name that the program was started by, such as `cli.py`.
    """
    parameters: list[Any] = command.params
    for parameter in parameters:
        if parameter.name in ("install_completion", "show_completion"):
            parameter.callback = _for_program(parameter.callback)
            parameter.help = _HELP[parameter.name]


_HELP = {
    "install_completion": f"Install tab completion in your shell (bash, zsh, fish) for {PROGRAM}.",
    "show_completion": "Print the completion script instead of installing it.",
}


def _for_program(callback: Any) -> Any:
    def called(context: Any, parameter: Any, value: Any) -> Any:
        if value and not context.resilient_parsing:
            context.find_root().info_name = PROGRAM
        return callback(context, parameter, value)

    return called


def _config(context: typer.Context) -> str:
    path = context.params.get("model_config_file")
    try:
        text = Path(path).read_text("utf-8") if path else ""
    except (OSError, UnicodeDecodeError):
        return ""
    return re.sub(r"#.*", "", text)


def _found(field: str, text: str) -> list[str]:
    return list(dict.fromkeys(re.findall(rf"\b{field}{_STRING}", text)))


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir() if path.is_dir()]
    except OSError:
        return []

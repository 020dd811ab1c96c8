"""What a shell block says, as far as it can be checked without running it."""

import re
import shlex
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from lstm_sentiment.cli.app import command_line
from tests.conftest import REPOSITORY

_OPERATOR = re.compile(r"[;&|<>()]+")
_COMMENT = re.compile(r"(?:^|(?<=\s))# .*$", re.MULTILINE)
_EXTRAS = re.compile(r"\.\[([\w,-]+)\]")
_PROGRAMS = (["python", "cli.py"], ["python3", "cli.py"], ["lstm-sentiment"])


def commands(script: str) -> Iterator[list[str]]:
    """The simple commands of a script, each as its words."""
    script = _COMMENT.sub("", script).replace("\\\n", " ")
    lexer = shlex.shlex(script, posix=True, punctuation_chars=";&|<>()\n")
    lexer.whitespace = " \t"
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if word.strip() and not _OPERATOR.fullmatch(word.strip()):
            words.append(word)
        elif words:
            yield words
            words = []
    if words:
        yield words


def problems_of(script: str) -> list[str]:
    """What is wrong with the commands of a script; most are not looked at."""
    found: list[str] = []
    for words in commands(script):
        while words and re.match(r"^\w+=", words[0]):
            words = words[1:]
        for program in _PROGRAMS:
            if words[: len(program)] == program:
                found += _problems_of_ours(words[len(program) :])
        if words[:2] == ["python", "-m"] and words[2].startswith("benchmarks."):
            found += _problems_of_benchmark(words[2], words[3:])
        if words[:2] == ["pip", "install"] or words[1:4] == ["-m", "pip", "install"]:
            found += _unknown_extras(words)
    return found


def _problems_of_ours(arguments: Sequence[str]) -> list[str]:
    try:
        command = _root()
        context = command.make_context("cli.py", list(arguments))
        while hasattr(command, "resolve_command"):
            rest = [*getattr(context, "_protected_args", ()), *context.args]
            name, command, rest = command.resolve_command(context, rest)
            inner = rest[1:] if rest[:1] == ["--"] else rest
            if name == "launch":
                inner = inner[inner.index("--") + 1 :] if "--" in inner else inner
                return _problems_of_ours(inner)
            context = command.make_context(name, rest, parent=context)
    except Exception as error:
        message = error.format_message() if hasattr(error, "format_message") else error
        return [f"{shlex.join(arguments)}: {message}"]
    return []


@cache
def _root() -> Any:
    return command_line()


def _problems_of_benchmark(module: str, arguments: Sequence[str]) -> list[str]:
    folder = REPOSITORY / module.replace(".", "/")
    sources = [*folder.rglob("*.py")] if folder.is_dir() else [folder.with_suffix(".py")]
    if not all(path.is_file() for path in sources):
        return [f"no module {module}"]
    text = "\n".join(path.read_text("utf-8") for path in (REPOSITORY / "benchmarks").rglob("*.py"))
    flags = [word.split("=")[0] for word in arguments if word.startswith("--")]
    return [f"{module} has no {flag}" for flag in flags if not _takes(text, flag)]


def _takes(sources: str, flag: str) -> bool:
    """Whether a flag is spelled out, or is the name of a function's argument."""
    argument = flag.removeprefix("--").replace("-", "_")
    return f'"{flag}"' in sources or re.search(rf"\b{argument}: ", sources) is not None


def _unknown_extras(words: Sequence[str]) -> list[str]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    named = [name for word in words for found in _EXTRAS.findall(word) for name in found.split(",")]
    return [f"no extra {name}" for name in named if name not in project["optional-dependencies"]]

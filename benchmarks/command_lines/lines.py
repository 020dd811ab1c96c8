"""A hypothesis strategy of command lines, from the flags that typer knows and the settings."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from hypothesis import strategies as st

from lstm_sentiment.cli.app import command_line
from lstm_sentiment.cli.flag_rules import rule_of, value_type
from lstm_sentiment.pipeline.overrides import setting_rules, setting_types
from lstm_sentiment.ranges import Range

_HUGE = "99999999999999999999999"
_BAD_NUMBERS = (
    *("0", "-1", "-0", "1.5", "nan", "inf", "-inf", "1e400", "1e-400", "", " ", "x", "0x10"),
    *("1_000", "٣", "007", "+1", "1,000", "true", "auto", "off", _HUGE, f"-{_HUGE}", "9" * 5_000),
    *(str(2**31), str(2**32), str(2**63), str(2**64), "1000000000"),
)
_BAD_TEXTS = (
    *("", " ", "\n", "a\nERROR forged", "a\x1b[31mb", "a\0b", "\u202e", "\udcff", "🛌🏽", "%s%n"),
    *("../..", "x" * 300, "x" * 5_000, "[bold]", "'\"`$(id)", "--data", "-", "nan", "{0}"),
)
_BAD_ADDRESSES = (
    *("localhost", "localhost:0", "localhost:99999", ":1", "localhost:x", "127.0.0.1:9"),
    *("http://localhost:9", "unix:/nowhere", "[::1]:9", "[::", "a b:1", "dns:///x:9"),
)
_BAD_PATHS = (
    *("", ".", "..", "/", "absent", "absent/x", "/proc/self/mem", "a\0b", "a\nb", "x" * 300),
    *("x/" * 2_500, "\udcff.csv", "~/x", "http://a/b.csv", "s3://a/b", "-", "IN/a.csv/x"),
    *("IN/empty", "IN/zeros", "IN/damaged.csv", "IN/null", "IN/full", "IN/fifo", "IN/loop"),
    *("IN/texts", "IN/models", "IN/models.config", "IN/v.txt", "IN/a.csv"),
)
_WRITTEN = frozenset(
    ["output", "output_file", "page", "html", "report", "target", "storage", "model_dir", "run_dir"]
)
# Files that a command both reads and writes: a copy in the working folder.
_OWN_CONFIG = "models.config"
_GOOD: Mapping[str, tuple[str, ...]] = {
    "data": ("IN/a.csv",),
    "pool": ("IN/texts/b.txt", "IN/a.csv"),
    "model": ("IN/models/sentiment", "IN/models/sentiment/1"),
    "models": ("OWN/sentiment/1",),
    "model_base_path": ("IN/models/sentiment",),
    "input_path": ("IN/texts", "IN/texts/b.txt"),
    "input_file": ("IN/texts/b.txt", "IN/a.csv"),
    "file": ("IN/v.txt",),
    "source": ("IN/v.txt",),
    "vectors": ("IN/v.txt",),
    "only": ("IN/words.txt",),
    "prefixes": ("IN/log",),
    "requests": ("IN/log",),
    "texts": ("房间很干净",),
    "versions": ("1,1", "1,2"),
    "version": ("1",),
    "label": ("stable",),
    "version_label": ("stable", "next"),
    "model_name": ("sentiment",),
    "model_config_file": (_OWN_CONFIG,),
    "command": ("inspect", "IN/models/sentiment/1"),
    "output": ("new.csv", "new.npy", "new.toml"),
    "target": ("new.npy", "new.txt"),
    "report": ("report",),
    "study": ("tune",),
    "host": ("127.0.0.1",),
}
# What makes a command that does its work small and quick; it comes before what is drawn.
_SETTINGS = (
    *("training.batch_size=4", "training.cross_validation=off", "vector_training.dim=4"),
    *("vector_training.epochs=1", "model.lstm_units=4", "model.character_ngrams=0"),
)
_SMALL = tuple(part for setting in _SETTINGS for part in ("--set", setting))
_BEFORE: Mapping[str, tuple[str, ...]] = {
    "fit": ("--data", "IN/a.csv", *_SMALL, "--set", "training.epochs=1"),
    "tune": ("--data", "IN/a.csv", *_SMALL, "--set", "training.epochs=1", "--trials", "1"),
    "check": (*_SMALL, "--set", "training.epochs=1", "--quick"),
    "serve": ("--model-base-path", "IN/models/sentiment", "--drain-seconds", "0"),
    "train": ("--dim", "4", "--epochs", "1"),
    "rollback": ("--timeout-seconds", "1"),
    "status": ("--timeout-seconds", "1"),
}
# Of commands that ask a version: most lines name it.
_MODEL = ("--model", "IN/models/sentiment")
_PORTS = ("auto", "0", "-1", "65536", "x", "", _HUGE)


@dataclass(frozen=True)
class Line:
    """A command line, and the files that it names in the working folder.

    Attributes:
        arguments: After the program's name; `IN/` stands for the folder of the inputs, `OWN/` for
            a copy of its models.
        files: Texts by file name.
    """

    arguments: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Returns the line for the process that runs it; surrogates stay."""
        return json.dumps({"arguments": self.arguments, "files": dict(self.files)})


def command_lines() -> st.SearchStrategy[Line]:
    """Command lines of every command, a few flags of each with values good and bad."""
    return st.sampled_from(sorted(_commands(command_line(), ()))).flatmap(_of_command)


def _commands(command: Any, name: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    below = getattr(command, "commands", {})
    for word, one in below.items():
        yield from _commands(one, (*name, word))
    if not below:
        yield name


@cache
def _parameters(name: tuple[str, ...]) -> list[Any]:
    command: Any = command_line()
    for word in name:
        command = command.commands[word]
    return [option for option in command.params if option.name not in ("help", "version_flag")]


@cache
def _of_command(name: tuple[str, ...]) -> st.SearchStrategy[Line]:
    parameters = _parameters(name)
    required = [option for option in parameters if option.required or _is_argument(option)]
    flags = [option for option in parameters if not _is_argument(option)]

    @st.composite
    def drawn(draw: st.DrawFn) -> Line:
        before = list(_BEFORE.get(name[-1], ()))
        if name[-1] == "serve":
            before += ["--port", draw(st.sampled_from(_PORTS[:1] * 6 + _PORTS))]
            before += ["--rest-api-port", draw(st.sampled_from(_PORTS[:2] * 4 + _PORTS))]
        if any("--model" in option.opts for option in flags) and draw(st.integers(0, 4)):
            before += _MODEL
        files = {_OWN_CONFIG: draw(_models_config())}
        typed: list[str] = []
        for option in required:
            typed += draw(_typed(name, option, good=8))
        chosen = draw(st.lists(st.sampled_from(flags), max_size=4))
        for option in chosen:
            typed += draw(_typed(name, option, good=2))
        if "--config" in typed:
            files["drawn.toml"] = draw(_toml())
        files.update({f"{kind}.config": draw(texts) for kind, texts in _CONFIGS.items()})
        return Line((*name, *before, *typed), files)

    return drawn()


def _is_argument(option: Any) -> bool:
    return not option.opts[0].startswith("-")


def _typed(name: tuple[str, ...], option: Any, *, good: int) -> st.SearchStrategy[Any]:
    """Strategy of what is typed for a parameter: a flag and its value, or a value.

    `good` is how many values are good for each that is not, where good ones are known.
    """
    flags = [*option.opts, *option.secondary_opts]
    if getattr(option, "is_flag", False):
        return st.sampled_from(flags).map(lambda flag: [flag])
    values = _values(name, option)
    if known := _GOOD.get(option.name) or _within(rule_of(name[-1], option)):
        values = st.one_of(*[st.sampled_from(known)] * good, values)
    if _is_argument(option):
        return values.map(lambda value: [value])
    return st.tuples(st.sampled_from(flags), values).map(list)


def _values(name: tuple[str, ...], option: Any) -> st.SearchStrategy[str]:
    kind = value_type(option)
    if option.name == "settings":
        return _settings()
    if option.name == "config":
        return st.sampled_from(["drawn.toml", "drawn.toml", "drawn.toml", *_BAD_PATHS])
    if option.name.endswith("_config_file") or option.name == "batching_parameters_file":
        # A models.config is changed by commands that are asked to.
        paths = [path for path in _BAD_PATHS if path != "IN/models.config"]
        return st.sampled_from([f"{one}.config" for one in _CONFIGS] + paths)
    if get_origin(kind) is Literal:  # Ray starts a cluster
        return st.sampled_from([c for c in get_args(kind) if c != "ray"] + ["", "x"])
    if option.name in ("port", "rest_api_port"):
        return st.sampled_from(_PORTS)
    if kind is Path:
        return st.sampled_from(_BAD_PATHS).map(
            lambda path: f"new-{path[3:]}" if _is_input(path) and option.name in _WRITTEN else path
        )
    if kind in (int, float):
        return st.sampled_from(_BAD_NUMBERS)
    if option.name in ("server", "rest_api", "address"):
        return st.sampled_from(_BAD_ADDRESSES + _BAD_TEXTS)
    return st.sampled_from(_BAD_TEXTS + _BAD_NUMBERS[:6])


def _is_input(path: str) -> bool:
    """True of inputs that would be written over; devices and pipes are no such files."""
    return path.startswith("IN/") and path not in ("IN/null", "IN/full", "IN/fifo", "IN/a.csv/x")


def _within(rule: object) -> Sequence[str]:
    """Values in a range that ask for little."""
    if not isinstance(rule, Range):
        return ()
    if rule.is_integer:
        lowest = int(max(rule.lowest, 0))
        return (str(lowest), str(lowest + 1), "2")
    return ("0.05", "0.5") if rule.highest <= 1 else ("0.05", "0.5", "1")


def _settings() -> st.SearchStrategy[str]:
    """`NAME=VALUE` of any setting, or something that is none."""
    named = st.tuples(st.sampled_from([*setting_types()]), _toml_values())
    return named.map("=".join) | st.sampled_from(
        ["", "=", "x", "training", "training.epochs", "a="]
    )


def _toml_values() -> st.SearchStrategy[str]:
    bad = ("[]", "{}", "[1]", '""', "'a'", '"a\\nb"', '"\\u0000"', "1979-05-27", "{a=1}", "[[", "#")
    return st.sampled_from([*_BAD_NUMBERS, *bad, *_BAD_TEXTS, "1", "2", "0.5", "false"])


def _toml() -> st.SearchStrategy[str]:
    rules, types = setting_rules(), setting_types()

    def text(values: Sequence[tuple[str, str]]) -> str:
        return "".join(f"{key} = {value}\n" for key, value in values)

    names = st.sampled_from([*types])
    numbers = st.sampled_from([name for name, rule in rules.items() if isinstance(rule, Range)])
    values = st.lists(st.tuples(names | numbers, _toml_values()), max_size=2)
    broken = st.sampled_from(["", "\ufeff", "[", "preset = 'x'", "a = " + "[" * 2_000, "\0"])
    return values.map(text) | broken


def _text_format(fields: Mapping[str, str]) -> st.SearchStrategy[str]:
    """Strategy of a message in text format whose fields have drawn numbers and texts."""
    words = [json.dumps(text.replace("\udcff", "ÿ")) for text in _BAD_TEXTS]
    numbers = [one for one in _BAD_NUMBERS if one.strip()]
    drawn = {
        "number": st.sampled_from([*numbers, "1", "2"]),
        "text": st.sampled_from(words),
    }
    one = st.sampled_from([*fields.items()]).flatmap(
        lambda item: drawn["number" if "%n" in item[1] else "text"].map(
            lambda value: item[1].replace("%n", value).replace("%t", value)
        )
    )
    return st.lists(one, max_size=3).map(" ".join) | st.sampled_from(["{", "\0", "x: 1"])


def _models_config() -> st.SearchStrategy[str]:
    good = (
        'model_config_list { config { name: "sentiment" base_path: "IN/models/sentiment" '
        'model_platform: "tensorflow" version_labels { key: "stable" value: 1 } %s } }'
    )
    more = _text_format(
        {
            "versions": "model_version_policy { specific { versions: %n } }",
            "latest": "model_version_policy { latest { num_versions: %n } }",
            "labels": "version_labels { key: %t value: 1 }",
            "numbers": 'version_labels { key: "a" value: %n }',
            "name": "name: %t",
            "path": "base_path: %t",
            "platform": "model_platform: %t",
            "rate": "logging_config { log_collector_config { type: 'file' filename_prefix: "
            "'log' } sampling_config { sampling_rate: %n } }",
            "prefix": "logging_config { log_collector_config { type: 'file' filename_prefix: %t } "
            "sampling_config { sampling_rate: 1 } }",
        }
    )
    return st.one_of(*[st.just(good.replace("%s", ""))] * 3, more.map(lambda text: good % text))


_CONFIGS: Mapping[str, st.SearchStrategy[str]] = {
    "batching": _text_format(
        {
            name: f"{name} {{ value: %n }}"
            for name in (
                *("max_batch_size", "batch_timeout_micros", "max_enqueued_batches"),
                *("num_batch_threads", "max_execution_batch_size"),
            )
        }
        | {"sizes": "allowed_batch_sizes: %n", "name": "thread_pool_name { value: %t }"}
    ),
    "monitoring": _text_format({"path": "prometheus_config { enable: true path: %t }"}),
    "ssl": _text_format({"key": "server_key: %t", "cert": "server_cert: %t"}),
}

"""Every number, name and path has a rule, declared once; the same on the command line, in TOML and
in Python, and shown in docs/configuration.md."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment import PipelineConfig, load_config
from lstm_sentiment.cli.app import command_line
from lstm_sentiment.cli.flag_rules import FREE_TEXT, rule_of, value_type
from lstm_sentiment.cli.setting_flags import SETTING_OF_FLAG, set_settings
from lstm_sentiment.errors import ConfigError, InvalidInputError
from lstm_sentiment.pipeline.overrides import nested, setting_rules, setting_types, with_overrides
from lstm_sentiment.ranges import NAME, PATH, FilePath, Range, integers, positive_numbers
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "configuration.md").read_text("utf-8")
HUGE = 99999999999999999999999
RANGES = {name: rule for name, rule in setting_rules().items() if isinstance(rule, Range)}


def commands(command: Any = None) -> Iterator[Any]:
    command = command or command_line()
    below = getattr(command, "commands", {})
    for one in below.values():
        yield from commands(one)
    if not below:
        yield command


def test_every_flag_of_a_number_a_name_or_a_path_has_a_rule() -> None:
    without = [
        f"{command.name} {option.opts[0]}"
        for command in commands()
        for option in command.params
        if value_type(option) in (int, float, str, Path)
        and rule_of(command.name, option) is None
        and option.name not in FREE_TEXT | SETTING_OF_FLAG.keys()
    ]
    assert without == []


def test_every_setting_of_a_number_or_a_path_has_a_rule() -> None:
    words = {"text_column", "label_column", "tokenizer", "normalization", "unknown", "cache"}
    words.add("encoding")
    free = {
        name
        for name, hint in setting_types().items()
        if hint is not bool and not str(hint).startswith("typing.Literal")
    }
    assert free - setting_rules().keys() == words


@pytest.mark.parametrize("name", RANGES)
def test_a_setting_out_of_its_range_is_refused_in_python_in_toml_and_by_set(
    tmp_path: Path, name: str
) -> None:
    rule, config = RANGES[name], tmp_path / "a.toml"
    out = [rule.lowest - 1, -HUGE, *([] if rule.is_integer else [math.nan])]
    if rule.highest < math.inf:  # a limit of time may be any
        out += [HUGE] if rule.is_integer else [HUGE, math.inf]
    section, _, key = name.rpartition(".")
    for value in out:
        typed = repr(int(value) if rule.is_integer else value)
        with pytest.raises(InvalidInputError, match=rf"`{re.escape(name)}` must be "):
            with_overrides(
                PipelineConfig(), nested({name: int(value) if rule.is_integer else value})
            )
        with pytest.raises(InvalidInputError, match=rf"`{re.escape(name)}` must be "):
            with_overrides(PipelineConfig(), nested(set_settings([f"{name}={typed}"])))
        config.write_text(f"[{section}]\n{key} = {typed}" if section else f"{key} = {typed}")
        with pytest.raises(ConfigError, match=rf"{re.escape(name)} must be "):
            load_config(config)


@pytest.mark.parametrize("digits", [30, 5_000])
def test_integers_of_any_length_are_refused_by_name(tmp_path: Path, digits: int) -> None:
    with pytest.raises(InvalidInputError, match=r"`training\.epochs` must be"):
        with_overrides(PipelineConfig(), nested(set_settings([f"training.epochs={'9' * digits}"])))
    (tmp_path / "a.toml").write_text(f"[training]\nepochs = {'9' * digits}")
    with pytest.raises(ConfigError, match="must"):
        load_config(tmp_path / "a.toml")
    with pytest.raises(InvalidInputError, match="`seed` must be"):
        replace(PipelineConfig().training, seed=10**digits)


@pytest.mark.parametrize("path", ["", "a\0b", "a\nb", "a\x1b[31mb", "\ud800"])
def test_a_path_that_can_be_none_is_refused(path: str) -> None:
    with pytest.raises(InvalidInputError, match="`data` must be a path"):
        PipelineConfig(data=("a.csv", path))
    with pytest.raises(InvalidInputError, match="`model_dir` must be a path"):
        PipelineConfig(model_dir=path)


@given(st.text(max_size=20))
def test_every_path_that_is_let_through_can_be_looked_for(path: str) -> None:
    if PATH.broken_by(path) is None:
        assert len(Path(path).name.splitlines()) <= 1 or "\n" not in path
        Path("/nowhere", path).exists()


@pytest.mark.parametrize("name", ["", "a\nERROR forged", "a\x1b[31m", "a\0", "\udcff", "x" * 256])
def test_a_name_that_cannot_stand_in_one_line_is_refused(name: str) -> None:
    assert NAME.broken_by(name) is not None


@pytest.mark.parametrize("name", ["sentiment", "酒店 评论", "größe-2", "👨‍👩‍👧"])
def test_a_name_in_any_script_is_taken(name: str) -> None:
    assert NAME.broken_by(name) is None


@given(
    st.integers() | st.floats() | st.text(max_size=3) | st.booleans() | st.none(),
    st.sampled_from([*RANGES.values(), integers(-2, 7), positive_numbers(2.5, "auto")]),
)
def test_a_range_holds_what_its_bounds_say(value: object, rule: Range) -> None:
    is_kind = isinstance(value, int if rule.is_integer else int | float)
    if isinstance(value, bool) or not is_kind:
        assert (rule.broken_by(value) is None) == (value in rule.words)
        return
    assert isinstance(value, int | float)
    inside = rule.lowest <= value <= rule.highest
    if (rule.is_above and value == rule.lowest) or (rule.is_below and value == rule.highest):
        inside = False
    assert (rule.broken_by(value) is None) == inside


def test_the_page_shows_each_range() -> None:
    block = PAGE.split("## Ranges")[1].split("```text\n")[1].split("```")[0]
    rows = dict(re.split(r"  +", line, maxsplit=1) for line in block.splitlines())
    assert rows == {name: rule.text for name, rule in RANGES.items()}


@pytest.mark.parametrize(
    "line",
    [
        f"fit --epochs {HUGE}",
        f"fit --batch-size {HUGE}",
        f"fit --max-length {HUGE}",
        f"fit --logical-devices {HUGE}",
        "fit --set training.logical_devices=1000000000",
        "fit --set vector_training.dim=1000000000",
        "fit --set model.lstm_units=100000000",
        f"tune --trials {HUGE}",
        f"serve --workers {HUGE}",
        f"serve --max-batch-size {'9' * 5000}",
        "serve --drain-seconds inf",
        "serve --file-system-poll-wait-seconds nan",
        f"score . --engine ray --workers {HUGE}",
        f"labels next --pool x --number {HUGE}",
        f"vectors train --data x --output y --dim {HUGE}",
        f"vectors info x --limit {HUGE}",
        f"launch --workers {HUGE} -- fit",
        f"models label stable {HUGE} --model-config-file x",
        "predict --server a:1 --model-name a\x1bb x",
    ],
)
def test_what_is_out_of_range_is_told_before_any_work(
    is_refused_at_once: Callable[..., None], line: str
) -> None:
    is_refused_at_once(" must be ", *line.split(" "))


@pytest.mark.parametrize(
    "flags",
    [
        ("fit", "--data", ""),
        ("fit", "--model-dir", ""),
        ("predict", "--model", "", "x"),
        ("predict", "--input", "a\0b"),
        ("serve", "--auth-token-file", ""),
        ("evaluate", "--data", "a\nb"),
        ("vectors", "convert", "", "b.npy"),
    ],
)
def test_an_empty_path_or_one_with_control_characters_is_told(
    is_refused_at_once: Callable[..., None], flags: tuple[str, ...]
) -> None:
    is_refused_at_once("must be a path", *flags)


def test_the_rule_of_a_path_is_that_of_its_flag() -> None:
    (fit,) = (command for command in commands() if command.name == "fit")
    rules = {option.name: rule_of("fit", option) for option in fit.params}
    assert isinstance(rules["model_dir"], FilePath)

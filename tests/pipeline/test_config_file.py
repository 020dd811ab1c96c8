"""Config files: what they may hold, what is refused and how, and that nothing is lost in one."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given

from lstm_sentiment import ConfigError, ModelConfig, PipelineConfig, load_config, save_config
from lstm_sentiment.model.config import Pooling
from lstm_sentiment.pipeline.overrides import setting_types, with_overrides
from tests.conftest import REPOSITORY
from tests.strategies import pipeline_configs

FULL = """\
data = ["a.csv", "more/b.csv"]
dev_data = "dev.csv"
text_column = "review"
vectors_limit = 3

[model]
lstm_units = 32
pooling = "max"
dropout = 0

[training]
epochs = 2
learning_rate = 1e-3
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is named without its folder, as users name theirs."""
    monkeypatch.chdir(tmp_path)
    return Path("tuned.toml")


def message(path: Path, base: PipelineConfig | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path, base)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_settings_are_those_of_the_file_and_the_rest_are_defaults(file: Path) -> None:
    file.write_text(FULL)
    config = load_config(file)
    assert config == with_overrides(
        PipelineConfig(),
        {
            "data": (Path("a.csv"), Path("more/b.csv")),
            "dev_data": Path("dev.csv"),
            "text_column": "review",
            "vectors_limit": 3,
            "model": {"lstm_units": 32, "pooling": "max", "dropout": 0.0},
            "training": {"epochs": 2, "learning_rate": 0.001},
        },
    )
    assert isinstance(config.model.dropout, float)


def test_an_empty_file_gives_the_defaults(file: Path) -> None:
    file.write_bytes(b"")
    assert load_config(file) == PipelineConfig()


def test_a_file_of_windows_is_read(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + FULL.replace("\n", "\r\n").encode())
    assert load_config(file).training.epochs == 2


def test_the_file_overrides_its_base_and_nothing_else(file: Path) -> None:
    file.write_text("[training]\nepochs = 2\n")
    base = with_overrides(PipelineConfig(), {"training": {"seed": 7, "epochs": 5}})
    assert load_config(file, base) == with_overrides(base, {"training": {"epochs": 2}})


def test_a_preset_in_the_file_comes_before_the_file_and_gives_way_to_a_base(file: Path) -> None:
    file.write_text('preset = "accurate"\n[model]\ndropout = 0.1\n')
    assert load_config(file).model == ModelConfig(dropout=0.1, members=3)
    assert load_config(file).own_vectors
    over_defaults = load_config(file, PipelineConfig())
    assert over_defaults.model == ModelConfig(dropout=0.1)
    assert not over_defaults.own_vectors


def test_relative_paths_are_relative_to_the_working_folder(file: Path) -> None:
    folder = Path("configs")
    folder.mkdir()
    (folder / "a.toml").write_text('data = ["a.csv"]\n')
    assert load_config(folder / "a.toml").data == (Path("a.csv"),)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "[training]\nepochs = 'ten'",
            "training.epochs must be an integer or 'auto'. Received: 'ten'.",
        ),
        (
            "[training]\nepochs = true",
            "training.epochs must be an integer or 'auto'. Received: true.",
        ),
        (
            "[training]\nepochs = 2.0",
            "training.epochs must be an integer or 'auto'. Received: 2.0.",
        ),
        ("[model]\ndropout = '0.1'", "model.dropout must be a number. Received: '0.1'."),
        ("[model]\ndropout = false", "model.dropout must be a number. Received: false."),
        (
            "[model]\nbidirectional = 1",
            "model.bidirectional must be true or false. Received: 1.",
        ),
        ("text_column = 1979-05-27", "text_column must be a string. Received: 1979-05-27."),
        ("vectors = 07:32:00", "vectors must be a path. Received: 07:32:00."),
        ("data = 'a.csv'", "data must be a list of paths. Received: 'a.csv'."),
        ("data = ['a.csv', 3]", "data[1] must be a path. Received: 3."),
        ("data = ['']", "data[0] must be a path. Received: ''."),
        ('vectors = "a\\u0000b"', "vectors must be a path. Received: 'a\\x00b'."),
        ("training = 3", "training must be a table. Received: 3."),
        ("[[training]]", "training must be a table. Received: [{}]."),
        ("[text_column]\na = 1", "text_column must be a string. Received: a table."),
        (
            "[model]\npooling = 'sum'",
            f"model.pooling must be one of: {', '.join(get_args(Pooling))}. Received: 'sum'.",
        ),
        ("bad_rows = 'keep'", "bad_rows must be one of: refuse, skip. Received: 'keep'."),
        ("bad_rows = 1", "bad_rows must be one of: refuse, skip. Received: 1."),
        ("preset = 1", "preset must be a string. Received: 1."),
        ("preset = 'slow'", "preset must be one of: fast, accurate. Received: 'slow'."),
        # What the dataclasses themselves refuse.
        ("[training]\nepochs = 0", "training.epochs must be a positive integer. Received: "),
        ("[model]\ndropout = 1", "model.dropout must be at least 0 and below 1. Received: "),
        ("[training]\nlearning_rate = nan", "training.learning_rate must be a positive number"),
        (
            f"[training]\nlearning_rate = 1{'0' * 400}",
            "training.learning_rate must be at most 100",
        ),
        ("tokenizer = 'bpe'", "tokenizer must be one of: auto, unigram"),
        ("[vector_training]\nseed = -1", "vector_training.seed must be an integer from 0"),
        # What no field is named.
        ("[training]\nepoch = 3", "settings of [training] must be among: epochs, batch_size"),
        ("[training]\nepoch = 3", "Received: 'training.epoch'. Did you mean training.epochs?"),
        ("epochs = 3", "Received: 'epochs'. Did you mean training.epochs?"),
        ("[train]\nepochs = 3", "Received: 'train'. Did you mean training?"),
        ("pre_set = 'fast'", "Did you mean preset?"),
        ("xyzzy = 3", "settings of the top level must be among: preset, data, dev_data"),
    ],
)
def test_a_bad_setting_is_refused_by_name(file: Path, content: str, expected: str) -> None:
    file.write_text(content + "\n")
    told = message(file)
    assert told.startswith("tuned.toml: ")
    assert expected in told


def test_a_message_has_no_hint_where_nothing_is_near(file: Path) -> None:
    file.write_text("xyzzy = 3\n")
    assert message(file).endswith("Received: 'xyzzy'.")


def test_a_long_value_is_shown_in_part(file: Path) -> None:
    file.write_text(f"data = '{'x' * 10_000}'\n")
    assert len(message(file)) < 150


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a = \n", "tuned.toml:1: must be TOML: Invalid value"),
        (b"\n\n[training\n", "tuned.toml:3: must be TOML"),
        (b'data = ["a",\n"b"\n', "tuned.toml:2: must be TOML"),
        (b"seed = 1\nseed = 2\n", "tuned.toml:2: must be TOML"),
        (b"data = '\xff'\n", "tuned.toml: must be UTF-8. Received: byte 0xff at offset 8."),
        (b"a = " + b"[" * 100_000, "tuned.toml"),
    ],
)
def test_what_is_no_toml_is_refused_with_its_line(
    file: Path, content: bytes, expected: str
) -> None:
    file.write_bytes(content)
    assert message(file).startswith(expected)


def test_a_file_that_cannot_be_read_is_named(file: Path) -> None:
    assert message(file) == "tuned.toml: cannot be read: No such file or directory."
    file.mkdir()
    assert message(file) == "tuned.toml: cannot be read: Is a directory."


@given(pipeline_configs)
def test_a_saved_config_comes_back(tmp_path_factory: Any, config: PipelineConfig) -> None:
    path = tmp_path_factory.mktemp("configs") / "config.toml"
    save_config(config, path)
    assert load_config(path) == config
    assert load_config(path, with_overrides(PipelineConfig(), {"training": {"seed": 99}})) == config


def test_a_saved_file_holds_every_setting_but_those_without_a_value(file: Path) -> None:
    save_config(PipelineConfig(data=["a.csv"], vectors="v.npy"), file)
    saved = tomllib.loads(file.read_text("utf-8"))
    written = {name for name in setting_types() if _has(saved, name)}
    assert set(setting_types()) - written == {
        name for name in setting_types() if _value(PipelineConfig(), name) is None
    } - {"vectors"}
    assert saved["data"] == ["a.csv"]
    assert saved["training"]["learning_rate"] == PipelineConfig().training.learning_rate


def _has(table: dict[str, Any], name: str) -> bool:
    section, _, key = name.rpartition(".")
    return key in (table[section] if section else table)


def _value(config: Any, name: str) -> Any:
    for part in name.split("."):
        config = getattr(config, part)
    return config


def optional_settings(kind: type[Any]) -> Iterator[tuple[type[Any], str]]:
    for name, hint in get_type_hints(kind).items():
        if isinstance(hint, type) and is_dataclass(hint):
            yield from optional_settings(hint)
        elif NoneType in get_args(hint):
            yield kind, name


def test_what_may_be_none_is_none_by_default() -> None:
    """A file cannot say `None`, so leaving a setting out must mean it."""
    assert [name for kind, name in optional_settings(PipelineConfig) if getattr(kind(), name)] == []


def test_saving_replaces_the_file_and_leaves_nothing_beside_it(file: Path) -> None:
    file.write_text("old")
    save_config(PipelineConfig(), file)
    assert load_config(file) == PipelineConfig()
    assert list(Path().iterdir()) == [file]


def test_a_failed_save_keeps_the_old_file_and_leaves_nothing(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ConfigError, match=r"^tuned.toml: cannot be written: No space left"):
        save_config(PipelineConfig(), file)
    assert file.read_text() == "old"
    assert list(Path().iterdir()) == [file]


def test_what_cannot_be_saved_is_told(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"^none/a.toml: cannot be written: No such file"):
        save_config(PipelineConfig(), "none/a.toml")
    with pytest.raises(ConfigError, match=r"^tuned.toml: each setting must be valid Unicode"):
        save_config(PipelineConfig(data=["a\udcff.csv"]), file)
    assert list(Path().iterdir()) == []


def test_reading_configs_imports_no_tensorflow() -> None:
    code = (
        "import sys, lstm_sentiment as ls; ls.load_config, ls.PipelineConfig\n"
        "assert not {'tensorflow', 'keras', 'optuna'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPOSITORY)

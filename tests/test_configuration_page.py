"""docs/configuration.md tells every setting, its default, and what is searched."""

import re

import pytest

from lstm_sentiment import PipelineConfig, load_config
from lstm_sentiment.pipeline.overrides import setting_types
from lstm_sentiment.tuning.space import SEARCH_SPACE, Choices
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "configuration.md").read_text("utf-8")
EXAMPLE = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
WITHOUT_DEFAULT = re.compile(r"^# (?=\w+ = )", re.MULTILINE)


def test_the_page_holds_every_setting() -> None:
    shown, section = [], ""
    for line in WITHOUT_DEFAULT.sub("", EXAMPLE).splitlines():
        if line.startswith("["):
            section = line.strip("[]") + "."
        elif line:
            shown.append(section + line.split(" = ")[0])
    assert sorted(shown) == sorted(["preset", *setting_types()])


def test_its_values_are_the_defaults(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("configs") / "a.toml"
    path.write_text(EXAMPLE, "utf-8")
    assert load_config(path) == PipelineConfig()


def test_those_without_a_default_are_taken_too(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("configs") / "a.toml"
    path.write_text(WITHOUT_DEFAULT.sub("", EXAMPLE), "utf-8")
    config = load_config(path)
    assert config.vector_training.epochs == 10
    assert str(config.dictionary) == "jieba"


def test_the_search_space_is_the_one_shown() -> None:
    rows = dict(re.findall(r"^\| `([\w.]+)` \| (.*) \|$", PAGE, re.MULTILINE))
    assert rows.keys() == SEARCH_SPACE.keys()
    for name, values in SEARCH_SPACE.items():
        if isinstance(values, Choices):
            assert rows[name] == ", ".join(map(str, values.values))
        else:
            assert rows[name].startswith(f"{values.low:g} to {values.high:g}")
            assert values.log == rows[name].endswith(", by its logarithm")

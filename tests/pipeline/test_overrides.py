from dataclasses import replace
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import tomli_w

from lstm_sentiment import InvalidInputError, ModelConfig, PipelineConfig, load_config
from lstm_sentiment.cli import options
from lstm_sentiment.pipeline.overrides import PRESETS, nested, preset_config, with_overrides


def test_the_presets_are_those_that_fit_takes() -> None:
    assert get_args(options.Preset) == tuple(PRESETS) == ("fast", "accurate")


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_what_a_file_could_say(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.toml").write_text(tomli_w.dumps(PRESETS[name]))
    assert load_config(tmp_path / "a.toml") == preset_config(name)
    (tmp_path / "b.toml").write_text(f'preset = "{name}"\n')
    assert load_config(tmp_path / "b.toml") == preset_config(name)


def test_presets_differ_and_choose_no_texts() -> None:
    fast, accurate = map(preset_config, PRESETS)
    assert fast != accurate
    sections = {name for name in get_type_hints(PipelineConfig) if name.endswith(("model", "ing"))}
    for name in PRESETS:
        assert not set(PRESETS[name]) & {"data", "dev_data", "test_data", "model_dir", "run_dir"}
        assert set(PRESETS[name]) <= sections | {
            "tokenizer",
            "normalization",
            "unknown",
            "own_vectors",
        }


def test_an_unknown_preset_is_refused_with_the_choices() -> None:
    with pytest.raises(InvalidInputError, match=r"one of: fast, accurate. Received: 'slow'"):
        preset_config("slow")


def test_overrides_replace_what_they_name_and_name_what_is_wrong() -> None:
    config = PipelineConfig(label_column="stars")
    changed = with_overrides(config, nested({"model.dropout": 0.1, "text_column": "review"}))
    assert changed == replace(config, model=ModelConfig(dropout=0.1), text_column="review")
    assert config.text_column == "text"
    with pytest.raises(InvalidInputError, match=r"^`training\.epochs` must be a positive integer"):
        with_overrides(config, {"training": {"epochs": 0}})
    with pytest.raises(InvalidInputError, match=r"^`tokenizer` must be one of"):
        with_overrides(config, {"tokenizer": "bpe"})

"""Parameters of a `TextClassifier`, and the settings that they stand for."""

import inspect
from typing import Any

import numpy as np
import pytest

from lstm_sentiment import InvalidInputError, PipelineConfig, TextClassifier
from lstm_sentiment.estimator.settings import KEYWORDS, config_of, seed_of
from lstm_sentiment.pipeline.overrides import preset_config, with_overrides

DEFAULTS = {
    name: parameter.default
    for name, parameter in inspect.signature(TextClassifier).parameters.items()
}


def config(preset: str | None = None, settings: Any = None, **keywords: Any) -> PipelineConfig:
    return config_of({**DEFAULTS, **keywords}, preset, settings, seed=0)


def test_the_defaults_are_those_of_the_command_line() -> None:
    assert config() == PipelineConfig()
    assert DEFAULTS["vectors"] == PipelineConfig().vectors
    assert DEFAULTS["random_state"] == PipelineConfig().training.seed


@pytest.mark.parametrize("name", ["fast", "accurate"])
def test_a_preset_is_that_of_the_command_line(name: str) -> None:
    assert config(preset=name) == preset_config(name)


def test_keywords_and_other_settings_reach_the_training() -> None:
    changed = config(
        "fast",
        {"pooling": "max", "vector_training": {"dim": 7}, "normalization": "none"},
        epochs=3,
        lstm_units=4,
        tokenizer="characters",
    )
    assert changed == with_overrides(
        preset_config("fast"),
        {
            "model": {"pooling": "max", "lstm_units": 4},
            "vector_training": {"dim": 7},
            "training": {"epochs": 3},
            "normalization": "none",
            "tokenizer": "characters",
        },
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"training.epochs": 3}, "has a keyword: give `epochs`. Received: 'training.epochs'."),
        ({"epochs": 3}, "has a keyword: give `epochs`. Received: 'epochs'."),
        ({"training": {"seed": 1}}, "has a keyword: give `random_state`."),
        ({"poling": "max"}, "Received: 'poling'. Did you mean 'model.pooling'?"),
        ({"model.poling": "max"}, "Received: 'model.poling'. Did you mean 'model.pooling'?"),
        ({"training.pooling": "max"}, "Did you mean 'model.pooling'?"),
        ({"run_dir": "runs"}, "use `run_pipeline` for them. Received: 'run_dir'."),
        ({"model.pooling": "maxx"}, "`model.pooling` must be one of"),
        (["model.pooling"], "`settings` must be a mapping"),
    ],
)
def test_settings_that_break_a_rule_are_named(settings: Any, message: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        config(settings=settings)
    assert message in str(error.value)


@pytest.mark.parametrize("keyword", sorted(KEYWORDS))
def test_a_mapping_for_a_setting_is_refused_by_its_name(keyword: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"`{keyword}` must be .*\{{'neg': 2\}}"):
        config_of({**DEFAULTS, keyword: {"neg": 2}}, None, None, seed=0)


def test_parameters_are_checked_by_fit_not_before() -> None:
    classifier = TextClassifier(epochs=-1)
    with pytest.raises(InvalidInputError, match=r"^`epochs` must be .*Received: epochs=-1"):
        classifier.fit(["a", "b"], [0, 1])
    with pytest.raises(InvalidInputError, match=r"^`random_state` must be"):
        TextClassifier(random_state=-1).fit(["a", "b"], [0, 1])


def test_numbers_of_numpy_are_numbers() -> None:
    given = config(lstm_units=np.int64(4), dropout=np.float32(0.5), settings={"dim": np.int8(7)})
    assert given == config(lstm_units=4, dropout=0.5, settings={"dim": 7})
    assert type(given.model.lstm_units) is int


def test_a_random_state_is_a_seed_as_in_scikit_learn() -> None:
    assert seed_of(7) == seed_of(np.int64(7)) == 7
    assert seed_of(np.random.RandomState(1)) == seed_of(np.random.RandomState(1))
    assert seed_of(np.random.default_rng(1)) != seed_of(np.random.default_rng(2))
    assert 0 <= seed_of(None) < 2**32
    with pytest.raises(InvalidInputError, match="`random_state` must be an integer"):
        seed_of("1")


def test_every_keyword_is_a_parameter() -> None:
    assert KEYWORDS.keys() <= DEFAULTS.keys()

"""Which settings count, and that presets differ in those."""

from itertools import combinations, product

import pytest

from lstm_sentiment import ModelConfig, PipelineConfig
from lstm_sentiment.pipeline.overrides import PRESETS, nested, preset_config, with_overrides
from lstm_sentiment.pipeline.settings_in_use import as_used, settings_without_effect
from lstm_sentiment.text.tokenizer_options import TokenizerKind
from lstm_sentiment.text.vectors.options import VectorTrainingConfig

TOKENS = 400_000
"""Of a usual corpus: some thousand reviews."""


def config_of(**settings: object) -> PipelineConfig:
    values = {name.replace("__", "."): value for name, value in settings.items()}
    return with_overrides(PipelineConfig(), nested(values))


@pytest.mark.parametrize(
    ("kind", "vectors"),
    list(product(("unigram", "whitespace", "characters"), (None, "vectors.vec"))),
)
def test_presets_and_defaults_differ_as_used(kind: TokenizerKind, vectors: str | None) -> None:
    configs = [
        as_used(with_overrides(config, {"vectors": vectors}), kind, tokens=TOKENS)
        for config in (PipelineConfig(), *map(preset_config, PRESETS))
    ]
    for one, other in combinations(configs, 2):
        assert one != other


def test_what_changes_nothing_is_named_with_its_reason() -> None:
    config = config_of(
        own_vectors=True,
        vectors_limit=9,
        dictionary="jieba",
        vector_training__characters=False,
        vector_training__least_epochs=10,
        vector_training__epochs=4,
    )
    assert settings_without_effect(config, "whitespace") == {
        "own_vectors": "no `vectors` are given",
        "vectors_limit": "no `vectors` are given",
        "dictionary": "the tokenizer is whitespace, not unigram",
        "vector_training.least_epochs": "`epochs` of word vectors is 4",
        "vector_training.characters": "the tokenizer is whitespace, not unigram",
    }
    assert as_used(config, "whitespace") == config_of(vector_training__epochs=4)


def test_nothing_of_a_run_that_uses_all_of_it() -> None:
    config = config_of(
        vectors="vectors.vec",
        own_vectors=True,
        vectors_limit=9,
        dictionary="jieba",
        model__members=3,
        vector_training__least_epochs=10,
        vector_training__characters=False,
    )
    assert settings_without_effect(config, "unigram", tokens=1_000_000) == {}
    assert as_used(config, "unigram", tokens=1_000_000) == config


def test_given_vectors_or_a_version_leave_nothing_to_the_training_of_vectors() -> None:
    changed = {"vector_training__dim": 50, "vector_training__epochs": 2}
    names = {"vector_training.dim", "vector_training.epochs"}
    for file in ("vectors", "init_from"):
        config = config_of(**{file: "x"}, **changed)
        assert set(settings_without_effect(config, "unigram")) == names


def test_a_version_to_begin_with_brings_the_sizes() -> None:
    config = config_of(init_from="models/old", model__members=3, model__dropout=0.1)
    assert set(settings_without_effect(config, "unigram")) == {"model.members"}
    assert as_used(config, "unigram").model == ModelConfig(dropout=0.1)


@pytest.mark.parametrize(("tokens", "epochs"), [(0, 100), (400_000, 12), (5_000_000, 3)])
def test_least_epochs_count_where_more_are_not_taken_anyway(tokens: int, epochs: int) -> None:
    assert VectorTrainingConfig().epochs_for(tokens) == epochs
    config = config_of(vector_training__least_epochs=10)
    assert bool(settings_without_effect(config, "unigram", tokens=tokens)) == (epochs > 10)
    assert config.vector_training.epochs_for(tokens) == max(10, epochs)

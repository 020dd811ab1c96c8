"""Which settings of a run change its result, and which change nothing for its texts."""

from collections.abc import Iterator, Mapping

from lstm_sentiment.model.config import SIZES
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.pipeline.overrides import nested, setting_types, with_overrides
from lstm_sentiment.text.tokenizer_options import TokenizerKind

_VECTOR_TRAINING = "vector_training."


def settings_without_effect(
    config: PipelineConfig, kind: TokenizerKind, *, tokens: int | None = None
) -> dict[str, str]:
    """Finds the settings that differ from the defaults and change nothing in a run.

    Args:
        config: Settings of the run.
        kind: Kind of its tokenizer.
        tokens: Number of tokens that word vectors are trained on; `None` if it is unknown.

    Returns:
        The reason of each, by the setting's dotted name, in the order of the settings.
    """
    reasons = dict(_reasons(config, kind, tokens))
    values, defaults = _values(config), _values(PipelineConfig())
    return {
        name: reasons[name]
        for name in setting_types()
        if name in reasons and values[name] != defaults[name]
    }


def as_used(
    config: PipelineConfig, kind: TokenizerKind, *, tokens: int | None = None
) -> PipelineConfig:
    """Returns a config with the default in the place of each setting without effect.

    Two configs that are equal after this give the same classifier. The arguments are those of
    `settings_without_effect`.
    """
    defaults = _values(PipelineConfig())
    unused = settings_without_effect(config, kind, tokens=tokens)
    return with_overrides(config, nested({name: defaults[name] for name in unused}))


def _reasons(
    config: PipelineConfig, kind: TokenizerKind, tokens: int | None
) -> Iterator[tuple[str, str]]:
    """Yields each setting that changes nothing, and why, whatever its value."""
    if config.vectors is None:
        for name in ("own_vectors", "vectors_limit"):
            yield name, "no `vectors` are given"
    training = [name for name in setting_types() if name.startswith(_VECTOR_TRAINING)]
    if config.init_from is not None:
        for name in ("own_vectors", *training):
            yield name, "the version to begin with brings its word vectors"
        for name in SIZES:
            yield f"model.{name}", "the version to begin with brings its sizes"
    elif config.vectors is not None and not config.own_vectors:
        for name in training:
            yield name, "word vectors are given and `own_vectors` is off"
    else:
        yield from _reasons_in_vector_training(config, kind, tokens)
    if kind != "unigram":
        for name in ("dictionary", "unknown"):
            yield name, f"the tokenizer is {kind}, not unigram"


def _reasons_in_vector_training(
    config: PipelineConfig, kind: TokenizerKind, tokens: int | None
) -> Iterator[tuple[str, str]]:
    vectors, name = config.vector_training, _VECTOR_TRAINING + "least_epochs"
    if kind != "unigram":
        yield _VECTOR_TRAINING + "characters", f"the tokenizer is {kind}, not unigram"
    if vectors.epochs is not None:
        yield name, f"`epochs` of word vectors is {vectors.epochs}"
    elif tokens is not None and vectors.epochs_for(tokens) > vectors.least_epochs:
        yield name, f"so few tokens are read {vectors.epochs_for(tokens)} times anyway"


def _values(config: PipelineConfig) -> Mapping[str, object]:
    values = {}
    for name in setting_types():
        value: object = config
        for part in name.split("."):
            value = getattr(value, part)
        values[name] = value
    return values

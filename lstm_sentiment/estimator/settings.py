"""The settings of a `TextClassifier` as those of a run; imports no TensorFlow."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_sentiment.checks import closest
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.pipeline.overrides import (
    full_setting_names,
    nested,
    preset_config,
    with_overrides,
)

KEYWORDS = {
    "epochs": "training.epochs",
    "batch_size": "training.batch_size",
    "learning_rate": "training.learning_rate",
    "patience": "training.patience",
    "class_weights": "training.class_weights",
    "cross_validation": "training.cross_validation",
    "lstm_units": "model.lstm_units",
    "dropout": "model.dropout",
    "max_length": "model.max_length",
    "tokenizer": "tokenizer",
}
"""The settings of a run by the keyword of `TextClassifier` that sets them."""

_SECTIONS = ("model.", "training.", "vector_training.")
_OTHERS = ("normalization", "unknown", "dictionary", "own_vectors", "vectors_limit")
_BY_OTHER_KEYWORDS = {
    "vectors": "vectors",
    "training.seed": "random_state",
    "split_seed": "random_state",
    "vector_training.seed": "random_state",
}


def config_of(
    keywords: Mapping[str, Any], preset: str | None, settings: Any, seed: int
) -> PipelineConfig:
    """Returns the settings of a training.

    Args:
        keywords: Values by the names of `KEYWORDS`.
        preset: A preset's name, whose settings come first; `None` takes the defaults.
        settings: Other settings by name, as `--set` of the command line takes them, or nested as
            in a config file; `None` has none.
        seed: The seed of split, word vectors and training.

    Raises:
        InvalidInputError: If a setting is unknown, has a keyword of its own, belongs to files that
            a run reads or writes, or breaks its rule.
    """
    start = PipelineConfig() if preset is None else preset_config(preset)
    chosen = {name: keywords[keyword] for keyword, name in KEYWORDS.items()}
    chosen |= _checked(settings) | {"training.seed": seed}
    # Searches draw numbers of NumPy's types.
    plain = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in chosen.items()
    }
    try:
        return with_overrides(start, nested(plain))
    except InvalidInputError as error:
        message = str(error)
        for keyword, name in (*KEYWORDS.items(), ("random_state", "training.seed")):
            message = message.replace(f"`{name}`", f"`{keyword}`")
        raise InvalidInputError(message) from error


def seed_of(random_state: Any) -> int:
    """Returns the seed that scikit-learn's `random_state` stands for.

    An integer is the seed; `None` draws one, and a NumPy generator is drawn from.
    """
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    if random_state is None or isinstance(random_state, np.random.RandomState):
        return int((random_state or np.random).randint(2**31 - 1))
    raise InvalidInputError(
        "`random_state` must be an integer, `None` or a generator of NumPy. "
        f"Received: {random_state!r}."
    )


def _checked(settings: Any) -> dict[str, Any]:
    if settings is None:
        return {}
    if not isinstance(settings, Mapping):
        raise InvalidInputError(
            "`settings` must be a mapping of names and values, such as {'model.pooling': 'max'}. "
            f"Received: {settings!r}."
        )
    keywords = {name: keyword for keyword, name in KEYWORDS.items()} | _BY_OTHER_KEYWORDS
    keywords |= {keyword: keyword for keyword in (*KEYWORDS, "random_state", "preset")}
    full = full_setting_names()
    flat = {full.get(name, name): value for name, value in _flattened(settings)}
    for name in flat:
        if name in keywords:
            raise InvalidInputError(
                f"`settings` must not hold what has a keyword: give `{keywords[name]}`. "
                f"Received: {name!r}."
            )
        if name not in full:
            raise InvalidInputError(
                f"`settings` must have names of settings. Received: {name!r}.{_meant(name)}"
            )
        if not name.startswith(_SECTIONS) and name not in _OTHERS:
            raise InvalidInputError(
                "`settings` must not name files that a run reads or writes: use `run_pipeline` for "
                f"them. Received: {name!r}."
            )
    return flat


def _flattened(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in settings.items():
        whole = f"{prefix}{name}"
        if isinstance(value, Mapping):
            found += _flattened(value, f"{whole}.")
        else:
            found.append((whole, value))
    return found


def _meant(name: str) -> str:
    """Returns a suggestion, whose section may be another one."""
    full, last = full_setting_names(), name.rpartition(".")[2]
    match = last if last in full else closest(name, full)
    return "" if match is None else f" Did you mean {full[match]!r}?"

"""Named sets of settings to begin with: `fit --preset fast`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.suggestions import not_among

PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "fast": {
            "training": {"epochs": 5},
            "vector_training": {"dim": 100, "characters": False},
        },
        "accurate": {"own_vectors": True, "vector_training": {"least_epochs": 10}},
    }
)
"""By name, what differs from the defaults, in the shape of a config file."""


def check_preset(name: str) -> Mapping[str, Any]:
    """Checks the name of a preset.

    Returns:
        Its settings, nested as in a config file.

    Raises:
        InvalidInputError: If `name` is none of the choices.
    """
    if name not in PRESETS:
        raise InvalidInputError(not_among("preset", PRESETS, name))
    return PRESETS[name]

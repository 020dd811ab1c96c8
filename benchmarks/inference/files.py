"""The folder that the engines load from: what lies in it, and of what sizes."""

from dataclasses import dataclass
from pathlib import Path

WEIGHTS = Path("weights.npz")
"""Of the classifier that is compared with peers: arrays by name, in Keras' order of gates."""
VERSION = Path("one_direction") / "1"
"""The same, exported."""
DEFAULT_MODEL = Path("default.keras")
"""A classifier of the default architecture."""
DEFAULT_VERSION = Path("default") / "1"
"""The same, exported."""


@dataclass(frozen=True)
class Sizes:
    """Of the classifier that is compared with peers.

    Attributes:
        units: Of the LSTM.
        dim: Width of the word vectors.
        vocabulary: Number of token ids; the default model's too.
    """

    units: int
    dim: int
    vocabulary: int

"""The files of a light twin's linear classifiers of n-grams."""

from pathlib import Path
from typing import Any

import numpy as np

from lstm_sentiment.model.ngram_view import NgramView


def save_ngrams(view: NgramView, path: Path) -> None:
    """Saves the layer's weights as `.npz`, by name.

    They are `keys`, `idf`, `kernel`, `bias` and `share`; of a `CharacterView` also `characters` and
    `splits`.
    """
    arrays: dict[str, Any] = {weight.name: np.array(weight) for weight in view.weights}
    np.savez(path, **arrays)

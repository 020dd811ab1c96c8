"""A version in both engines, and the comparison of their answers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lstm_sentiment.serving.light.loader import load_light_servable
from lstm_sentiment.serving.light.servable import LightServable
from tests.saved_model_session import SavedModelSession

INPUTS = {"serving_default": "input_sentence", "tokens": "tokens", "classify": "inputs"}

Engines = tuple[LightServable, SavedModelSession]


def both_engines(version_dir: Path) -> Engines:
    return load_light_servable(version_dir), SavedModelSession(version_dir)


def strings(values: Sequence[str] | Sequence[bytes]) -> np.ndarray:
    encoded = [value if isinstance(value, bytes) else value.encode() for value in values]
    array = np.empty(len(encoded), object)
    array[:] = encoded
    return array


def assert_same(engines: Engines, signature: str, value: np.ndarray, atol: float = 1e-5) -> None:
    """Names, their order, types, shapes and values are those of the graph."""
    light, graph = engines
    answer = light.run(signature, {INPUTS.get(signature, "text"): value})
    expected = graph.run(signature, value)
    assert list(answer) == sorted(expected)
    for name, array in answer.items():
        assert (array.dtype, array.shape) == (expected[name].dtype, expected[name].shape), name
        if array.dtype == np.float32:
            np.testing.assert_allclose(array, expected[name], atol=atol)
        else:
            assert array.tolist() == expected[name].tolist(), name

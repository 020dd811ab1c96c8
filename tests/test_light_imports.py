"""What asking and answering import: none of the packages that only training needs."""

import pkgutil
import subprocess
import sys

import pytest

import lstm_sentiment
from tests.without_train import TRAIN

# Ends with the chain of modules that brings a heavy package in.
IMPORT = """
import importlib, sys
from importlib.abc import MetaPathFinder

class Guard(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {heavy!r}:
            chain, frame = [name], sys._getframe()
            while frame:
                if frame.f_code.co_name == "<module>" and "__file__" in frame.f_globals:
                    chain.append(frame.f_globals["__name__"])
                frame = frame.f_back
            sys.exit(" -> ".join(reversed(chain)))

sys.meta_path.insert(0, Guard())
for module in {modules!r}:
    importlib.import_module(module)
"""

ROOMS = (
    "cli",
    "client",
    "models_config",
    "protocol",
    "report",
    "rollout",
    "serving",
    "version_folder",
    "versions",
)
# The TensorFlow engine, and the script that needs the compiler of the extra `dev`.
OTHERS = ("lstm_sentiment.serving.saved_model.", "lstm_sentiment.protocol.generate")


def modules_of_the_rooms() -> list[str]:
    names = (
        module.name for module in pkgutil.walk_packages(lstm_sentiment.__path__, "lstm_sentiment.")
    )
    return [name for name in names if name.split(".")[1] in ROOMS and not name.startswith(OTHERS)]


def imported(*modules: str) -> str:
    """Imports modules in a process of its own; gives the chain to a heavy package, or nothing."""
    code = IMPORT.format(heavy=set(TRAIN), modules=modules)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr


@pytest.mark.parametrize(
    "modules",
    [
        pytest.param(["lstm_sentiment.client.predict_client"], id="client"),
        pytest.param(["lstm_sentiment.client.async_client"], id="async client"),
        pytest.param(["lstm_sentiment.serving.server"], id="server"),
        pytest.param(["lstm_sentiment.models_config.config"], id="models.config"),
        pytest.param(["lstm_sentiment.text.corpus.streaming"], id="corpora"),
        pytest.param(["lstm_sentiment.training.evaluation.metrics"], id="metrics"),
        pytest.param(modules_of_the_rooms(), id="all of their rooms"),
    ],
)
def test_they_import_no_tensorflow(modules: list[str]) -> None:
    assert imported(*modules) == ""


def test_the_chain_to_a_heavy_package_is_told() -> None:
    chain = imported("lstm_sentiment.serving.saved_model.loader").strip()
    assert chain.startswith("lstm_sentiment.serving.saved_model.loader -> ")
    assert chain.endswith(" -> tensorflow")

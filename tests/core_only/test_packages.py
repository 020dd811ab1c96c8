"""Tests of the installed packages and their imports."""

import importlib
import pkgutil
from importlib.util import find_spec
from pathlib import Path

import pytest

import lstm_sentiment as ls

TRAIN = ("tensorflow", "tensorflow_text", "tensorflow_serving", "keras", "sklearn", "scipy", "onnx")
NEED_TRAIN = (
    "lstm_sentiment.estimator",  # scikit-learn's base class
    "lstm_sentiment.export",
    # Labels are checked by classifiers that are trained on them; the rest of the package is not.
    *(
        f"lstm_sentiment.labels.{name}"
        for name in (
            "ambiguity",
            "check",
            "linear",
            "nearest",
            "network",
            "suspects",
            "text_features",
        )
    ),
    "lstm_sentiment.model",
    "lstm_sentiment.pipeline",
    "lstm_sentiment.serving.saved_model",
    "lstm_sentiment.text",
    "lstm_sentiment.training",
)


@pytest.mark.parametrize("name", TRAIN)
def test_no_package_of_train_is_installed(name: str) -> None:
    assert find_spec(name) is None


def test_the_package_is_the_installed_one() -> None:
    assert "site-packages" in Path(ls.__file__).parts


def test_all_modules_but_those_of_training_can_be_imported() -> None:
    failed = {}
    for module in pkgutil.walk_packages(ls.__path__, "lstm_sentiment."):
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            assert error.name is not None
            failed[module.name] = error.name.partition(".")[0]
    # protoc is needed to generate modules, not to use them.
    assert failed.pop("lstm_sentiment.protocol.generate", "grpc_tools") == "grpc_tools"
    assert {name for name in failed if not name.startswith(NEED_TRAIN)} == set()
    assert set(failed.values()) <= set(TRAIN)


def test_training_says_what_to_install() -> None:
    assert {"fit", "Tokenizer", "PredictClient"} <= set(dir(ls))
    with pytest.raises(ls.LstmSentimentError, match=r"pip install 'lstm-sentiment\[train\]'"):
        _ = ls.fit
    with pytest.raises(ls.LstmSentimentError, match=r"pip install 'lstm-sentiment\[train\]'"):
        _ = ls.find_label_issues
    with pytest.raises(ls.LstmSentimentError, match=r"pip install 'lstm-sentiment\[train\]'"):
        _ = ls.TextClassifier
    with pytest.raises(ImportError, match="training needs TensorFlow"):
        from lstm_sentiment import Tokenizer  # noqa: F401

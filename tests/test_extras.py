import json

import pytest

import lstm_sentiment
from lstm_sentiment import LstmSentimentError, MissingExtraError
from lstm_sentiment.checks import train_imports
from tests.without_train import run_without_train

LINE = "training needs TensorFlow: pip install 'lstm-sentiment[train]'"

# For each name, what using it raises, and its message; or null.
USE_EACH_NAME = """
import json
import lstm_sentiment as ls

def error_of(name):
    try:
        getattr(ls, name)
    except ImportError as error:
        return [type(error).__name__, str(error)]

print(json.dumps({name: error_of(name) for name in dir(ls)}))
"""

NEEDED_TO_TRAIN_ALONE = {
    "export_servable",
    "find_label_issues",
    "fit",
    "join_fit",
    "load_trained_version",
    "make_tokenizer",
    "resume_pipeline",
    "run_pipeline",
    "start_workers",
    "CharacterTokenizer",
    "FitResult",
    "PipelineResult",
    "SentimentModel",
    "StartWeights",
    "Tokenizer",
    "TrainedVersion",
    "UnigramTokenizer",
    "WhitespaceTokenizer",
    "Workers",
    "build_vocabulary",
    "choose_tokenizer",
    "frequent_unknown_tokens",
}


def test_all_names_are_there_without_tensorflow_and_training_ones_say_what_to_install() -> None:
    ended = run_without_train(USE_EACH_NAME)
    assert ended.returncode == 0, ended.stderr
    errors = json.loads(ended.stdout)
    assert set(errors) == set(lstm_sentiment.__all__)
    assert {name for name, error in errors.items() if error} == NEEDED_TO_TRAIN_ALONE
    for name in NEEDED_TO_TRAIN_ALONE:
        assert errors[name] == ["MissingExtraError", LINE], name


def test_the_first_package_that_is_missing_is_named() -> None:
    ended = run_without_train("from lstm_sentiment import fit", hidden=("sklearn", "scipy"))
    assert ended.stderr.splitlines()[-1] == (
        "lstm_sentiment.errors.MissingExtraError: training needs scikit-learn: "
        "pip install 'lstm-sentiment[train]'"
    )


def test_the_error_is_ours_and_an_import_error() -> None:
    assert issubclass(MissingExtraError, LstmSentimentError)
    assert issubclass(MissingExtraError, ImportError)


@pytest.mark.parametrize("module", ["no_such_package", "tensorflow.no_such_module"])
def test_an_import_that_fails_for_another_reason_keeps_its_error(module: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=module) as caught, train_imports():
        __import__(module)
    assert not isinstance(caught.value, MissingExtraError)

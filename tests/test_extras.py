import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import lstm_sentiment
from lstm_sentiment import LstmSentimentError, MissingExtraError
from lstm_sentiment.checks import train_imports
from tests.without_train import run_without_train

ROOT = Path(__file__).parent.parent
LINE = "training needs TensorFlow: pip install 'lstm-sentiment[train]'"

# For each name, what using it raises, and its message; or null.
USE_EACH_NAME = """
import json
import os
import subprocess
import sys
from pathlib import Path
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
    "TextClassifier",
    "Tokenizer",
    "TrainedVersion",
    "UnigramTokenizer",
    "WhitespaceTokenizer",
    "Workers",
    "build_vocabulary",
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


BACKEND_AFTER_A_NAME = """
import os
import lstm_sentiment
lstm_sentiment.SentimentModel
before = os.environ.get("KERAS_BACKEND")
import keras
print(keras.config.backend(), before)
"""


@pytest.mark.parametrize(
    ("variable", "said"), [("torch", None), (None, "jax"), (None, None)], ids=str
)
def test_keras_computes_by_tensorflow_whatever_other_programs_want(
    variable: str | None, said: str | None, tmp_path: Path
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    environment["KERAS_HOME"] = str(tmp_path)
    if variable:
        environment["KERAS_BACKEND"] = variable
    if said:
        (tmp_path / "keras.json").write_text(json.dumps({"backend": said}))
    ended = _python("-c", BACKEND_AFTER_A_NAME, environment=environment)
    assert (ended.stdout, ended.returncode) == (f"tensorflow {variable}\n", 0), ended.stderr


def test_commands_that_train_compute_by_tensorflow_too(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.csv"
    corpus.write_text("text\n" + "".join(f"房间 很 好 {n}\n" for n in range(20)), encoding="utf-8")
    environment = {**os.environ, "KERAS_BACKEND": "torch", "KERAS_HOME": str(tmp_path)}
    ended = _python(
        *("cli.py", "vectors", "train", "--epochs", "1", "--dim", "4"),
        *("--data", str(corpus), "--output", str(tmp_path / "vectors.txt")),
        environment=environment,
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("training", ["cli.py fit --data corpus.csv", "-c USE"])
def test_python_without_docstrings_is_told_what_to_do(training: str) -> None:
    use = "import lstm_sentiment; lstm_sentiment.fit"
    arguments = [use if part == "USE" else part for part in training.split()]
    ended = _python(*arguments, environment={**os.environ, "PYTHONOPTIMIZE": "2"})
    assert ended.returncode == (2 if training.startswith("cli") else 1)
    assert ended.stderr.splitlines()[-1].endswith(
        "training needs tensorflow-text, which cannot be imported without docstrings: set"
        " PYTHONOPTIMIZE to 1 or unset it, and give Python `-O` once at most. Received: 2."
    )


def _python(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_documentation_lists_all_extras() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    page = (ROOT / "docs" / "engines.md").read_text("utf-8")
    table = page[page.index("| extra |") : page.index("`python -m benchmarks.installation`")]
    listed = re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)
    assert sorted(listed) == sorted(project["optional-dependencies"])

"""A `TextClassifier` trained for real: saved, loaded, pickled and explained."""

import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lstm_sentiment import Corpus, InvalidInputError, TextClassifier
from lstm_sentiment.display_names import load_display_names
from lstm_sentiment.export.reexport import reexport_version
from lstm_sentiment.version_digests import check_version
from lstm_sentiment.version_folder import load_card
from lstm_sentiment.versions.predictor import SavedModelPredictor
from tests.test_light_imports import IMPORT

SETTINGS = {"vector_training.epochs": 1, "vector_training.dim": 8}
SMALL: dict[str, Any] = {
    "epochs": 2,
    "cross_validation": "off",
    "lstm_units": 4,
    "max_length": 20,
    "settings": SETTINGS,
}
# Of what loads a classifier, not of what trains one.
TRAINING = {"tensorflow", "tensorflow_text", "keras", "onnx"}
ASK = """
import pickle
import lstm_sentiment
from pathlib import Path
classifier = {load}
print(classifier.predict(["房间很干净", "早餐很差"]).tolist(), classifier.classes_.dtype.kind)
print(classifier.explain(["好"])[0].tokens, classifier.evaluate(["好"], [0]).texts)
"""


@pytest.fixture(scope="module")
def labels(corpus: Corpus) -> Any:
    return np.array(corpus.labels) * 10


@pytest.fixture(scope="module")
def classifier(corpus: Corpus, labels: Any) -> TextClassifier:
    return TextClassifier(**SMALL).fit(pd.Series(corpus.texts), labels)


@pytest.fixture(scope="module")
def saved(classifier: TextClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return classifier.save(tmp_path_factory.mktemp("models") / "sentiment")


def test_it_learns_and_answers(classifier: TextClassifier, corpus: Corpus, labels: Any) -> None:
    assert classifier.classes_.tolist() == [0, 10, 20]
    probabilities = classifier.predict_proba(list(corpus.texts))
    assert probabilities.shape == (len(corpus), 3)
    assert np.allclose(probabilities.sum(axis=1), 1)
    score = classifier.score(corpus.texts, labels)
    assert score > 0.8
    evaluation = classifier.evaluate(corpus.texts, labels)
    assert evaluation.accuracy == score
    assert evaluation.accuracy_interval.low < score
    assert classifier.result_ is not None
    assert classifier.result_.dev.texts == 24


def test_the_same_state_gives_the_same_classifier(
    classifier: TextClassifier, corpus: Corpus, labels: Any
) -> None:
    again = TextClassifier(**SMALL).fit(iter(corpus.texts), (label for label in labels))
    same = again.predict_proba(corpus.texts) == classifier.predict_proba(corpus.texts)
    assert same.all()


def test_a_saved_version_is_any_version_and_loads_with_its_parameters(
    classifier: TextClassifier, saved: Path, corpus: Corpus, labels: Any
) -> None:
    assert saved.name == "1"
    card = load_card(saved)
    assert card is not None
    assert card["labels"] == ["0", "10", "20"]
    loaded = TextClassifier.load(saved.parent)
    assert loaded.get_params() == classifier.get_params()
    assert loaded.result_ is None
    assert np.array_equal(loaded.classes_, classifier.classes_)
    assert loaded.classes_.dtype == classifier.classes_.dtype
    assert loaded.score(corpus.texts, labels) == classifier.score(corpus.texts, labels)
    expected = classifier.predict_proba(corpus.texts)
    assert np.allclose(loaded.predict_proba(corpus.texts), expected, atol=1e-4)
    assert loaded.evaluate(corpus.texts, labels).texts == len(corpus)


def test_a_loaded_classifier_is_saved_as_the_next_version(saved: Path) -> None:
    second = TextClassifier.load(saved).save(saved.parent)
    assert second.name == "2"
    assert (second / "saved_model.pb").read_bytes() == (saved / "saved_model.pb").read_bytes()
    assert TextClassifier.load(second).classes_.tolist() == [0, 10, 20]


def test_labels_may_have_display_names(saved: Path) -> None:
    names: dict[int, dict[str, str] | str] = {0: {"zh": "差评"}, 20: "top"}
    loaded = TextClassifier.load(saved)
    named = loaded.save(saved.parent, display_names=names)
    assert load_display_names(named).of_all(["0", "10", "20"], "zh") == ("差评", "10", "top")
    check_version(named)
    again = TextClassifier.load(named).save(saved.parent)
    assert load_display_names(again) == load_display_names(named)
    with pytest.raises(InvalidInputError, match="`display_names`: must name only labels"):
        loaded.save(saved.parent, display_names={5: "x"})


def test_a_reexported_version_keeps_the_type_of_labels(saved: Path) -> None:
    again = reexport_version(saved, lambda _: None)
    assert TextClassifier.load(again).classes_.tolist() == [0, 10, 20]


def test_a_pickle_holds_the_version(
    classifier: TextClassifier, corpus: Corpus, saved: Path
) -> None:
    pickled = pickle.dumps(classifier)
    whole = sum(path.stat().st_size for path in saved.rglob("*") if path.is_file())
    assert len(pickled) < whole
    again = pickle.loads(pickled)
    assert again.get_params() == classifier.get_params()
    assert np.array_equal(again.predict(corpus.texts), classifier.predict(corpus.texts))
    # Pickled once more, and after the folder of the first is gone.
    twice = pickle.loads(pickle.dumps(again))
    del again
    assert twice.predict(["房间很干净"]).tolist() == classifier.predict(["房间很干净"]).tolist()
    unfitted = pickle.loads(pickle.dumps(TextClassifier(epochs=3)))
    assert unfitted.epochs == 3
    assert not hasattr(unfitted, "classes_")


def test_another_process_answers_without_tensorflow(
    classifier: TextClassifier, saved: Path, tmp_path: Path
) -> None:
    path = tmp_path / "classifier.pkl"
    path.write_bytes(pickle.dumps(classifier))
    expected = classifier.predict(["房间很干净", "早餐很差"]).tolist()
    for load in (
        f"lstm_sentiment.TextClassifier.load({str(saved)!r})",
        f"pickle.loads(Path({str(path)!r}).read_bytes())",
    ):
        code = IMPORT.format(heavy=TRAINING, modules=["lstm_sentiment"]) + ASK.format(load=load)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[0] == f"{expected} i"


def test_a_version_of_the_command_line_has_strings(fitted_version: Path) -> None:
    loaded = TextClassifier.load(fitted_version, engine="light")
    predictor = SavedModelPredictor(fitted_version)
    texts = ["房间很干净", "早餐很差", "一般"]
    assert loaded.classes_.tolist() == sorted(predictor.label_names)
    assert loaded.predict(texts).tolist() == [p.label for p in predictor.predict(texts)]
    assert loaded.get_params() == TextClassifier().get_params()


@pytest.fixture(scope="module")
def fitted_version(fitted: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from lstm_sentiment import export_servable

    return export_servable(fitted, tmp_path_factory.mktemp("fitted"))


def test_explanations_are_of_the_labels_names(classifier: TextClassifier) -> None:
    (explanation,) = classifier.explain(["房间很干净"])
    assert explanation.label == str(classifier.predict(["房间很干净"])[0])
    assert explanation.tokens == ("房间", "很", "干净")
    assert explanation.model_version is None


def test_a_damaged_file_of_parameters_is_named(saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path / "1")
    (tmp_path / "1" / "assets.extra" / "estimator.json").write_text('{"format": 9}')
    with pytest.raises(InvalidInputError, match=r"estimator.json: must be as `TextClassifier.save"):
        TextClassifier.load(tmp_path)


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        (["a", None], [0, 1], "A text must not be missing.* in row 1"),
        (["a", "b"], [0], "as many labels as texts. Received: 2 texts, 1 labels"),
        (["a", "b"], [0, 0], "at least two classes"),
        (["", " "], [0, 1], "Some texts must not be empty"),
        (["a", "b"], [0, 1], "Each class needs at least 2 different texts"),
        ("ab", [0, 1], "`texts` must be a list"),
        (["a", "b"], None, "There must be a label for each text"),
    ],
)
def test_texts_and_labels_that_break_a_rule_are_refused(
    texts: Any, labels: Any, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        TextClassifier(**SMALL).fit(texts, labels)

"""The interface of scikit-learn, with a training that takes no time."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import column_or_1d, validate_data

from lstm_sentiment import Corpus, TextClassifier, WordVectors
from lstm_sentiment.estimator.classes import Classes
from lstm_sentiment.estimator.trained import Trained
from tests.estimator import naive

TEXTS = ["a b", "a c", "a d", "a e", "x b", "x c", "x d", "x e"] * 2
LABELS = ["good"] * 4 + ["bad"] * 4
LABELS *= 2


@pytest.fixture(autouse=True)
def _naive() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        naive.install(patch)
        yield


class OfRows(TextClassifier):
    """Reads the rows of numbers in scikit-learn's checks as texts."""

    def fit(self, X: Any, y: Any) -> "OfRows":
        if y is not None:
            X, y = _texts(validate_data(self, X)), column_or_1d(y, warn=True)
        super().fit(X, y)
        return self

    def predict_proba(self, X: Any) -> Any:
        return super().predict_proba(self._seen(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        return super().score(self._seen(X), y, sample_weight)

    def _seen(self, X: Any) -> Any:
        self._fitted()
        return _texts(validate_data(self, X, reset=False))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.one_d_array = tags.input_tags.string = False
        return tags


def _texts(rows: Any) -> list[str]:
    return [" ".join(f"c{i}v{value:.0f}" for i, value in enumerate(row)) for row in rows]


FAILS = {
    "check_estimators_pickle": "a pickle holds an exported version: see test_text_classifier.py",
    "check_fit2d_1sample": "the error names the class of the one text, not the number of texts",
}


def test_the_checks_of_scikit_learn_pass() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        checks = check_estimator(
            OfRows(), expected_failed_checks=FAILS, on_fail="raise", on_skip=None
        )
    passed = {check["check_name"] for check in checks if check["status"] == "passed"}
    assert len(checks) > 50
    # Some of those that users rely on.
    assert passed >= {
        "check_classifiers_classes",
        "check_classifiers_train",
        "check_dict_unchanged",
        "check_estimator_cloneable",
        "check_estimators_unfitted",
        "check_get_params_invariance",
        "check_no_attributes_set_in_init",
        "check_set_params",
        "check_supervised_y_no_nan",
    }


def test_the_input_is_a_list_of_strings() -> None:
    tags = get_tags(TextClassifier())
    assert is_classifier(TextClassifier())
    assert tags.input_tags.string and not tags.input_tags.two_d_array
    assert tags.target_tags.required and tags.classifier_tags.multi_class


def test_a_clone_has_the_parameters_and_shares_word_vectors() -> None:
    vectors = WordVectors(("a",), np.ones((1, 2), np.float32))
    settings = {"model.pooling": "max"}
    classifier = TextClassifier(epochs=3, vectors=vectors, settings=settings)
    assert classifier.settings is settings
    copy = clone(classifier)
    assert copy.get_params() == classifier.get_params()
    assert copy.vectors is vectors


def test_labels_come_back_with_their_type_and_columns_follow_the_classes() -> None:
    for labels in (
        np.where(np.array(LABELS) == "good", 10, 9).astype(np.int16),
        np.array(LABELS) == "good",
        [{"good": 10, "bad": 9}[label] for label in LABELS],
        np.array(LABELS),
        LABELS,
    ):
        classifier = TextClassifier().fit(TEXTS, labels)
        assert classifier.classes_.dtype == np.asarray(labels).dtype
        assert np.array_equal(classifier.classes_, np.unique(labels))
        assert np.array_equal(classifier.predict(iter(TEXTS)), labels)
        best = classifier.predict_proba(TEXTS).argmax(axis=1)
        assert np.array_equal(classifier.classes_[best], labels)
        assert classifier.score(TEXTS, labels) == 1


def test_cross_validation_search_and_pipeline() -> None:
    assert cross_val_score(TextClassifier(), TEXTS, LABELS, cv=2).tolist() == [1, 1]
    assert cross_val_score(TextClassifier(), TEXTS, LABELS, cv=2, scoring="roc_auc").tolist() == [
        1,
        1,
    ]
    predicted = cross_val_predict(TextClassifier(), TEXTS, LABELS, cv=2, method="predict_proba")
    assert predicted.shape == (len(TEXTS), 2)
    lower = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    pipeline = make_pipeline(lower, TextClassifier())
    search = GridSearchCV(pipeline, {"textclassifier__lstm_units": [4, 8]}, cv=2)
    search.fit([text.upper() for text in TEXTS], LABELS)
    assert search.predict(["A", "X"]).tolist() == ["good", "bad"]
    assert search.best_estimator_[-1].lstm_units in (4, 8)


def test_nothing_is_answered_before_fit() -> None:
    classifier = TextClassifier()
    ask: Any
    for ask in (classifier.predict, classifier.predict_proba, classifier.explain, classifier.save):
        with pytest.raises(NotFittedError, match=r"call `fit`, or `TextClassifier.load`"):
            ask(["a"])
    for judge in (classifier.score, classifier.evaluate):
        with pytest.raises(NotFittedError):
            judge(["a"], ["b"])


def test_a_score_compares_names_and_takes_weights() -> None:
    classifier = TextClassifier().fit(TEXTS, [int(label == "good") for label in LABELS])
    assert classifier.score(["a", "x"], [1, 1]) == 0.5
    assert classifier.score(["a", "x"], ["1", 0.0]) == 1
    assert classifier.score(["a", "x"], [1, 1], sample_weight=[3, 1]) == 0.75
    assert classifier.score(["a", "x"], [1, "another"]) == 0.5


def test_columns_follow_the_classes_where_a_version_has_another_order() -> None:
    corpus = Corpus.from_rows([("a", "9"), ("x", "10")])
    assert corpus.label_names == ("9", "10")
    result: Any = naive.fit_naive(None, corpus)
    trained = Trained(Classes.of_version(corpus.label_names), result)
    assert trained.classes.labels.tolist() == ["10", "9"]
    assert trained.probabilities(["a", "x"]).argmax(axis=1).tolist() == [1, 0]
    assert trained.right(["a", "x"], ["9", "10"]) == [True, True]

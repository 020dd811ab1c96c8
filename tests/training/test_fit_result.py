"""A trained classifier predicts without an export."""

import numpy as np
import pandas as pd
import pytest

from lstm_sentiment import Corpus, FitResult, InvalidInputError


def test_it_predicts_as_it_is_evaluated(fitted: FitResult, corpus: Corpus) -> None:
    predictions = fitted.predict(corpus.texts)
    right = [p.classification == label for p, label in zip(predictions, corpus.labels, strict=True)]
    assert np.mean(right) == fitted.evaluate(corpus).accuracy
    for prediction in predictions:
        assert prediction.label == fitted.label_names[prediction.classification]
        assert prediction.classification == int(np.argmax(prediction.probabilities))
        assert sum(prediction.probabilities) == pytest.approx(1)
        assert prediction.model_version is None


def test_any_column_of_texts_will_do(fitted: FitResult) -> None:
    texts = ["房间很干净", "早餐很差", "", "\ud800"]
    expected = fitted.predict(texts)
    for given in (iter(texts), np.array(texts), pd.Series(texts, dtype=object), tuple(texts)):
        assert fitted.predict(given) == expected


def test_it_is_shown_without_its_texts(fitted: FitResult) -> None:
    assert fitted.examples
    assert not any(text in repr(fitted) for text in fitted.examples)


def test_no_text_and_missing_texts_are_refused(fitted: FitResult) -> None:
    with pytest.raises(InvalidInputError, match=r"at least one text\. Received: none"):
        fitted.predict([])
    with pytest.raises(InvalidInputError, match=r"Received: nan in row 1 \(rows count from 0\)"):
        fitted.predict(["好", float("nan")])  # type: ignore[list-item]

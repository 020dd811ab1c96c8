from pathlib import Path

import numpy as np
import pytest

from lstm_sentiment import (
    FitResult,
    InvalidInputError,
    SavedModelPredictor,
    ServableNotFoundError,
    ServableUnavailableError,
)
from tests.exported import add_version

pytestmark = pytest.mark.usefixtures("versions_loaded_once")


@pytest.fixture(scope="module")
def base_path(fitted: FitResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "sentiment"
    for version in (2, 10):
        add_version(path, version, fitted)
    return path


def test_the_highest_version_is_taken_or_the_one_named(base_path: Path) -> None:
    assert SavedModelPredictor(base_path).version_dir == base_path / "10"
    (prediction,) = SavedModelPredictor(base_path / "2").predict(["房间很好"])
    assert prediction.model_version == 2


def test_texts_are_answered_in_order_whatever_the_batches(base_path: Path) -> None:
    predictor = SavedModelPredictor(base_path)
    texts = ["房间很干净", "早餐真的差", "", "\ud800", "位置有点一般"]
    predictions = predictor.predict(texts, batch_size=2)
    assert [p.label for p in predictions[:2]] == ["positive", "negative"]
    for text, prediction in zip(texts, predictions, strict=True):
        (alone,) = predictor.predict([text])
        np.testing.assert_allclose(prediction.probabilities, alone.probabilities, atol=1e-5)


def test_segmented_text(base_path: Path) -> None:
    predictor = SavedModelPredictor(base_path)
    (raw,) = predictor.predict(["房间很干净"])
    (segmented,) = predictor.predict(["房间 很 干净"], signature="tokens")
    np.testing.assert_allclose(raw.probabilities, segmented.probabilities, atol=1e-5)


@pytest.mark.parametrize(
    ("texts", "told"),
    [("房间很好", "`texts` must be a list of texts"), ([], "at least one text. Received: none")],
)
def test_refuses_no_texts_and_a_bare_string(
    base_path: Path, texts: list[str] | str, told: str
) -> None:
    with pytest.raises(InvalidInputError, match=told):
        SavedModelPredictor(base_path).predict(texts)


def test_takes_any_column_of_texts_and_names_the_row_of_a_missing_one(base_path: Path) -> None:
    predictor = SavedModelPredictor(base_path)
    texts = ["房间很干净", "早餐很差"]
    expected = predictor.predict(texts)
    for given in (iter(texts), np.array(texts), tuple(texts)):
        assert predictor.predict(given) == expected  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match=r"Received: None in row 1 \(rows count from 0\)"):
        predictor.predict(["好", None])  # type: ignore[list-item]


def test_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(ServableNotFoundError, match="Received: a folder without any"):
        SavedModelPredictor(tmp_path)
    (tmp_path / "1").mkdir()
    with pytest.raises(ServableUnavailableError, match="could not be loaded"):
        SavedModelPredictor(tmp_path)

"""`check_drift` on a version that was exported."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_sentiment import (
    Corpus,
    FitResult,
    InvalidInputError,
    LoggedRequest,
    SavedModelPredictor,
    check_drift,
    read_prediction_log,
)
from lstm_sentiment.drift.reference import DriftReference
from lstm_sentiment.version_folder import CARD
from lstm_sentiment.versions.new_words import WordCounter
from tests.exported import MODEL_NAME, exported
from tests.request_logs import logged, write_log

BOOKS = ["这本小说的作者写得精彩", "小说情节拖沓，作者水平一般", "作者的文笔很好，小说值得一读"]


@pytest.fixture(scope="module")
def version_dir(fitted: FitResult) -> Path:
    return exported(fitted)


def drawn(texts: Sequence[str], count: int, seed: int = 0) -> list[str]:
    return [texts[at] for at in np.random.default_rng(seed).integers(0, len(texts), count)]


def test_texts_of_training_are_no_drift(version_dir: Path, corpus: Corpus) -> None:
    result = check_drift(version_dir, drawn(corpus.texts, 600))
    assert not result.is_drift
    assert (result.texts, result.found_after, result.moved) == (600, None, ())
    assert result.log10_e_value < 2
    assert (result.version_dir, result.version) == (version_dir, 3)


def test_other_texts_are_drift_and_their_words_are_new(version_dir: Path, corpus: Corpus) -> None:
    result = check_drift(version_dir, drawn(BOOKS, 200))
    assert result.is_drift
    assert result.found_after is not None
    assert result.found_after < 100
    assert result.log10_e_value >= 2
    assert "小说" in {new.word for new in result.new_words}
    assert all(new.seen == pytest.approx(1.0) for new in result.new_words if new.word == "小说")
    told = json.loads(json.dumps(result.to_dict()))
    assert told["is_drift"] is True
    assert told["version_dir"] == str(version_dir)
    assert set(told["moved"][0]) == {"group", "feature", "expected", "seen"}


def test_drift_that_begins_late_is_told_of_the_texts_since(
    version_dir: Path, corpus: Corpus
) -> None:
    result = check_drift(version_dir, [*drawn(corpus.texts, 1_000), *drawn(BOOKS, 150)])
    assert result.is_drift
    assert result.since_text == 1_000
    assert "小说" in {new.word for new in result.new_words}


def test_logged_answers_of_this_version_are_taken_and_others_computed(
    version_dir: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    predict = SavedModelPredictor.predict

    def noted(self: SavedModelPredictor, texts: Sequence[str], **options: Any) -> Any:
        asked.extend(texts)
        return predict(self, texts, **options)

    monkeypatch.setattr(SavedModelPredictor, "predict", noted)
    own = LoggedRequest(
        "Predict",
        ("好", "差"),
        version=3,
        labels=("negative", "positive"),
        probabilities=((0.9, 0.05, 0.05), (0.1, 0.1, 0.8)),
    )
    requests = [
        own,
        replace(own, texts=("旧版",), version=2, labels=None, probabilities=None),
        replace(own, texts=("别的类", "别的类"), labels=("a", "b")),
        replace(own, texts=("未答", "未答"), labels=None, probabilities=None),
    ]
    assert check_drift(version_dir, requests).texts == 7
    assert asked == ["旧版", "别的类", "别的类", "未答", "未答"]


def test_a_log_is_read_as_its_texts_are(version_dir: Path, corpus: Corpus, tmp_path: Path) -> None:
    texts = drawn(corpus.texts, 40)
    answers = SavedModelPredictor(version_dir).predict(texts)
    labels = ("negative", "neutral", "positive")
    log = write_log(
        tmp_path / "log",
        [
            logged([text], [answer.probabilities], model=MODEL_NAME, labels=labels)
            for text, answer in zip(texts, answers, strict=True)
        ],
    )
    of_log = check_drift(version_dir, read_prediction_log(log))
    assert of_log.log10_e_value == pytest.approx(check_drift(version_dir, texts).log10_e_value)


@pytest.mark.parametrize("texts", [[], [LoggedRequest("Predict", ())]])
def test_no_texts_are_refused(version_dir: Path, texts: list[str | LoggedRequest]) -> None:
    with pytest.raises(InvalidInputError, match=r"^`texts` must hold at least one text\."):
        check_drift(version_dir, texts)


def test_a_version_without_a_reference_is_refused(tmp_path: Path) -> None:
    (tmp_path / "3" / CARD).parent.mkdir(parents=True)
    (tmp_path / "3" / "saved_model.pb").touch()
    (tmp_path / "3" / CARD).write_text('{"labels": ["a", "b"]}')
    with pytest.raises(InvalidInputError, match=r"must be a version that keeps what texts"):
        check_drift(tmp_path, ["text"])


def test_new_words_are_frequent_and_were_rare() -> None:
    known = DriftReference.of_texts([["the clean room"] * 500], ["a", "b"])
    counter = WordCounter(window_texts=500, windows=2)
    counter.add(["the novel"] * 30 + ["the room"] * 65 + ["a rarity"] * 5)
    found = {new.word: new.seen for new in counter.new_words(known, 0)}
    assert found == {"novel": 0.3, "a": 0.05, "rarity": 0.05}


def test_words_since_a_start_are_those_of_the_texts_since() -> None:
    known = DriftReference.of_texts([["room"] * 100], ["a", "b"])
    counter = WordCounter(window_texts=10, windows=3)
    counter.add(["early"] * 50 + ["late"] * 12)
    assert [new.word for new in counter.new_words(known, 5)] == ["late"]
    assert [new.seen for new in counter.new_words(known, 5)] == [1.0]
    # The texts since an earlier start are not known apart any more: all are told of.
    assert {new.word for new in counter.new_words(known, 1)} == {"early", "late"}

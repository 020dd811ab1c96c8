"""What the web page gets to know of a version."""

import json
from pathlib import Path
from typing import Any

import pytest

from lstm_sentiment.errors import ServableNotFoundError
from lstm_sentiment.serving.rest_api.about import about_version
from lstm_sentiment.version_folder import CARD, LABEL_NAMES

EXAMPLE = {
    **{"text": "房间很干净", "tokens": ["房间", "很", "干净"], "token_ids": [5, 3, 9]},
    **{"label": "1", "probabilities": [0.1, 0.9]},
}
FACTS: dict[str, Any] = {
    "labels": ["0", "1"],
    "trained_at": "2026-11-30T10:00:00+00:00",
    "data": {"train": {"texts": 80, "sha256": "x"}, "test": {"texts": 10}},
    "metrics": {"dev": {"accuracy": 0.5}, "test": {"accuracy": 0.75, "macro_f1": float("nan")}},
    "model": {"max_length": 200},
    "examples": [EXAMPLE],
}
NOTHING: dict[str, Any] = {
    **{"labels": None, "label_names": {}, "trained": None, "texts": {}, "scores": {}},
    **{"max_length": None, "examples": []},
}


def with_card(folder: Path, card: object) -> Path:
    path = folder / "3" / CARD
    path.parent.mkdir(parents=True)
    path.write_text(card if isinstance(card, str) else json.dumps(card), "utf-8")
    return folder


def test_it_gets_the_facts_of_the_card_and_its_texts(tmp_path: Path) -> None:
    assert about_version(with_card(tmp_path, FACTS), "hotel", 3) == {
        "model": "hotel",
        "version": 3,
        "labels": ["0", "1"],
        "label_names": {},
        "trained": "2026-11-30T10:00:00+00:00",
        "texts": {"train": 80, "test": 10},
        "scores": {"accuracy": 0.75},
        "max_length": 200,
        "examples": [{"text": "房间很干净", "label": "1"}],
    }


def test_labels_have_their_names_in_the_languages_of_the_page(tmp_path: Path) -> None:
    folder = with_card(tmp_path, FACTS)
    names = {"0": {"zh-CN": "差评", "en": "bad"}, "1": {"de": "gut", "*": "top"}}
    (folder / "3" / LABEL_NAMES).write_text(json.dumps(names), "utf-8")
    assert about_version(folder, "hotel", 3)["label_names"] == {
        "0": {"zh": "差评", "en": "bad"},
        "1": {"zh": "top", "en": "top"},
    }
    (folder / "3" / LABEL_NAMES).write_text("{", "utf-8")
    assert about_version(folder, "hotel", 3)["label_names"] == {}


@pytest.mark.parametrize(
    "card",
    [
        *["{", [1], {}, {"examples": [{"text": "x"}]}],
        {"labels": 1, "data": [], "metrics": {"test": None}, "model": 5, "trained_at": 7},
        {"data": {"train": 5, "dev": {"texts": "many"}}},
    ],
)
def test_a_card_of_another_form_tells_nothing(tmp_path: Path, card: object) -> None:
    found = about_version(with_card(tmp_path, card), "hotel", 3)
    assert found == {"model": "hotel", "version": 3, **NOTHING}


def test_a_version_without_a_card_has_no_facts(tmp_path: Path) -> None:
    (tmp_path / "3").mkdir()
    assert about_version(tmp_path, "hotel", 3) == {"model": "hotel", "version": 3, **NOTHING}


def test_a_version_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for base_path in (None, tmp_path, tmp_path / "absent"):
        with pytest.raises(ServableNotFoundError):
            about_version(base_path, "hotel", 3)

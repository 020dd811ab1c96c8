"""`choose_next`: which texts of a pool are chosen, and which never."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.labels.next_file import save_next_texts
from lstm_sentiment.labels.next_texts import NextTexts, choose_next
from lstm_sentiment.text.corpus.near_duplicates import text_key
from lstm_sentiment.text.corpus.reading import read_corpus, read_texts
from lstm_sentiment.text.corpus.streaming import open_texts
from lstm_sentiment.training.fit_result import FitResult
from lstm_sentiment.versions.predictor import SavedModelPredictor
from tests.corpora import copied, hotel_like, write_csv
from tests.exported import exported

POOL = hotel_like(150, seed=1).texts


def texts_of(found: NextTexts) -> list[str]:
    return [text.text for text in found.texts]


@pytest.fixture(scope="module")
def version(fitted: FitResult) -> SavedModelPredictor:
    return SavedModelPredictor(exported(fitted))


@settings(max_examples=15)
@given(
    pool=st.lists(st.text(alphabet="好坏 ,，aA早餐房", max_size=6), max_size=30),
    labelled=st.lists(st.text(alphabet="好坏早餐", max_size=3), max_size=5),
    number=st.integers(1, 12),
    random_share=st.floats(0, 1),
    seed=st.integers(0, 5),
)
def test_what_is_chosen_holds_whatever_the_pool(
    pool: list[str], labelled: list[str], number: int, random_share: float, seed: int
) -> None:
    free = {text_key(text.strip()) for text in pool if text.strip()} - set(map(text_key, labelled))
    if not free:
        with pytest.raises(InvalidInputError, match="The pool must hold a text"):
            choose_next(pool, number, labelled=labelled, random_share=random_share, seed=seed)
        return
    found = choose_next(pool, number, labelled=labelled, random_share=random_share, seed=seed)
    chosen = texts_of(found)
    assert len(chosen) == min(number, len(free))
    # No near duplicate of another chosen text, nor of one that has a label.
    keys = [text_key(text) for text in chosen]
    assert len(set(keys)) == len(keys) and set(keys) <= free
    assert all(pool[text.position].strip() == text.text for text in found.texts)
    assert found.counts()["random"] == round(random_share * len(chosen))
    counts = found.pool
    assert counts.left == len(free)
    assert counts.left + counts.labelled + counts.repeated + counts.empty == len(pool)


def test_the_same_seed_chooses_the_same_texts_and_another_one_others() -> None:
    first, again, other = (choose_next(POOL, 20, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert texts_of(first) != texts_of(other)


def test_texts_in_their_files_are_chosen_as_those_in_memory(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "pool.csv", [(text, "") for text in POOL])
    assert choose_next(open_texts([file]), 12) == choose_next(read_texts(file), 12)


def test_random_texts_are_spread_over_the_list() -> None:
    reasons = [text.reason for text in choose_next(POOL, 40, random_share=0.25).texts]
    for start in range(0, 40, 8):
        assert reasons[start : start + 8].count("random") == 2
    assert {text.reason for text in choose_next(POOL, 5, random_share=1).texts} == {"random"}
    assert {text.reason for text in choose_next(POOL, 5, random_share=0).texts} == {"diverse"}


def test_diverse_texts_stand_for_every_kind_of_text() -> None:
    kinds = ["房间很干净", "the breakfast was cold", "位置方便离地铁近", "parking is expensive"]
    pool = [f"{kind}{number:04}" for kind in kinds for number in range(50)]
    found = texts_of(choose_next(pool, 4, random_share=0))
    assert {text[:-4] for text in found} == set(kinds)


def test_what_has_a_label_is_not_asked_again() -> None:
    kinds = ["房间很干净", "the breakfast was cold"]
    pool = [f"{kind}{number:04}" for kind in kinds for number in range(50)]
    labelled = [f"{kinds[0]}{number}" for number in range(20)]
    assert texts_of(choose_next(pool, 1, labelled=labelled, random_share=0))[0].startswith("the")


def test_texts_tell_about_those_that_are_in_doubt() -> None:
    kinds = ["房间很干净", "the breakfast was cold"]
    pool = [f"{kind}{number:04}" for kind in kinds for number in range(50)]
    doubtful = np.repeat([[0.99, 0.01], [0.5, 0.5]], 50, axis=0)
    for probabilities, kind in ((doubtful, kinds[1]), (doubtful[::-1], kinds[0])):
        found = choose_next(pool, 1, probabilities=probabilities, random_share=0)
        assert found.texts[0].text.startswith(kind)
        assert found.texts[0].score == pytest.approx(1)
        assert found.texts[0].reason == "uncertain"


def test_a_version_chooses_what_it_is_in_doubt_about(version: SavedModelPredictor) -> None:
    found = choose_next(POOL, 30, model=version, random_share=0.2)
    assert found.counts() == {"uncertain": 24, "diverse": 0, "random": 6}
    assert found.version_dir == version.version_dir
    probabilities = [answer.probabilities for answer in version.predict(texts_of(found))]
    entropy = [-sum(p * np.log(p) for p in row if p) / np.log(3) for row in probabilities]
    scores = [text.score for text in found.texts]
    np.testing.assert_allclose(np.array(scores, float), entropy, atol=1e-5)
    drawn, chosen = (
        np.mean([text.score for text in found.texts if (text.reason == "random") is at_random])
        for at_random in (True, False)
    )
    assert chosen > drawn


def test_what_a_version_was_trained_on_is_left_out(
    version: SavedModelPredictor, fitted: FitResult, corpus: object
) -> None:
    train = hotel_like(240).split(seed=0)[0]
    copies = [copied(text) for text in train.texts[:40]]
    new = [text for text in POOL if text not in set(hotel_like(240).texts)]
    found = choose_next([*copies, *new], len(new) + 40, model=version.version_dir)
    assert found.pool.labelled == 40
    assert set(texts_of(found)) == set(new)
    with pytest.raises(InvalidInputError, match="40 with a label") as refused:
        choose_next(copies, 5, model=version)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"number": 0}, "`number` must be a positive integer"),
        ({"random_share": 1.5}, "`random_share` must be from 0 to 1"),
        ({"seed": -1}, "`seed` must be an integer from 0"),
        ({"pool": "one text"}, "`pool` must be a list"),
        ({"probabilities": [[0.5, 0.5]]}, r"`probabilities` must hold a row.*150.*\(1, 2\)"),
        ({"probabilities": [[2.0]] * 150}, "`probabilities` must hold a row of numbers from 0"),
        ({"probabilities": [[1.0]] * 150, "model": "none"}, "in the place|take the place"),
        ({"pool": []}, "The pool must hold a text.*Received: 0 of 0 texts"),
        ({"pool": ["", " "]}, "left out: 2 empty"),
    ],
)
def test_bad_arguments_are_told(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        choose_next(**{"pool": POOL, **arguments})  # type: ignore[arg-type]


def test_the_file_is_a_corpus_once_its_labels_are_filled_in(tmp_path: Path) -> None:
    pool = ['房间, "很"好\n早餐也好', "=1+1 坏", *POOL[:10]]
    found = choose_next(pool, 12)
    path = tmp_path / "next.csv"
    save_next_texts(found, path)
    assert path.read_bytes().startswith("\ufeff".encode())
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["text", "label", "score", "reason", "digest"]
    assert {row["label"] for row in rows} == {row["score"] for row in rows} == {""}
    assert [row["digest"] for row in rows] == [text.digest for text in found.texts]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | {"label": str(place % 2)} for place, row in enumerate(rows))
    assert read_corpus([path]).texts == tuple(texts_of(found))

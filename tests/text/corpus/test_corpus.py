from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment import Corpus, InvalidInputError, open_corpus

rows = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["x", "y"])), min_size=1)


def distinct(per_class: dict[str, int]) -> Corpus:
    return Corpus.from_rows(
        [(f"{name} {i}", name) for name, count in per_class.items() for i in range(count)]
    )


def test_whole_numbers_are_ordered_by_value_and_names_by_alphabet() -> None:
    assert Corpus.from_rows([("a", "10"), ("b", "9"), ("c", "-1")]).label_names == ("-1", "9", "10")
    assert Corpus.from_rows([("a", "no"), ("b", "buy")]).label_names == ("buy", "no")


def test_a_corpus_is_shown_by_its_counts() -> None:
    corpus = Corpus.from_rows([("a", "no"), ("b", "buy"), ("c", "no")])
    assert repr(corpus) == "Corpus(3 texts; 'buy': 1, 'no': 2)"
    assert len(repr(Corpus.from_rows((f"{n}", n) for n in range(1000)))) < 200


def test_label_names_of_a_trained_model_keep_their_ids() -> None:
    corpus = Corpus.from_rows([("a", "no")], label_names=["buy", "no"])
    assert corpus.labels == (1,)
    with pytest.raises(InvalidInputError, match=r"buy, no. Received: 'maybe'"):
        Corpus.from_rows([("a", "maybe")], label_names=["buy", "no"])


@given(rows)
def test_duplicates_leave_each_consistent_text_once(pairs: list[tuple[str, str]]) -> None:
    corpus = Corpus.from_rows(pairs, label_names=["x", "y"])
    labels_of: dict[str, set[str]] = {}
    for text, label in pairs:
        labels_of.setdefault(text, set()).add(label)
    kept = corpus.drop_duplicates()
    assert Counter(kept.texts) == Counter(t for t, labels in labels_of.items() if len(labels) == 1)
    for text, label_id in zip(kept.texts, kept.labels, strict=True):
        assert labels_of[text] == {corpus.label_names[label_id]}


@given(st.integers(3, 60), st.integers(3, 60), st.integers(0, 9))
def test_a_split_deals_every_text_once_in_the_same_shares(a: int, b: int, seed: int) -> None:
    corpus = distinct({"a": a, "b": b})
    parts = corpus.split(seed=seed)
    assert sorted(t for part in parts for t in part.texts) == sorted(corpus.texts)
    for part in parts[1:]:
        assert part.class_counts() == {"a": max(1, round(a / 10)), "b": max(1, round(b / 10))}
    for part in parts:
        assert all(
            t.startswith(corpus.label_names[n])
            for t, n in zip(part.texts, part.labels, strict=True)
        )


def test_the_seed_decides_the_split() -> None:
    corpus = distinct({"a": 50, "b": 50})
    assert corpus.split(seed=1) == corpus.split(seed=1)
    assert corpus.split(seed=1)[2].texts != corpus.split(seed=2)[2].texts


def test_a_part_that_is_not_wanted_is_empty() -> None:
    train, dev, test = distinct({"a": 10, "b": 10}).split(test_fraction=0)
    assert (len(train), len(dev), len(test)) == (18, 2, 0)


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        (distinct({"a": 5}), "at least two classes. Received: only 'a', in 5 texts"),
        (distinct({"a": 5, "b": 2}), "at least 3 different texts.*class 'b' with 2\\.$"),
        (distinct({"a": 1, "b": 2, "c": 1}), "class 'a' with 1, and 2 more such\\.$"),
        (distinct({"bad": 5, "good": 5, "god": 1}), "class 'god' with 1. Did you mean 'good'"),
    ],
)
def test_refuses_what_cannot_be_split(corpus: Corpus, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        corpus.split()


@pytest.mark.parametrize(("dev", "test"), [(-0.1, 0.1), (0.5, 0.5), (0.1, 1.0)])
def test_refuses_fractions_that_leave_nothing(dev: float, test: float) -> None:
    with pytest.raises(InvalidInputError, match=r"sum to less than 1"):
        distinct({"a": 9, "b": 9}).split(dev_fraction=dev, test_fraction=test)


def test_texts_are_stripped_and_encodable() -> None:
    corpus = Corpus.from_rows([(" 好\u3000\n", "x"), ("\ud800", "y")])
    assert corpus.texts == ("好", "\ufffd")
    assert len(Corpus.from_rows([(" ", "x"), ("a", "y")]).drop_empty()) == 1


@given(rows, rows)
def test_fingerprints_are_equal_where_corpora_are(
    ours: list[tuple[str, str]], theirs: list[tuple[str, str]]
) -> None:
    one, other = (Corpus.from_rows(pairs) for pairs in (ours, theirs))
    assert (one.fingerprint() == other.fingerprint()) == (one == other)
    assert one.fingerprint() == Corpus.from_rows(ours).fingerprint()
    assert one.fingerprint()["texts"] == len(ours)


def test_a_fingerprint_tells_a_text_a_label_a_class_and_the_order() -> None:
    pairs = [("a", "x"), ("b", "y"), ("c", "x")]
    changed = [
        [("A", "x"), *pairs[1:]],
        [("a", "y"), *pairs[1:]],
        [(text, label.upper()) for text, label in pairs],
        pairs[::-1],
        [*pairs, pairs[0]],
        pairs[:2],
    ]
    prints = [Corpus.from_rows(rows).fingerprint()["sha256"] for rows in (pairs, *changed)]
    prints.append(Corpus.from_rows(pairs, label_names=["x", "y", "z"]).fingerprint()["sha256"])
    assert len(set(prints)) == len(changed) + 2


@given(rows, st.data())
def test_parts_have_the_digests_of_their_texts(
    pairs: list[tuple[str, str]], data: st.DataObject
) -> None:
    corpus = Corpus.from_rows(pairs)
    if data.draw(st.booleans()):
        assert len(corpus.exact_digests) == len(corpus.near_digests) == len(corpus)
    positions = data.draw(st.lists(st.integers(0, len(corpus) - 1)))
    part, alone = corpus.select(positions), Corpus.from_rows([pairs[n] for n in positions])
    np.testing.assert_array_equal(part.exact_digests, alone.exact_digests)
    np.testing.assert_array_equal(part.near_digests, alone.near_digests)


def test_texts_are_read_once_for_the_digests_of_all_parts(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"text {n},{n % 2}\n" for n in range(40)), "utf-8")
    corpus = open_corpus([path])
    assert len(corpus.near_digests) == 40
    path.unlink()
    parts = corpus.drop_duplicates().split()
    digests = np.concatenate([part.near_digests for part in parts])
    np.testing.assert_array_equal(np.sort(digests), np.sort(corpus.near_digests))

"""What the teacher says of texts, with an encoder whose embeddings are known."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lstm_sentiment import Corpus
from lstm_sentiment.pipeline.teacher.regression import teach
from lstm_sentiment.progress import SILENT
from tests.recorder import Recorder

DIM = 6


class Pointing:
    """Texts that begin with the same letter point in about the same direction."""

    name = "pointing"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self._row(text) for text in texts]).astype(np.float32)

    def _row(self, text: str) -> NDArray[np.float64]:
        noise = np.random.default_rng(sum(map(ord, text))).normal(0, 0.2, DIM)
        return np.eye(DIM)[ord(text[0]) - ord("a")] + noise + 3


def corpus_of(classes: int, count: int) -> Corpus:
    names = "abcdef"[:classes]
    return Corpus.from_rows([(f"{name}{n}", name) for name in names for n in range(count)])


def classes_of(texts: Sequence[str], names: Sequence[str]) -> NDArray[np.int64]:
    return np.array([names.index(text[0]) for text in texts])


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_texts_without_a_label_get_that_of_labelled_ones_alike(
    tmp_path: Path, classes: int
) -> None:
    train = corpus_of(classes, 8)
    more = [f"{name}{n}" for n in range(100, 130) for name in train.label_names]
    soft = teach(train, more, Pointing(), cache_dir=tmp_path, progress=SILENT)
    assert soft.texts == (*train.texts, *more)
    assert soft.label_names == train.label_names
    found = soft.probabilities.argmax(axis=1)
    assert np.mean(found == classes_of(soft.texts, train.label_names)) > 0.95


def test_a_labelled_text_is_judged_by_a_regression_that_has_not_learned_it(
    tmp_path: Path,
) -> None:
    rows = [(f"{name}{n}", name) for name in "ab" for n in range(20)]
    wrong = ("a500", "b")
    train = Corpus.from_rows([*rows, wrong])
    soft = teach(train, ["a900"], Pointing(), cache_dir=tmp_path, progress=SILENT)
    # Its own label is wrong: whoever had learned it would be less sure of `a`.
    assert soft.probabilities[train.texts.index("a500"), 0] > 0.5


def test_the_same_texts_get_the_same_bits(tmp_path: Path) -> None:
    train = corpus_of(3, 6)
    first, again = (
        teach(train, ["a50", "b50"], Pointing(), cache_dir=tmp_path / name, progress=SILENT)
        for name in "xy"
    )
    assert first.fingerprint() == again.fingerprint()


def test_rare_classes_weigh_as_much_as_frequent_ones(tmp_path: Path) -> None:
    rows = [*((f"a{n}", "a") for n in range(60)), *((f"b{n}", "b") for n in range(6))]
    more = [f"{name}{n}" for name in "ab" for n in range(100, 160)]
    soft = teach(Corpus.from_rows(rows), more, Pointing(), cache_dir=tmp_path, progress=SILENT)
    found = soft.probabilities[len(rows) :].argmax(axis=1)
    assert np.mean(found == classes_of(more, "ab")) > 0.95


def test_a_class_of_one_text_leaves_the_labelled_ones_to_their_labels(tmp_path: Path) -> None:
    train = Corpus.from_rows([("a1", "a"), ("a2", "a"), ("b1", "b")])
    recorder = Recorder()
    soft = teach(train, ["a3", "b3"], Pointing(), cache_dir=tmp_path, progress=recorder)
    assert soft.texts == ("a3", "b3")
    assert soft.probabilities.argmax(axis=1).tolist() == [0, 1]
    assert recorder.said == ["Teacher e5: soft labels for 2 texts without a label"]


def test_a_class_without_any_text_gets_no_probability(tmp_path: Path) -> None:
    train = Corpus.from_rows([("a1", "a"), ("a2", "a"), ("b1", "b"), ("b2", "b")], ["a", "b", "c"])
    soft = teach(train, ["a3"], Pointing(), cache_dir=tmp_path, progress=SILENT)
    assert soft.probabilities.shape == (5, 3)
    assert not soft.probabilities[:, 2].any()


@settings(max_examples=20, deadline=None)
@given(counts=st.lists(st.integers(1, 12), min_size=2, max_size=6))
def test_probabilities_sum_to_one_however_many_texts_a_class_has(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int]
) -> None:
    rows = [
        (f"{name}{n}", name)
        for name, count in zip("abcdef", counts, strict=False)
        for n in range(count)
    ]
    folder = tmp_path_factory.mktemp("cache")
    soft = teach(Corpus.from_rows(rows), ["a900"], Pointing(), cache_dir=folder, progress=SILENT)
    np.testing.assert_allclose(soft.probabilities.sum(axis=1), 1, atol=1e-6)

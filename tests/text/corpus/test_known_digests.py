"""Near digests of texts are computed once: a run that is resumed finds them by the exact ones."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.fit_preparation import counted
from lstm_sentiment.text.corpus.duplicates import exact_digests
from lstm_sentiment.text.corpus.known_digests import Digests, KnownDigests
from lstm_sentiment.text.corpus.near_duplicates import near_digests
from lstm_sentiment.text.corpus.streaming import open_texts
from tests.recorder import Recorder
from tests.strategies import any_texts

TEXTS = ["房间很干净。", "Room 1", "room 1!", "", "早餐差"]


def known(texts: list[str]) -> KnownDigests:
    return KnownDigests.of([(exact_digests(texts), near_digests(texts))])


@given(st.lists(any_texts), st.lists(any_texts))
def test_they_are_those_that_would_be_computed(before: list[str], texts: list[str]) -> None:
    found = known(before).near_digests(texts, exact_digests(texts))
    np.testing.assert_array_equal(found, near_digests(texts))


def test_only_those_of_new_texts_are_computed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join([*TEXTS, "new", *TEXTS]), "utf-8")
    texts = open_texts([tmp_path / "a.txt"])
    expected, before, done = near_digests(texts), known(TEXTS), [0]

    def advance(steps: int = 1, *, status: str = "") -> None:
        done[0] += steps

    with counted("sha256") as computed:
        found = before.near_digests(texts, texts.digests, advance)
    assert len(computed) == done[0] == 1
    np.testing.assert_array_equal(found, expected)


def test_a_file_holds_them(tmp_path: Path) -> None:
    path, progress = tmp_path / "below" / "compared.npz", Recorder()
    known(TEXTS).save(path)
    loaded = KnownDigests.load(path, progress)
    assert loaded.source == path and not progress.said
    assert not len(loaded.unknown(exact_digests(TEXTS)))
    assert loaded.unknown(exact_digests(["x", *TEXTS, "y"])).tolist() == [0, len(TEXTS) + 1]
    assert not len(KnownDigests.load(tmp_path / "none.npz", progress).exact)
    assert not progress.said


def _halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[data.index(b"near.npy") + 150] ^= 1
    path.write_bytes(data)


def _rewritten(change: Callable[[Digests], Digests]) -> Callable[[Path], None]:
    def rewrite(path: Path) -> None:
        with np.load(path) as stored:
            arrays = dict(stored)
        np.savez(path, **{**arrays, **{name: change(arrays[name]) for name in ("exact", "near")}})

    return rewrite


def _shorten(path: Path) -> None:
    with np.load(path) as stored:
        arrays = dict(stored)
    np.savez(path, **{**arrays, "near": arrays["near"][1:]})


def _age(path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unicodedata.unidata_version", "13.0.0")
        known(TEXTS).save(path)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (_halve, "damaged"),
        (_flip, "damaged"),
        (_shorten, "damaged"),
        (_rewritten(lambda digests: digests[::-1]), "damaged"),
        (_rewritten(lambda digests: digests[:, None]), "damaged"),
        (lambda path: path.write_bytes(b""), "damaged"),
        (_age, "of another version of Python"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_one_line(
    tmp_path: Path, change: Callable[[Path], object], what: str
) -> None:
    path, progress = tmp_path / "compared.npz", Recorder()
    known(TEXTS).save(path)
    change(path)
    loaded = KnownDigests.load(path, progress)
    assert progress.said == [f"Comparison of texts: {path} is {what}, all texts are compared again"]
    assert len(loaded.unknown(exact_digests(TEXTS))) == len(TEXTS)

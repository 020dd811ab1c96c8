from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.text.corpus.overlap import (
    positions_without,
    text_digests,
    text_key,
    without_texts,
)
from lstm_sentiment.text.corpus.streaming import open_texts
from tests.strategies import any_texts


def test_careless_copies_have_one_key() -> None:
    copies = ("房间很干净，WiFi 快！", "房间很干净 wifi快", "房间很干净,ＷｉＦｉ快")
    assert len(set(map(text_key, copies))) == 1
    assert text_key(copies[0]) != text_key("房间不干净，WiFi 快！")


def test_a_text_of_signs_alone_is_its_own_key() -> None:
    assert text_key("!!!") != text_key("😀")
    assert text_key("!!!")


@given(st.lists(any_texts, max_size=8), st.lists(any_texts, max_size=8))
def test_no_excluded_text_is_left(texts: list[str], excluded: list[str]) -> None:
    kept = without_texts(texts, excluded)
    assert not {text_key(text) for text in kept} & {text_key(text) for text in excluded}
    assert [text for text in texts if text in set(kept)] == kept
    assert without_texts(texts, []) == texts


def test_texts_in_files_are_told_apart_in_their_own_order(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("".join(f"第{n}段\n" for n in range(40)), "utf-8")
    texts = open_texts([tmp_path / "a.txt"])
    shuffled = texts.select(np.random.default_rng(0).permutation(40))
    excluded = ["第7段 ！", "第30段"]
    kept = positions_without(shuffled, texts[:5], excluded)
    assert list(shuffled.select(kept)) == without_texts(list(shuffled), [*texts[:5], *excluded])
    assert without_texts(shuffled, excluded) == without_texts(list(shuffled), excluded)
    np.testing.assert_array_equal(text_digests(shuffled, excluded), text_digests([*texts, "第7段"]))


@given(st.lists(any_texts, max_size=8), any_texts)
def test_digests_tell_which_texts_were_seen(texts: list[str], other: str) -> None:
    digests = text_digests(texts)
    assert digests.dtype == np.uint64
    assert (np.diff(digests.astype(object)) > 0).all()
    known = {text_key(text) for text in texts}
    assert bool(np.isin(text_digests([other]), digests).all()) == (text_key(other) in known)

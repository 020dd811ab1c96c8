import hashlib
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.text.corpus.near_duplicates import (
    near_digests,
    positions_without,
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
    digests = near_digests(shuffled)
    np.testing.assert_array_equal(digests, near_digests(list(shuffled)))
    kept = positions_without(digests, near_digests(texts[:5]), near_digests(excluded))
    assert list(shuffled.select(kept)) == without_texts(list(shuffled), [*texts[:5], *excluded])
    assert without_texts(shuffled, excluded) == without_texts(list(shuffled), excluded)


@given(st.lists(any_texts, max_size=8))
def test_near_duplicates_alone_have_one_digest(texts: list[str]) -> None:
    digests = near_digests(iter(texts))
    assert digests.dtype == np.uint64
    assert digests.shape == (len(texts),)
    keys = [text_key(text) for text in texts]
    assert [[a == b for b in digests] for a in digests] == [[a == b for b in keys] for a in keys]


def test_digests_stay_those_that_versions_on_disk_keep() -> None:
    expected = hashlib.sha256("房间很干净wifi快".encode()).digest()[:8]
    assert near_digests(["房间很干净，WiFi 快！"]).astype("<u8").tobytes() == expected

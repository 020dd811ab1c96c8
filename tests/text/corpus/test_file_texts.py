import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment import InvalidInputError
from lstm_sentiment.text.corpus import file_texts
from lstm_sentiment.text.corpus.file_texts import FileTexts, taken
from lstm_sentiment.text.corpus.streaming import open_texts

TEXTS = [f"第{n}段 {'很长' * (n % 7 * 400)}".strip() for n in range(60)]


def write_shards(folder: Path) -> list[Path]:
    """Three files, the second without a text."""
    (folder / "a.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in TEXTS[:40]), "utf-8"
    )
    (folder / "b.txt").touch()
    (folder / "c.csv").write_text("text\n" + "".join(f"{text}\n" for text in TEXTS[40:]), "utf-8")
    return [folder / name for name in ("a.jsonl", "b.txt", "c.csv")]


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> FileTexts:
    return open_texts(write_shards(tmp_path_factory.mktemp("shards")))


def test_it_is_a_sequence_of_strings(texts: FileTexts) -> None:
    assert len(texts) == 60
    assert list(texts) == TEXTS == list(reversed(list(reversed(texts))))
    assert [texts[n] for n in range(-60, 60)] == TEXTS * 2
    assert texts[np.int64(7)] == TEXTS[7]
    assert TEXTS[9] in texts and texts.index(TEXTS[41]) == 41
    with pytest.raises(IndexError):
        texts[60]
    with pytest.raises(TypeError):
        hash(texts)


@given(st.lists(st.integers(-60, 59), max_size=80), st.slices(60))
def test_parts_hold_what_the_same_parts_of_a_tuple_hold(
    texts: FileTexts, positions: list[int], part: slice
) -> None:
    assert list(texts[part]) == TEXTS[part]
    chosen = texts.select(positions)
    expected = [TEXTS[position] for position in positions]
    assert list(chosen) == expected
    assert list(chosen.in_memory()) == expected
    assert list(chosen[::-1]) == expected[::-1]
    assert chosen.select(range(len(chosen))) == chosen
    assert list(taken(tuple(TEXTS), positions)) == expected


def test_it_equals_what_has_the_same_texts(texts: FileTexts) -> None:
    assert texts == TEXTS and tuple(TEXTS) == texts
    assert texts != TEXTS[:-1] and texts != TEXTS[::-1]
    assert texts[:3] == texts.select([0, 1, 2]) != texts[1:4]
    assert texts[:1] != TEXTS[0]


def test_the_reading_order_goes_through_each_file_once(
    texts: FileTexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    shuffled = texts.select(np.random.default_rng(0).permutation(60))
    order = shuffled.reading_order()
    assert shuffled.select(order) == texts
    monkeypatch.setattr(file_texts, "TEXTS_AT_ONCE", 7)
    monkeypatch.setattr(file_texts, "BYTES_AT_ONCE", 2_000)
    assert list(shuffled.select(order)) == TEXTS
    assert list(shuffled) == [texts[int(n)] for n in np.argsort(order)]


def test_it_can_be_pickled_and_used_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_shards(tmp_path)[0].parent)
    relative = open_texts([Path("a.jsonl")])
    monkeypatch.chdir("/")
    assert list(pickle.loads(pickle.dumps(relative))) == TEXTS[:40]


READ_AFTER_A_FORK = """
import json, multiprocessing, pathlib, sys
from lstm_sentiment.text.corpus.streaming import open_texts

texts = open_texts([pathlib.Path(name) for name in sys.argv[1:]])
first = texts[0]
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(json.dumps(pool.map(texts.__getitem__, range(len(texts)))))
"""


def test_it_can_be_used_after_a_fork(tmp_path: Path) -> None:
    # In a process of its own: threads of servers, which other tests have, do not survive a fork.
    command = [sys.executable, "-c", READ_AFTER_A_FORK, *map(str, write_shards(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == TEXTS


def shorten(path: Path) -> None:
    """Cuts a text off, and hides when that was done."""
    before = path.stat().st_mtime_ns
    path.write_bytes(path.read_bytes()[:-200])
    os.utime(path, ns=(before, before))


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_no_file_stays_open(texts: FileTexts) -> None:
    before = open_files()
    for _, _ in zip(texts, range(3), strict=False):
        assert open_files() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (shorten, r"must stay the file of [\d,]+ bytes .* Received: [\d,]+ bytes"),
        (lambda path: os.utime(path, ns=(1, 1)), r"must stay .* Received: one .* written again"),
        (lambda path: path.unlink(), r"cannot be read: No such file"),
    ],
)
def test_a_changed_file_is_one_line_that_names_it(
    tmp_path: Path, change: object, message: str
) -> None:
    texts = open_texts(write_shards(tmp_path))
    assert callable(change)
    change(tmp_path / "c.csv")
    assert texts[39] == TEXTS[39]
    for read in (lambda: texts[40], lambda: list(texts), texts.in_memory):
        with pytest.raises(InvalidInputError, match=message) as raised:
            read()
        assert str(raised.value).startswith(f"{tmp_path / 'c.csv'}: ")
        assert "\n" not in str(raised.value)


def test_a_file_that_changes_while_it_is_indexed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a\n" * 9, "utf-8")
    from lstm_sentiment.text.corpus.file_index import FileIndexer

    labels = FileIndexer("text", None).add(path)
    next(labels)
    with path.open("a") as file:
        file.write("b\n")
    with pytest.raises(InvalidInputError, match=r"a\.txt: must stay the file of 18 bytes"):
        list(labels)

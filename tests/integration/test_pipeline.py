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
    read_corpus,
    run_pipeline,
)
from lstm_sentiment.pipeline import publishing
from lstm_sentiment.pipeline.corpora import prepare_corpora
from lstm_sentiment.progress import SilentProgress
from tests.corpora import hotel_like

SMALL = PipelineConfig(
    model=ModelConfig(lstm_units=8, max_length=20, bidirectional=False),
    training=TrainingConfig(epochs=4, batch_size=16, learning_rate=0.01),
    vector_training=VectorTrainingConfig(dim=16),
)
# Quickly traced: how the texts are read does not matter where it is used.
TINY = ModelConfig(lstm_units=2, max_length=20, bidirectional=False, pooling="last", ngrams=0)


class Recorder(SilentProgress):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


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
    monkeypatch.setattr(publishing, "export_servable", lambda result, base, *, test: base / "1")


@pytest.fixture(scope="module")
def three_classes(tmp_path_factory: pytest.TempPathFactory) -> PipelineConfig:
    """Shards of texts of three classes, some of them twice."""
    folder = tmp_path_factory.mktemp("three")
    corpus = hotel_like(240)
    (folder / "shards").mkdir()
    rows = list(zip(corpus.texts, (corpus.label_names[i] for i in corpus.labels), strict=True))
    for number in range(4):
        lines = [json.dumps({"text": t, "label": n}) for t, n in rows[number::4]]
        lines.append(lines[0])
        (folder / "shards" / f"{number}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    return replace(
        SMALL,
        data=[folder / "shards"],
        model_dir=folder / "models" / "cars",
        run_dir=folder / "runs" / "memory",
    )


@pytest.fixture(scope="module")
def in_memory(three_classes: PipelineConfig) -> PipelineResult:
    return run_pipeline(three_classes)


def test_texts_of_three_classes_become_a_version_that_knows_them(
    three_classes: PipelineConfig, in_memory: PipelineResult
) -> None:
    assert in_memory.version_dir == Path(three_classes.model_dir) / "1"
    assert in_memory.test.accuracy > 0.8
    (prediction,) = SavedModelPredictor(in_memory.version_dir).predict(["房间很干净"])
    assert prediction.label == "positive"
    run_dir = Path(three_classes.run_dir or "")
    metrics = json.loads((run_dir / "metrics.json").read_text("utf-8"))
    assert metrics["test"]["accuracy"] == in_memory.test.accuracy
    assert (run_dir / "history.csv").read_text().startswith("epoch,")
    held_out = read_corpus([run_dir / "test.csv"], label_names=in_memory.fit.label_names)
    predicted = SavedModelPredictor(in_memory.version_dir).predict(held_out.texts)
    right = [p.classification == label for p, label in zip(predicted, held_out.labels, strict=True)]
    assert sum(right) / len(right) == pytest.approx(in_memory.test.accuracy)


def test_texts_left_in_their_files_give_the_same_classifier_to_the_bit(
    no_exports: None, three_classes: PipelineConfig, in_memory: PipelineResult
) -> None:
    recorder = Recorder()
    runs = Path(three_classes.run_dir or "").parent
    streamed = run_pipeline(
        replace(three_classes, streaming=True, run_dir=runs / "streamed"), recorder
    )
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
        (f"{t} {'wifi' if i % 9 == 0 else ''}", corpus.label_names[n])
        for i, (t, n) in enumerate(zip(corpus.texts, corpus.labels, strict=True))
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

    few = run_pipeline(
        replace(config, bad_rows="skip", vectors_limit=3, run_dir=tmp_path / "s", cache="memory")
    )
    assert few.fit.tokenizer.vocabulary.tokens[:3] == words[:3]
    assert few.fit.model.embedding.num_trained_rows > 10  # all other characters are new words


def test_the_options_of_the_tokenizer_reach_the_version(tmp_path: Path) -> None:
    (tmp_path / "dict.txt").write_text("房间很 99 x\n", "utf-8")
    result = run_pipeline(
        replace(
            SMALL,
            data=[save_classes(hotel_like(120), tmp_path / "data")],
            dictionary=tmp_path / "dict.txt",
            normalization="width",
            unknown="character",
            model=TINY,
            training=replace(SMALL.training, epochs=1),
            model_dir=tmp_path / "m",
            run_dir=tmp_path / "r",
        )
    )
    assert "房间很" in result.fit.tokenizer.vocabulary
    card = json.loads((result.version_dir / "assets.extra" / "sentiment.json").read_text("utf-8"))
    assert card["tokenizer_options"] == {
        "normalization": "width",
        "unknown": "character",
        "word_counts": 1,
    }


@pytest.mark.parametrize(
    ("option", "choices"),
    [
        ("tokenizer", "auto, unigram, whitespace, characters"),
        ("normalization", "none, width, nfkc"),
        ("unknown", "run, character"),
        ("bad_rows", "refuse, skip"),
        ("cache", "memory, disk"),
    ],
)
def test_an_unknown_choice_is_told_with_the_choices(option: str, choices: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"{choices}\. Received: 'x'"):
        PipelineConfig(**{option: "x"})  # type: ignore[arg-type]


def write_csv(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.write_text("text,label\n" + "".join(f"{t},{n}\n" for t, n in rows), "utf-8")
    return path


def test_no_dev_or_test_text_is_trained_on(tmp_path: Path) -> None:
    rows = [(f"{label} {i}", label) for label in "ab" for i in range(50)]
    data = write_csv(tmp_path / "all.csv", rows + rows[:30] + [("a 0", "b")])
    held_out = write_csv(tmp_path / "test.csv", [("a 1", "a"), ("b 1", "b"), ("a 1", "a")])
    recorder = Recorder()
    config = PipelineConfig(data=[data], test_data=held_out)
    train, dev, test = prepare_corpora(config, recorder)
    assert test == read_corpus([held_out])
    parts = [set(train.texts), set(dev.texts), set(test.texts)]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    assert parts[0] | parts[1] | parts[2] == {t for t, _ in rows} - {"a 0"}
    # "a 0" stands there twice as `a` and once as `b`; the other 29 are plain repeats.
    assert recorder.said[0].endswith("29 repeated, and 3 that occur under several labels: 99 left")
    assert recorder.said[1] == "Dropped 2 training texts that are also dev or test texts"


def test_test_texts_of_an_unknown_class_are_refused(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "all.csv", [(f"{n} {i}", n) for n in "ab" for i in range(9)])
    other = write_csv(tmp_path / "test.csv", [("x", "c")])
    with pytest.raises(InvalidInputError, match=r"among those trained on: a, b\. Received: 'c'"):
        prepare_corpora(PipelineConfig(data=[data], test_data=other))


def test_english_takes_the_whitespace_tokenizer(no_exports: None, tmp_path: Path) -> None:
    rows = [
        (f"the {thing} was {opinion} {extra}", label)
        for label, opinions in (("neg", ("bad", "awful")), ("pos", ("good", "great")))
        for thing in ("room", "food", "staff", "bed")
        for opinion in opinions
        for extra in ("today", "indeed", "again", "overall")
    ]
    data = write_csv(tmp_path / "all.csv", rows)
    recorder = Recorder()
    result = run_pipeline(
        replace(
            SMALL,
            data=[data],
            model_dir=tmp_path / "m",
            run_dir=tmp_path / "r",
            model=TINY,
            training=replace(SMALL.training, epochs=1),
        ),
        recorder,
    )
    assert result.fit.tokenizer.kind == "whitespace"
    assert any(message.startswith("Tokenizer: whitespace") for message in recorder.said)

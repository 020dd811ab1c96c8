from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from lstm_sentiment import (
    Corpus,
    FitResult,
    InvalidInputError,
    TrainingConfig,
    Vocabulary,
    WordVectors,
    fit,
    make_tokenizer,
    pad_token_ids,
)
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.model.embedding_storage import store_matrix
from lstm_sentiment.text.corpus.near_duplicates import near_digests
from lstm_sentiment.text.corpus.soft_labels import SoftLabels
from lstm_sentiment.training.evaluation.calibration import cross_entropy
from lstm_sentiment.training.evaluation.logits import logits_function
from lstm_sentiment.training.inputs.encoding import encode_texts
from tests.recorder import Recorder

TOKENIZER = make_tokenizer("unigram", Vocabulary(["好", "差"]))
ROWS = [("好" * n, "1") for n in range(1, 6)] + [("差" * n, "0") for n in range(1, 6)]
SMALL = Corpus.from_rows(ROWS)
# Quickly traced: how the texts are read does not matter where it is used.
TINY = ModelConfig(lstm_units=2, bidirectional=False, pooling="last", ngrams=0)
WITH_NGRAMS = replace(TINY, ngrams=2)
QUICK = TrainingConfig(cross_validation="off", epochs=1, batch_size=4)
DEV = Corpus.from_rows([*ROWS, ("好好?", "1")])


@pytest.fixture(scope="module")
def quick_and_said() -> tuple[FitResult, list[str]]:
    recorder = Recorder()
    result = fit(
        SMALL, DEV, tokenizer=TOKENIZER, model=WITH_NGRAMS, training=QUICK, progress=recorder
    )
    return result, recorder.said


@pytest.fixture
def quick(quick_and_said: tuple[FitResult, list[str]]) -> FitResult:
    return quick_and_said[0]


def weights(result: FitResult) -> list[np.ndarray]:
    return [variable.numpy() for variable in result.model.trainable_variables]


def test_it_learns(fitted: FitResult, corpus: Corpus) -> None:
    _, _, test = corpus.split(seed=0)
    assert fitted.evaluate(test).accuracy > 0.8
    assert fitted.dev.accuracy > 0.8
    assert fitted.history["loss"][-1] < fitted.history["loss"][0]
    assert fitted.label_names == ("negative", "neutral", "positive")


def test_soft_labels_of_texts_without_labels_are_learned() -> None:
    """The teacher alone says that the labels are the wrong way round."""
    rows = [("好" * n + "。" * m, 1) for n in range(1, 6) for m in range(6)]
    rows += [("差" * n + "。" * m, 0) for n in range(1, 6) for m in range(6)]
    texts = tuple(dict.fromkeys(text for text, _ in rows))
    labels = dict(rows)
    soft = np.array([[0.05, 0.95] if labels[text] == 0 else [0.95, 0.05] for text in texts])
    train = Corpus.from_rows([("好！", "1"), ("差！", "0")])
    dev = Corpus.from_rows([("好好差好好好", "0"), ("差差差好差差", "1")])
    training = replace(QUICK, epochs=40, learning_rate=0.03, patience=40)
    result = fit(
        train,
        dev,
        tokenizer=TOKENIZER,
        model=TINY,
        training=training,
        soft_labels=SoftLabels(texts, soft.astype(np.float32), ("0", "1")),
    )
    assert result.dev.accuracy == 1
    assert set(near_digests(texts)) <= set(result.texts_seen)


def test_soft_labels_must_have_the_classes_of_the_texts() -> None:
    soft = SoftLabels(("x",), np.array([[0.5, 0.5]], np.float32), ("0", "2"))
    with pytest.raises(InvalidInputError, match=r"`soft_labels` must have the classes .* 0, 2"):
        fit(SMALL, DEV, tokenizer=TOKENIZER, model=TINY, training=QUICK, soft_labels=soft)


def test_another_seed_gives_other_weights(quick: FitResult) -> None:
    seeded = replace(QUICK, seed=1)
    other = fit(SMALL, DEV, tokenizer=TOKENIZER, model=WITH_NGRAMS, training=seeded)
    pairs = zip(weights(quick), weights(other), strict=True)
    assert any(not np.array_equal(ours, theirs) for ours, theirs in pairs)


def test_the_same_seed_gives_the_same_weights_to_the_bit_with_ids_in_memory_and_on_disk(
    quick: FitResult, tmp_path: Path
) -> None:
    on_disk = fit(
        SMALL, DEV, tokenizer=TOKENIZER, model=WITH_NGRAMS, training=QUICK, cache_dir=tmp_path
    )
    for ours, theirs in zip(weights(quick), weights(on_disk), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert on_disk.dev == quick.dev
    assert on_disk.evaluate(SMALL, cache_dir=tmp_path) == quick.evaluate(SMALL)


def test_it_trains_on_two_mirrored_replicas_again_and_again() -> None:
    mirrored = TrainingConfig(
        cross_validation="off", epochs=4, batch_size=3, learning_rate=0.05, strategy="mirrored"
    )
    # Of other sizes: TensorFlow would take the second's collective operations for the first's.
    for model in (TINY, replace(TINY, lstm_units=3)):
        result = fit(SMALL, SMALL, tokenizer=TOKENIZER, model=model, training=mirrored)
        assert result.dev.accuracy == 1


def test_the_best_epoch_is_kept() -> None:
    # The dev labels are the wrong way round: the better it learns, the higher the dev loss.
    contrary = Corpus(SMALL.texts, tuple(1 - label for label in SMALL.labels), SMALL.label_names)
    result = fit(
        SMALL,
        contrary,
        tokenizer=TOKENIZER,
        model=TINY,
        training=TrainingConfig(cross_validation="off", epochs=4, learning_rate=0.1, batch_size=4),
    )
    losses = result.history["val_loss"]
    assert losses[-1] > 1.1 * min(losses)
    logits = logits_function(result.model)(encode_texts(TOKENIZER, contrary.texts))
    assert cross_entropy(logits, contrary.labels) == pytest.approx(min(losses), rel=1e-4)


@pytest.mark.parametrize("trainable", [False, True])
def test_frequent_words_get_a_row_that_training_moves_if_they_have_no_vector_or_all_may_move(
    trainable: bool,
) -> None:
    rows = [(text + "新" * 2 + "?", label) for text, label in ROWS]
    rows[0] = ("好罕", "1")
    corpus = Corpus.from_rows(rows)
    vectors = WordVectors(("好", "差"), np.array([[1, 2, 3], [4, 5, 6]], np.float32))
    tokenizer = make_tokenizer("unigram", Vocabulary(["好", "差", "新", "罕"]))
    before = vectors.embedding_matrix(tokenizer.vocabulary, seed=QUICK.seed)
    result = fit(
        corpus,
        corpus,
        tokenizer=tokenizer,
        vectors=vectors,
        model=replace(TINY, trainable_embeddings=trainable, embedding_storage="float32"),
        training=QUICK,
    )
    after = result.model.embedding.merged_matrix()
    moved = [bool(np.abs(a - b).max() > 0) for a, b in zip(before, after, strict=True)]
    # [PAD], [OOV] (the question mark), 好 and 差 with vectors, 新 without, 罕 but once
    assert moved == [False, True, trainable, trainable, True, False]


def test_vectors_are_found_however_their_tokens_are_spelled_and_stay_as_a_version_keeps_them() -> (
    None
):
    vectors = WordVectors(("好", "ＷｉＦｉ"), np.array([[1, 2], [4, 5]], np.float32))
    tokenizer = make_tokenizer("whitespace", Vocabulary(["wifi", "好"]))
    corpus = Corpus.from_rows([("WiFi 好", "a"), ("wifi", "b")])
    result = fit(corpus, corpus, tokenizer=tokenizer, vectors=vectors, model=TINY, training=QUICK)
    table = result.model.embedding.merged_matrix()[2:]
    assert table.tolist() == store_matrix(vectors.matrix[::-1], "int8").expanded().tolist()
    assert not result.model.config.trainable_embeddings


def test_the_oov_rate_is_part_of_every_evaluation(quick: FitResult) -> None:
    assert quick.dev.oov_rate == pytest.approx(1 / 33)
    assert quick.dev.summary()["oov_rate"] == quick.dev.oov_rate
    assert quick.evaluate(SMALL).oov_rate == 0


def test_without_vectors_training_moves_the_rows(quick: FitResult) -> None:
    assert quick.model.config.trainable_embeddings


def test_in_bfloat16_it_trains_weights_of_float32_and_serves_in_float32() -> None:
    training = TrainingConfig(
        cross_validation="off", epochs=1, batch_size=4, precision="mixed_bfloat16"
    )
    result = fit(SMALL, SMALL, tokenizer=TOKENIZER, model=TINY, training=training)
    assert result.model.lstm_layers[0].compute_dtype == "bfloat16"
    assert {str(weight.dtype) for weight in result.model.trainable_weights} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"
    ids = pad_token_ids([TOKENIZER.encode(text) for text in SMALL.texts], 5)
    exported = result.model.without_cudnn()
    assert exported.lstm_layers[0].compute_dtype == "float32"
    np.testing.assert_allclose(exported(ids), result.model(ids), atol=0.02)


def test_it_says_where_it_trains_and_which_epoch_it_kept(
    quick_and_said: tuple[FitResult, list[str]],
) -> None:
    where, batches, epoch, kept, share = quick_and_said[1]
    assert epoch.startswith("Epoch 1 of 1: loss 0.")
    assert share.startswith("Mixed with the LSTM, in shares chosen on the dev texts: ")
    assert batches.startswith("Batches: 3 of up to 4 texts, ")
    assert batches.endswith("% of their time steps are padding")
    assert where == "Training on CPU:0: 4 texts a step, float32"
    assert kept.startswith("Kept epoch 1 of 1, which has the lowest dev loss (")
    assert kept.endswith("). The last epoch was the best: try more with --epochs 2")


@pytest.mark.parametrize("dev", [SMALL.select([]), Corpus.from_rows([("x", "a"), ("y", "b")])])
def test_refuses_dev_texts_of_other_classes_or_none(dev: Corpus) -> None:
    with pytest.raises(InvalidInputError, match="`dev` must hold texts and have the classes"):
        fit(SMALL, dev, tokenizer=TOKENIZER)


def test_refuses_one_class() -> None:
    one = Corpus.from_rows([("a", "x"), ("b", "x")])
    with pytest.raises(InvalidInputError, match="at least two classes"):
        fit(one, one, tokenizer=TOKENIZER)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "`epochs` must be a positive integer. Received: epochs=0"),
        ({"batch_size": -1}, "`batch_size` must be a positive integer"),
        ({"learning_rate": 0.0}, "`learning_rate` must be a positive number"),
        ({"learning_rate": float("nan")}, "`learning_rate` must be a positive number"),
        ({"seed": -1}, "`seed` must be an integer from 0 to 4294967295. Received: seed=-1"),
    ],
)
def test_a_setting_that_breaks_its_rule_is_named(settings: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        TrainingConfig(**settings)  # type: ignore[arg-type]

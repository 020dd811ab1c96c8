"""The same raw texts give the same ids and scores wherever they are asked about."""

from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_sentiment import (
    Corpus,
    ModelConfig,
    ModelServer,
    PredictClient,
    SavedModelPredictor,
    Tokenizer,
    TrainingConfig,
    Vocabulary,
    WordVectors,
    export_servable,
    fit,
    make_tokenizer,
    pad_token_ids,
)
from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.unicode import replace_surrogates
from tests import strategies
from tests.saved_model_session import SavedModelSession

WORDS = ("房间", "很", "干净", "，", "坏坏", "wifi", "it", "'s", "é", "😀", "ｏｋ", "1", "差")
OPTIONS: dict[str, dict[str, Any]] = {
    "unigram": {},
    "unigram, each unknown character": {"unknown": "character", "normalization": "width"},
    "unigram by counts": {"word_counts": {"房间很": 30, "干净": 5, "房间": 2}},
    "whitespace": {},
    "characters": {"normalization": "none"},
}
TEXTS = [
    "房间很干净，ok",
    "It's 1 ＷＩＦＩ",
    "",
    "坏😀坏坏",
    "e\u0301é ①",
    "\u3000差\x00",
    "👨‍👩‍👧 無",
]


def make(name: str) -> Tokenizer:
    return make_tokenizer(name.split(maxsplit=1)[0].strip(","), Vocabulary(WORDS), **OPTIONS[name])


class Saved(tf.Module):
    """All tokenizers on their own, to be saved."""

    def __init__(self) -> None:
        super().__init__()
        self.tokenizers = {name: make(name) for name in OPTIONS}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def ids(self, texts: tf.Tensor) -> dict[str, tf.RaggedTensor]:
        return {name: tokenizer(texts) for name, tokenizer in self.tokenizers.items()}


@pytest.fixture(scope="module")
def saved() -> Saved:
    return Saved()


@pytest.fixture(scope="module")
def reloaded(saved: Saved, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any], Any]:
    """The ids of all tokenizers, saved and loaded again."""
    path = str(tmp_path_factory.mktemp("tokenizers"))
    tf.saved_model.save(saved, path)
    loaded = tf.saved_model.load(path)
    return lambda texts: loaded.ids(texts)


@pytest.fixture(scope="module")
def in_tf_data(saved: Saved) -> Iterator[Callable[[list[str]], dict[str, tf.RaggedTensor]]]:
    """The ids of all tokenizers, from one iterator: to begin one takes longer than many steps."""
    asked: Queue[list[str] | None] = Queue()
    texts = tf.data.Dataset.from_generator(
        lambda: iter(asked.get, None), output_signature=tf.TensorSpec([None], tf.string)
    )
    ids = iter(texts.map(saved.ids))

    def ask(texts: list[str]) -> dict[str, tf.RaggedTensor]:
        asked.put(texts)
        return next(ids)

    yield ask
    asked.put(None)


@given(texts=st.lists(strategies.any_texts, min_size=1, max_size=4))
@settings(max_examples=30)
def test_any_texts_have_the_same_ids_in_python_in_tf_data_and_in_a_saved_model(
    saved: Saved,
    reloaded: Callable[[Any], Any],
    in_tf_data: Callable[[list[str]], dict[str, tf.RaggedTensor]],
    texts: list[str],
) -> None:
    clean = [replace_surrogates(text) for text in texts]
    by_saved_model, by_tf_data = reloaded(tf.constant(clean)), in_tf_data(clean)
    for name, tokenizer in saved.tokenizers.items():
        expected = [tokenizer.encode(text) for text in texts]
        assert by_saved_model[name].to_list() == expected, name
        assert by_tf_data[name].to_list() == expected, name


def test_raw_texts_and_their_ids_get_the_same_scores_everywhere(tmp_path: Path) -> None:
    corpus = Corpus.from_rows([(text + " 好", "a") for text in TEXTS] + [("差 差", "b")] * 3)
    tokenizer = make("unigram by counts")
    result = fit(
        corpus,
        corpus,
        tokenizer=tokenizer,
        model=ModelConfig(lstm_units=4, bidirectional=False, max_length=50),
        training=TrainingConfig(cross_validation="off", epochs=1, batch_size=4),
    )
    base = tmp_path / "sentiment"
    version = export_servable(result, base)

    ids = pad_token_ids([tokenizer.encode(text) for text in TEXTS], 50)
    expected = tf.nn.softmax(result.model(ids) / result.temperature).numpy()
    values = np.array([text.encode() for text in TEXTS], dtype=object)
    scores: dict[str, Any] = {
        "session": SavedModelSession(version).run("text", values)["probabilities"],
        "python": [p.probabilities for p in SavedModelPredictor(base).predict(TEXTS)],
    }
    config = single_model_config("sentiment", base)
    with (
        ModelServer(config, port=0, rest_api_port=None) as server,
        PredictClient(f"localhost:{server.port}", model="sentiment") as client,
    ):
        scores["server, text"] = [p.probabilities for p in client.predict(TEXTS)]
        answers = client.predict_ids(ids.astype(np.int64))
        logits = np.array([answer.predict_scores for answer in answers])
        scores["server, ids"] = tf.nn.softmax(logits / result.temperature).numpy()
    for where, given_there in scores.items():
        np.testing.assert_allclose(given_there, expected, atol=1e-5, err_msg=where)


def test_words_that_only_the_vectors_know_are_understood() -> None:
    """Trained on some praise and complaint, asked about other; random vectors cannot tell."""
    good, bad = ("干净", "舒服", "满意", "方便", "温馨"), ("肮脏", "难受", "失望", "麻烦", "冰冷")
    neutral = ("房间", "早餐", "服务", "位置")
    train = Corpus.from_rows(
        [
            (f"{n}很{w}" * k, label)
            for n in neutral
            for k in (1, 2)
            for ws, label in ((good[:2], "good"), (bad[:2], "bad"))
            for w in ws
        ]
    )
    unseen = Corpus.from_rows(
        [
            (f"{n}很{w}", label)
            for n in neutral
            for ws, label in ((good[2:], "good"), (bad[2:], "bad"))
            for w in ws
        ]
    )
    tokens = (*neutral, "很", *good, *bad)
    generator = np.random.default_rng(2)
    noise = generator.normal(size=(len(tokens), 16)).astype(np.float32)
    meaning = np.zeros_like(noise)
    meaning[-10:-5, 0], meaning[-5:, 0] = 3, -3

    def accuracy(matrix: np.ndarray) -> float:
        result = fit(
            train,
            train,
            tokenizer=make_tokenizer("unigram", Vocabulary(tokens)),
            vectors=WordVectors(tokens, matrix),
            model=ModelConfig(lstm_units=8, bidirectional=False, ngrams=0),
            training=TrainingConfig(
                cross_validation="off", epochs=10, batch_size=8, learning_rate=0.01
            ),
        )
        return result.evaluate(unseen).accuracy

    assert accuracy(noise * 0.5 + meaning) > 0.9 > 0.75 > accuracy(noise)

"""What a version is warmed up with."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from lstm_sentiment.export.inference_network import ROWS
from lstm_sentiment.export.warmup import save_warmup_requests
from lstm_sentiment.text.tokenizer import make_tokenizer
from lstm_sentiment.text.vocabulary import Vocabulary

WORDS = ("房间", "干净", "早餐")
MAX_LENGTH = 40


def requests_by_signature(path: Path) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record)
        request = getattr(log, log.WhichOneof("log_type")).request
        found[request.model_spec.signature_name].append(request)
    return dict(found)


def test_every_signature_is_asked_by_its_own_api(tmp_path: Path) -> None:
    tokenizer = make_tokenizer("unigram", Vocabulary(WORDS))
    save_warmup_requests(tmp_path / "requests", tokenizer, MAX_LENGTH)
    found = requests_by_signature(tmp_path / "requests")
    model = {"text", "tokens", "serving_default", "classify", "explain"}
    assert set(found) == {*model, "text_statistics"}
    assert sum(map(len, found.values())) < 1000
    (statistics,) = found["text_statistics"]
    assert len(tf.make_ndarray(statistics.inputs["text"])) > 1
    texts = [tf.make_ndarray(request.inputs["text"]) for request in found["text"]]
    assert {len(batch) for batch in texts} >= set(ROWS)
    assert max(len(batch) for batch in texts) > 4 * ROWS[-1]
    lengths = {len(tokenizer.encode(text.decode())) for batch in texts for text in batch}
    assert max(lengths) == MAX_LENGTH
    assert min(lengths) < MAX_LENGTH / 2
    ids = [
        tf.make_ndarray(request.inputs["input_sentence"]) for request in found["serving_default"]
    ]
    assert {batch.dtype.name for batch in ids} == {"int64"}
    assert max(batch.shape[1] for batch in ids) == MAX_LENGTH
    example = found["classify"][0].input.example_list.examples[0]
    assert example.features.feature["text"].bytes_list.value[0].decode().startswith("房间干净早餐")


def test_ids_are_asked_under_their_own_name(tmp_path: Path) -> None:
    tokenizer = make_tokenizer("unigram", Vocabulary(WORDS))
    for key in ("serving_default", "ids"):
        save_warmup_requests(tmp_path / key, tokenizer, MAX_LENGTH, key)
    by_default, found = (
        requests_by_signature(tmp_path / key) for key in ("serving_default", "ids")
    )
    assert found.pop("ids")[0].inputs == by_default.pop("serving_default")[0].inputs
    assert found == by_default


def test_words_stand_apart_where_the_tokenizer_needs_it(tmp_path: Path) -> None:
    tokenizer = make_tokenizer("whitespace", Vocabulary(("good",)))
    save_warmup_requests(tmp_path / "requests", tokenizer, MAX_LENGTH)
    found = requests_by_signature(tmp_path / "requests")
    for signature in ("text", "tokens"):
        text = tf.make_ndarray(found[signature][0].inputs[signature])[0].decode()
        assert set(text.split(" ")) == {"good"}

"""Request logs that TensorFlow wrote, read without it."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from lstm_sentiment import FitResult, InvalidInputError, SavedModelPredictor
from lstm_sentiment.versions.prediction_log import find_log_files, read_prediction_log
from tests.exported import exported
from tests.request_logs import (
    LABELS,
    Log,
    logged,
    logged_examples,
    logged_ids,
    write_log,
)

ROWS = ((0.25, 0.75), (0.875, 0.125))


def name_of(prefix: str, second: int, number: int = 0) -> str:
    return f"{prefix}-20261130T0100{second:02}-71-{number}"


def test_each_api_gives_texts_answers_and_who_answered(tmp_path: Path) -> None:
    file = write_log(
        tmp_path / "log",
        [
            logged(["房间很干净", "太差了"], [ROWS[1], ROWS[0]], seconds=1_800_000_000),
            logged(["房间 很 干净", "太 差"], ROWS, signature="tokens"),
            logged_examples("classify", ["好", "差"], ROWS),
            logged_examples("multi_inference", ["好", "差"], ROWS),
            logged_examples("regress", ["好", "差"], ROWS),
            logged(["没有答案"], None, version=None),
        ],
    )
    first, tokens, classified, inferred, regressed, unanswered = read_prediction_log(file)
    assert (first.api, first.model_name, first.version, first.signature) == (
        "Predict",
        "sentiment",
        3,
        "text",
    )
    assert first.texts == ("房间很干净", "太差了")
    assert (first.labels, first.classifications) == (("bad", "good"), (0, 1))
    assert first.probabilities == (ROWS[1], ROWS[0])
    assert first.label_names is None
    assert (first.file, first.record, first.timestamp_seconds) == (file, 1, 1_800_000_000)
    assert tokens.texts == ("房间 很 干净", "太 差")
    assert tokens.tokens == (("房间", "很", "干净"), ("太", "差"))
    for one, api in ((classified, "Classify"), (inferred, "MultiInference")):
        assert (one.api, one.texts, one.version) == (api, ("好", "差"), 3)
        assert (one.labels, one.classifications) == (("good", "bad"), (1, 0))
        assert (one.probabilities, one.label_names) == (ROWS, LABELS)
    assert (regressed.api, regressed.texts, regressed.labels) == ("Regress", ("好", "差"), None)
    assert (unanswered.texts, unanswered.version) == (("没有答案",), None)
    assert (unanswered.labels, unanswered.probabilities) == (None, None)
    assert unanswered.record == 6


def test_token_ids_become_texts_by_the_vocabulary_of_the_version_that_answered(
    fitted: FitResult, tmp_path: Path
) -> None:
    version_dir = exported(fitted)
    ids, text = (2, 3, 4), "".join(fitted.tokenizer.vocabulary.tokens[:3])
    padded = [[0, 0, *ids], [*ids, 0, 1]]
    logits = [[3.0, 1.0, 0.0], [0.0, 1.0, 2.0]]
    log = [logged_ids(padded, logits), logged_ids(padded, logits, version=4), logged(["好"], None)]
    file = write_log(tmp_path / "log", log)
    requests = read_prediction_log(file, model_dir=version_dir.parent)
    of_ids, of_text = requests
    assert of_ids.texts == (text, f"{text}[OOV]")
    assert of_ids.token_ids == (ids, (*ids, 1))
    names = SavedModelPredictor(version_dir).label_names
    assert (of_ids.label_names, of_ids.labels) == (names, (names[0], names[2]))
    scaled = np.exp(np.array(logits) / fitted.temperature)
    wanted = scaled / scaled.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.array(of_ids.probabilities), wanted, rtol=1e-6)
    assert of_text.texts == ("好",)
    assert ["token ids" in note and "skipped: 1." in note for note in requests.notes] == [True]
    # Without the folder no ids can be read: they mean other tokens in each version.
    requests = read_prediction_log(file)
    assert [request.texts for request in requests] == [("好",)]
    assert sum(requests.skipped.values()) == 2


def test_tokens_are_joined_as_the_version_cuts_texts(fitted: FitResult, tmp_path: Path) -> None:
    file = write_log(tmp_path / "log", [logged(["早餐 太差"], None, signature="tokens")])
    [request] = read_prediction_log(file, model_dir=exported(fitted))
    assert (request.texts, request.tokens) == (("早餐太差",), (("早餐", "太差"),))


def test_files_are_those_of_the_prefix_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in (name_of("hotel", 9), name_of("hotel", 10), name_of("hotel-english", 1)):
        write_log(tmp_path / name, [logged([name], None)])
    texts = [text for one in read_prediction_log(tmp_path / "hotel") for text in one.texts]
    assert texts == [name_of("hotel", 9), name_of("hotel", 10)]
    assert len(find_log_files([tmp_path])) == 3
    one = tmp_path / name_of("hotel", 9)
    assert find_log_files([tmp_path / "hotel", one]) == find_log_files([tmp_path / "hotel"])
    write_log(tmp_path / "warmup", [])
    assert find_log_files([tmp_path / "warm"]) == (tmp_path / "warmup",)
    with pytest.raises(InvalidInputError, match=r"no such file\. Did you mean '.*/warmup'"):
        read_prediction_log([one, tmp_path / "warmup2"])


@given(st.integers(0, 400), st.integers(1, 4))
def test_whole_records_before_a_cut_are_read(
    tmp_path_factory: pytest.TempPathFactory, cut: int, records: int
) -> None:
    file = tmp_path_factory.getbasetemp() / "cut"
    whole = [logged([f"text {number}"], [ROWS[0]]) for number in range(records)]
    content = write_log(file, whole).read_bytes()
    file.write_bytes(content[: max(0, len(content) - cut)])
    sizes = np.cumsum([len(log.SerializeToString()) + 16 for log in whole]).tolist()
    kept = [size for size in sizes if size <= file.stat().st_size]
    requests = read_prediction_log(file)
    assert [one.texts for one in requests] == [(f"text {number}",) for number in range(len(kept))]
    is_cut = file.stat().st_size not in (0, *sizes)
    assert requests.truncated == ({file: len(kept)} if is_cut else {})
    assert len(requests.notes) == is_cut


def test_the_files_after_one_cut_short_are_read(tmp_path: Path) -> None:
    torn = write_log(tmp_path / name_of("log", 1), [logged(["a"], None), logged(["b"], None)])
    torn.write_bytes(torn.read_bytes()[:-1])
    write_log(tmp_path / name_of("log", 2), [logged(["c"], None)])
    requests = read_prediction_log(tmp_path / "log")
    assert [one.texts for one in requests] == [("a",), ("c",)]
    assert [note.startswith(str(torn)) for note in requests.notes] == [True]


def test_a_corrupted_file_is_told(tmp_path: Path) -> None:
    file = write_log(tmp_path / "log", [logged(["a"], None), logged(["b"], None)])
    content = bytearray(file.read_bytes())
    content[-8] ^= 1
    file.write_bytes(content)
    with pytest.raises(InvalidInputError, match="corrupted record"):
        list(read_prediction_log(file))


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"not a message",
        tf.train.Example(
            features=tf.train.Features(
                feature={"text": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"a"]))}
            )
        ).SerializeToString(),
    ],
    ids=["empty", "text", "example"],
)
def test_foreign_records_are_told(tmp_path: Path, record: bytes) -> None:
    file = tmp_path / "log"
    with tf.io.TFRecordWriter(str(file)) as writer:
        writer.write(logged(["a"], None).SerializeToString())
        writer.write(record)
    with pytest.raises(InvalidInputError, match=r"log: each record must be .* as record 2\."):
        list(read_prediction_log(file))


def of_other_inputs() -> list[Log]:
    images, session, stream, feature = (PredictionLog() for _ in range(4))
    images.predict_log.request.inputs["image"].CopyFrom(tf.make_tensor_proto([1.0]))
    session.session_run_log.SetInParent()
    stream.predict_streamed_log.SetInParent()
    feature.classify_log.request.input.example_list.examples.add()
    scalar = PredictionLog()
    scalar.predict_log.request.inputs["text"].CopyFrom(tf.make_tensor_proto("one"))
    broken = PredictionLog()
    broken.predict_log.request.inputs["text"].dtype = 1000
    return [images, session, stream, feature, scalar, broken]


def test_requests_without_texts_are_counted_by_reason(tmp_path: Path) -> None:
    logs = [*of_other_inputs(), logged(["a"], None)]
    requests = read_prediction_log(write_log(tmp_path / "log", logs))
    assert [one.texts for one in requests] == [("a",)]
    assert sorted(requests.skipped.values()) == [1, 1, 2, 2]
    assert all(" were skipped: " in note for note in requests.notes)


def test_another_model_or_version_is_left_out_and_told(tmp_path: Path) -> None:
    logs = [
        logged(["a"], None),
        logged(["b"], None, model="books"),
        logged(["c"], None, version=4),
        logged_examples("classify", ["d"], [ROWS[0]], model="books"),
    ]
    file = write_log(tmp_path / "log", logs)
    requests = read_prediction_log(file, model_name="sentiment", version=4)
    assert [one.texts for one in requests] == [("c",)]
    assert requests.notes == [
        "Requests that are not of model 'sentiment', version 4 were skipped: 3."
    ]
    assert [one.texts for one in read_prediction_log(file, model_name="books")] == [("b",), ("d",)]
    assert [len(one.texts) for one in read_prediction_log(file)] == [1, 1, 1, 1]
    with pytest.raises(InvalidInputError) as raised:
        list(read_prediction_log(file, model_name="hotels"))
    assert str(raised.value) == (
        "The log must hold requests of model 'hotels'. Received: requests of "
        "model 'books', version 3 (2), model 'sentiment', version 3 (1), "
        "model 'sentiment', version 4 (1)."
    )


def test_answers_of_another_form_are_left_out(tmp_path: Path) -> None:
    log = logged(["a", "b"], [ROWS[0]])
    [request] = read_prediction_log(write_log(tmp_path / "log", [log]))
    assert request.texts == ("a", "b")
    assert (request.labels, request.classifications, request.probabilities) == (None, None, None)


def test_an_empty_log_has_no_requests(tmp_path: Path) -> None:
    requests = read_prediction_log(write_log(tmp_path / "log", []), model_name="sentiment")
    assert (list(requests), requests.notes) == ([], [])

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow.core.protobuf import saved_model_pb2

from lstm_sentiment import OOV_ID, FitResult, Vocabulary, pad_token_ids
from lstm_sentiment.export.signatures import ServableModule
from lstm_sentiment.serving.monitoring.text_statistics import TextMeasures, TextStatistics
from lstm_sentiment.serving.saved_model.xla import with_xla
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.tokenizer import make_tokenizer
from lstm_sentiment.unicode import replace_surrogates
from lstm_sentiment.version_folder import TEXT_STATISTICS
from tests import strategies
from tests.conftest import REPOSITORY
from tests.export.test_inference_network import VOCABULARY_SIZE, make_model
from tests.exported import exported
from tests.preloaded import preloaded
from tests.saved_model_session import SavedModelSession
from tests.serving.requests_answered import answered

TEXTS = ["房间很干净，服务非常好", "早餐真的差", "", "房间 很\u3000一般😀", "酒店特别脏" * 30]


WHOLE_EXPORTS = True
Loaded = dict[str, Any]


@pytest.fixture(scope="module")
def version_dir(fitted: FitResult) -> Path:
    return exported(fitted)


@pytest.fixture(scope="module")
def loaded(version_dir: Path) -> Loaded:
    saved_model = tf.saved_model.load(str(version_dir))
    # The functions alone do not keep the variables alive.
    return {**saved_model.signatures, "saved_model": saved_model}


@pytest.fixture(scope="module")
def session(version_dir: Path) -> SavedModelSession:
    return SavedModelSession(version_dir)


def expected_logits(fitted: FitResult, texts: list[str]) -> np.ndarray:
    """What the trained model itself says, text by text and unpadded."""
    rows = [fitted.tokenizer.encode(text)[: fitted.model.config.max_length] for text in texts]
    return np.concatenate([fitted.model(np.array([row])).numpy() for row in rows])


def softmax(logits: np.ndarray) -> np.ndarray:
    return keras.ops.softmax(logits).numpy()


def test_names_dtypes_and_shapes_are_the_contracts(
    fitted: FitResult, session: SavedModelSession
) -> None:
    def described(infos: dict[str, Any]) -> dict[str, tuple[str, list[int]]]:
        return {
            name: (tf.as_dtype(info.dtype).name, [dim.size for dim in info.tensor_shape.dim])
            for name, info in infos.items()
        }

    answer = {
        "label": ("string", [-1]),
        "classification": ("int64", [-1]),
        "probabilities": ("float32", [-1, 3]),
    }
    signatures = {
        key: (described(definition.inputs), described(definition.outputs))
        for key, definition in session.signatures.items()
        if not key.startswith("__")
    }
    assert signatures == {
        "serving_default": (
            {"input_sentence": ("int64", [-1, -1])},
            {"predict_classification": ("int64", [-1]), "predict_scores": ("float32", [-1, 3])},
        ),
        "text": ({"text": ("string", [-1])}, answer),
        "tokens": ({"tokens": ("string", [-1])}, answer),
        "classify": (
            {"inputs": ("string", [-1])},
            {"classes": ("string", [-1, 3]), "scores": ("float32", [-1, 3])},
        ),
        "explain": (
            {"text": ("string", [-1])},
            {
                "tokens": ("string", [-1, fitted.model.config.max_length]),
                "attributions": ("float32", [-1, fitted.model.config.max_length]),
                "label": ("string", [-1]),
                "probabilities": ("float32", [-1, 3]),
            },
        ),
        "text_statistics": (
            {"text": ("string", [-1])},
            {
                name: ("int32", [-1])
                for name in ("num_characters", "num_tokens", "num_truncated", "num_oov")
            },
        ),
    }


def test_each_signature_names_its_method(session: SavedModelSession) -> None:
    methods = {
        key: definition.method_name.removeprefix("tensorflow/serving/")
        for key, definition in session.signatures.items()
        if not key.startswith("__")
    }
    assert methods.pop("classify") == "classify"
    assert set(methods.values()) == {"predict"}


@pytest.mark.parametrize("way_in", ["loaded", "session"])
def test_every_signature_gives_the_trained_models_scores(
    fitted: FitResult, way_in: str, request: pytest.FixtureRequest
) -> None:
    def ask(signature: str, value: np.ndarray) -> dict[str, np.ndarray]:
        if way_in == "session":
            return request.getfixturevalue("session").run(signature, value)
        outputs = request.getfixturevalue("loaded")[signature](tf.constant(value))
        return {name: tensor.numpy() for name, tensor in outputs.items()}

    logits = expected_logits(fitted, TEXTS)
    encoded = [fitted.tokenizer.encode(text) for text in TEXTS]
    ids = pad_token_ids(encoded, max(map(len, encoded))).astype(np.int64)
    by_ids = ask("serving_default", ids)
    np.testing.assert_allclose(by_ids["predict_scores"], logits, atol=1e-5)
    assert by_ids["predict_classification"].tolist() == logits.argmax(axis=1).tolist()
    segmented = [" ".join(fitted.tokenizer.tokenize(text)) for text in TEXTS]
    for signature, texts in (("text", TEXTS), ("tokens", segmented)):
        answer = ask(signature, np.array([text.encode() for text in texts], dtype=object))
        expected = softmax(logits / fitted.temperature)
        np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)
        assert answer["classification"].tolist() == logits.argmax(axis=1).tolist()
        labels = [fitted.label_names[i] for i in answer["classification"]]
        assert [label.decode() for label in answer["label"]] == labels
    expected = softmax(logits / fitted.temperature)
    classified = ask("classify", np.array([example_of(text) for text in TEXTS], dtype=object))
    np.testing.assert_allclose(classified["scores"], expected, atol=1e-5)
    names = [name.encode() for name in fitted.label_names]
    assert classified["classes"].tolist() == [names] * len(TEXTS)
    explained = ask("explain", np.array([text.encode() for text in TEXTS], dtype=object))
    np.testing.assert_allclose(explained["probabilities"], expected, atol=1e-5)
    assert [label.decode() for label in explained["label"]] == labels
    length = fitted.model.config.max_length
    for text, row in zip(TEXTS, explained["tokens"], strict=True):
        tokens = [token.decode() for token in row if token]
        assert tokens == fitted.tokenizer.tokenize(text)[:length]
    assert explained["attributions"].shape == explained["tokens"].shape
    assert not explained["attributions"][1:4, 16:].any()


def example_of(text: str) -> bytes:
    """What a client of the Classify API sends."""
    example = tf.train.Example()
    example.features.feature["text"].bytes_list.value.append(text.encode())
    return bytes(example.SerializeToString())


def test_what_speaks_for_a_label_is_credited(loaded: Loaded) -> None:
    answer = loaded["explain"](text=tf.constant(["房间很干净，早餐很好吃"]))
    tokens = [token.decode() for token in answer["tokens"].numpy()[0] if token]
    credit = dict(zip(tokens, answer["attributions"].numpy()[0], strict=False))
    assert answer["label"].numpy()[0] == b"positive"
    assert credit["干净"] > 0.1
    assert credit["干净"] > 3 * abs(credit["房间"])


def test_an_example_without_a_text_is_refused(loaded: Loaded) -> None:
    empty = tf.constant([tf.train.Example().SerializeToString()])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"text.*is required"):
        loaded["classify"](inputs=empty)


@pytest.mark.parametrize("ids", [[[1, 10_000]], [[-1, 2]], [[2**40]]])
def test_ids_of_no_token_are_refused(loaded: Loaded, ids: list[list[int]]) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices.* is not in \[0, "):
        loaded["serving_default"](input_sentence=tf.constant(ids, tf.int64))


@given(
    batch=st.lists(st.lists(st.integers(1, 20), max_size=18), min_size=1, max_size=5),
    length=st.integers(18, 30),
)
@settings(max_examples=25)
def test_scores_do_not_depend_on_the_side_and_amount_of_padding(
    fitted: FitResult, loaded: Loaded, batch: list[list[int]], length: int
) -> None:
    def scores(ids: np.ndarray) -> np.ndarray:
        outputs = loaded["serving_default"](input_sentence=tf.constant(ids, tf.int64))
        return outputs["predict_scores"].numpy()

    right = pad_token_ids(batch, 18)
    expected = scores(right)
    left = keras.utils.pad_sequences(batch, maxlen=length)
    np.testing.assert_allclose(scores(left), expected, atol=1e-5)
    np.testing.assert_allclose(scores(np.pad(right, ((0, 0), (3, 7)))), expected, atol=1e-5)
    alone = np.concatenate([scores(np.array([row or [OOV_ID]])) for row in batch])
    np.testing.assert_allclose(alone, expected, atol=1e-5)


@given(texts=st.lists(strategies.any_texts, min_size=1, max_size=5))
@settings(max_examples=12)
def test_any_text_gets_pythons_scores_from_every_signature(
    fitted: FitResult, loaded: Loaded, texts: list[str]
) -> None:
    valid = [replace_surrogates(text) for text in texts]
    expected = softmax(expected_logits(fitted, valid) / fitted.temperature)
    answers = [
        loaded["text"](text=tf.constant(valid))["probabilities"],
        loaded["explain"](text=tf.constant(valid))["probabilities"],
        loaded["classify"](inputs=tf.constant([example_of(text) for text in valid]))["scores"],
    ]
    for probabilities in answers:
        np.testing.assert_allclose(probabilities, expected, atol=1e-5)
        assert np.isfinite(probabilities).all()


@given(texts=st.lists(strategies.any_texts, min_size=1, max_size=5))
@settings(max_examples=25)
def test_a_texts_statistics_are_those_of_its_tokens(
    fitted: FitResult, loaded: Loaded, texts: list[str]
) -> None:
    valid = [replace_surrogates(text) for text in [*texts, "", "房间" * 30, "🦀🦀"]]
    answer = loaded["text_statistics"](text=tf.constant(valid))
    encoded = [fitted.tokenizer.encode(text) for text in valid]
    length = fitted.model.config.max_length
    assert answer["num_characters"].numpy().tolist() == [len(text) for text in valid]
    assert answer["num_tokens"].numpy().tolist() == [len(ids) for ids in encoded]
    assert answer["num_truncated"].numpy().tolist() == [len(ids[length:]) for ids in encoded]
    oov = [ids[:length].count(OOV_ID) for ids in encoded]
    assert answer["num_oov"].numpy().tolist() == oov


def test_statistics_add_up_to_the_oov_rate_of_an_evaluation(
    fitted: FitResult, session: SavedModelSession, corpus: Corpus
) -> None:
    unusual = "🦀" * 30 + "房间"
    texts = [*corpus.texts[:20], "", unusual, *(["房间很好"] * 40 + [unusual])]
    scores = fitted.evaluate(Corpus(texts, [0] * len(texts), corpus.label_names))
    asked = np.array([text.encode() for text in texts], dtype=object)
    answer = session.run("text_statistics", asked)
    read = answer["num_tokens"] - answer["num_truncated"]
    assert scores.oov_rate is not None and 0 < scores.oov_rate < 1
    assert answer["num_oov"].sum() / read.sum() == pytest.approx(scores.oov_rate)


def test_a_model_server_understands_the_statistics(
    fitted: FitResult, session: SavedModelSession
) -> None:
    recorded: list[TextMeasures] = []
    statistics = TextStatistics(
        lambda name, version, texts: session.run(TEXT_STATISTICS, np.array(texts, dtype=object)),
        recorded.append,
    )
    statistics(answered(texts=[text.encode() for text in TEXTS]))
    statistics.measure_waiting()
    (measured,) = recorded
    assert measured.counts is not None
    encoded = [fitted.tokenizer.encode(text) for text in TEXTS]
    assert measured.counts.tokens.tolist() == [len(ids) for ids in encoded]


def test_malformed_text_has_statistics_too(session: SavedModelSession) -> None:
    answer = session.run("text_statistics", np.array([b"\xff\xfe", b"a\x80"], dtype=object))
    assert answer["num_characters"].tolist() == [2, 2]
    assert (answer["num_tokens"] >= 1).all()


def test_requests_of_any_size_are_answered_in_a_session(
    version_dir: Path, session: SavedModelSession
) -> None:
    """Control flow that a session takes apart fails where many texts are answered, or few."""
    graph = saved_model_pb2.SavedModel.FromString((version_dir / "saved_model.pb").read_bytes())
    nodes = [
        node
        for meta_graph in graph.meta_graphs
        for function in meta_graph.graph_def.library.function
        for node in function.node_def
    ]
    assert any(node.op.endswith(("If", "While")) for node in nodes)
    assert not [node.name for node in nodes if "_lower_using_switch_merge" in node.attr]
    one = session.run("text", ["房间很干净"])["probabilities"]
    for size in (2, 32, 33, 64, 65, 128, 300):
        many = session.run("text", ["房间很干净"] * size)["probabilities"]
        np.testing.assert_allclose(many, np.repeat(one, size, axis=0), atol=1e-6)


def test_no_texts_and_no_time_steps_are_answered(loaded: Loaded) -> None:
    assert loaded["text"](text=tf.constant([], tf.string))["probabilities"].shape == (0, 3)
    assert loaded["text_statistics"](text=tf.constant([], tf.string))["num_oov"].shape == (0,)
    none = tf.zeros([2, 0], tf.int64)
    empty = loaded["text"](text=tf.constant(["", ""]))["classification"].numpy()
    answer = loaded["serving_default"](input_sentence=none)["predict_classification"].numpy()
    assert answer.tolist() == empty.tolist()


def test_a_hundred_thousand_characters_are_answered(loaded: Loaded) -> None:
    answer = loaded["text"](text=tf.constant(["房间很好" * 25_000]))
    assert answer["label"].shape == (1,)


ALLOWED_OPS = frozenset(
    line
    for line in (Path(__file__).parent / "allowed_ops.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
)


def ops_of(graph_def: Any) -> set[str]:
    nodes = [*graph_def.node, *(n for f in graph_def.library.function for n in f.node_def)]
    assert not [node.name for node in nodes if "_XlaMustCompile" in node.attr]
    assert not [node.name for node in nodes if "GPU" in node.device]
    return {node.op for node in nodes}


def test_stock_tensorflow_serving_has_every_op(session: SavedModelSession) -> None:
    ops = ops_of(session.graph.as_graph_def())
    assert {"SentencepieceTokenizeOp", "NormalizeUTF8", "While"} <= ops
    assert ops <= ALLOWED_OPS


@pytest.mark.parametrize(
    ("kind", "options", "config"),
    [
        (
            "whitespace",
            {"normalization": "none"},
            {"pooling": "last", "bidirectional": False, "ngrams": 3, "character_ngrams": 5},
        ),
        ("characters", {"normalization": "width"}, {"pooling": "attention"}),
        ("unigram", {"unknown": "character"}, {"bidirectional": False, "ngrams": 3}),
    ],
)
def test_other_choices_bring_no_other_op(
    kind: str, options: dict[str, Any], config: dict[str, Any], tmp_path: Path
) -> None:
    words = [chr(ord("\u4e00") + number) for number in range(VOCABULARY_SIZE - 2)]
    tokenizer = make_tokenizer(kind, Vocabulary(words), **options)
    module = ServableModule(make_model(**config), tokenizer, ("a", "b", "c"), tmp_path)
    for key, function in module.signatures().items():
        if key == "explain" and not config.get("ngrams"):
            continue  # its graph is by far the largest
        assert ops_of(function.get_concrete_function().graph.as_graph_def()) <= ALLOWED_OPS


def test_no_path_of_the_training_machine_is_told(
    version_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = [str(Path.home()), str(Path.cwd()), tempfile.gettempdir(), str(Path(keras.__file__))]
    paths = [path for path in (*home, str(tmp_path_factory.getbasetemp())) if len(path) > 1]
    for file in version_dir.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        assert not [path for path in paths if path.encode() in content], file


def test_reseeding_keras_leaves_a_loaded_version_alive(loaded: Loaded) -> None:
    keras.utils.set_random_seed(5)
    assert loaded["text"](text=tf.constant(["房间很好"]))["label"].shape == (1,)


def test_xla_gives_the_same_scores(version_dir: Path, loaded: Loaded) -> None:
    with with_xla(version_dir) as folder:
        compiled = tf.saved_model.load(str(folder))
    for texts in (1, 40):
        asked = tf.constant([TEXTS[place % len(TEXTS)] for place in range(texts)])
        probabilities = compiled.signatures["text"](text=asked)["probabilities"]
        expected = loaded["text"](text=asked)["probabilities"]
        np.testing.assert_allclose(probabilities, expected, atol=1e-5)


def test_a_server_that_compiles_all_it_can_loads_it(
    version_dir: Path, session: SavedModelSession
) -> None:
    """As TensorFlow Serving's `--xla_cpu_compilation_enabled` has it, in a process of its own."""
    program = (
        "import sys, numpy, tensorflow_text\n"
        "from pathlib import Path\n"
        "from tests.saved_model_session import SavedModelSession\n"
        "session = SavedModelSession(Path(sys.argv[1]))\n"
        "text = numpy.array([sys.argv[2].encode()], dtype=object)\n"
        "print(session.run('text', text)['probabilities'].tolist())\n"
    )
    flags = "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit"
    answer = subprocess.run(
        preloaded(program, str(version_dir), TEXTS[0]),
        env={**os.environ, "TF_XLA_FLAGS": flags, "TF_CPP_MIN_LOG_LEVEL": "3"},
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    expected = session.run("text", np.array([TEXTS[0].encode()], dtype=object))["probabilities"]
    np.testing.assert_allclose(json.loads(answer.stdout), expected, atol=1e-5)

"""The light engine answers every signature as the graph does that the C++ server runs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_sentiment import FitResult
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.errors import DeadlineExceededError, SignatureNotFoundError
from lstm_sentiment.unicode import replace_surrogates
from tests import strategies
from tests.conftest import REPOSITORY
from tests.export.test_signatures import example_of
from tests.exported import exported
from tests.serving.light.engines import Engines, assert_same, both_engines, strings
from tests.without_train import run_without_train

WHOLE_EXPORTS = True

TEXTS = ["房间很干净，服务非常好", "早餐真的差", "", "房间 很\u3000一般😀", "酒店特别脏" * 30]


@pytest.fixture(scope="module")
def version_dir(fitted: FitResult) -> Path:
    return exported(fitted)


@pytest.fixture(scope="module")
def engines(version_dir: Path) -> Engines:
    return both_engines(version_dir)


@pytest.mark.parametrize("signature", ["text", "tokens", "explain", "text_statistics"])
def test_texts_are_answered_as_by_the_graph(engines: Engines, signature: str) -> None:
    for texts in ([TEXTS[0]], TEXTS, ["", " "], [TEXTS[2]]):
        assert_same(engines, signature, strings(texts))


@pytest.mark.parametrize("texts", [1, 2, 9, 33, 300])
def test_any_number_of_texts(engines: Engines, texts: int) -> None:
    many = [TEXTS[place % len(TEXTS)] for place in range(texts)]
    assert_same(engines, "text", strings(many))
    assert_same(engines, "classify", strings([example_of(text) for text in many]))


@pytest.mark.parametrize("texts", [TEXTS, ["", " "], []])
def test_texts_are_counted_on_the_way_to_an_answer(engines: Engines, texts: list[str]) -> None:
    light = engines[0]
    expected = light.run("text_statistics", {"text": strings(texts)})
    for signature, inputs in {
        "text": {"text": strings(texts)},
        "classify": {"inputs": strings([example_of(text) for text in texts])},
    }.items():
        answer = light.run(signature, inputs)
        counted = light.run(signature, inputs, with_counts=True)
        assert counted.keys() == answer.keys() | expected.keys()
        for name, counts in expected.items():
            assert (counted[name].dtype, counted[name].tolist()) == (counts.dtype, counts.tolist())
    tokens = light.run("tokens", {"tokens": strings(texts)}, with_counts=True)
    assert tokens.keys() == light.signatures["tokens"].outputs.keys()


@pytest.mark.parametrize("signature", ["text", "tokens", "classify", "explain", "text_statistics"])
def test_no_text(engines: Engines, signature: str) -> None:
    assert_same(engines, signature, strings([]))


@given(texts=st.lists(strategies.any_texts, min_size=1, max_size=5))
@settings(max_examples=25)
def test_any_text(engines: Engines, texts: list[str]) -> None:
    asked = strings([replace_surrogates(text) for text in texts])
    for signature in ("text", "tokens", "explain", "text_statistics"):
        assert_same(engines, signature, asked)


def test_malformed_utf8(engines: Engines) -> None:
    malformed = strings([b"\xff\xfe", b"a\x80\xe6\x88", b"\x00", b"\xed\xa0\x80"])
    for signature in ("text", "tokens", "explain", "text_statistics"):
        assert_same(engines, signature, malformed)


@given(
    batch=st.lists(st.lists(st.integers(0, 30), max_size=30), min_size=1, max_size=5),
    before=st.integers(0, 3),
    after=st.integers(0, 3),
)
@settings(max_examples=25)
def test_ids_with_padding_anywhere(
    engines: Engines, batch: list[list[int]], before: int, after: int
) -> None:
    ids = np.zeros((len(batch), max(map(len, batch)) + before + after), np.int64)
    for row, text in zip(ids, batch, strict=True):
        row[before : before + len(text)] = text
    assert_same(engines, "serving_default", ids)


@pytest.mark.parametrize("shape", [(0, 3), (0, 0), (2, 0)])
def test_ids_of_no_text_or_no_step(engines: Engines, shape: tuple[int, int]) -> None:
    assert_same(engines, "serving_default", np.zeros(shape, np.int64))


@pytest.mark.parametrize("ids", [[[1, 10_000]], [[-1, 2]], [[3, 4], [5, 2**40]]])
def test_ids_of_no_token_are_refused_in_the_graphs_words(
    engines: Engines, ids: list[list[int]]
) -> None:
    light, graph = engines
    asked = np.array(ids, np.int64)
    with pytest.raises(tf.errors.InvalidArgumentError) as expected:
        graph.run("serving_default", asked)
    with pytest.raises(InvalidInputError, match=r"^indices\[\d,1|0\] = .* is not in") as caught:
        light.run("serving_default", {"input_sentence": asked})
    assert str(caught.value) in str(expected.value)


@pytest.mark.parametrize("shape", [(), (1, 1), (2, 1, 1), (0, 3)])
@pytest.mark.parametrize("signature", ["text", "explain", "text_statistics"])
def test_texts_of_other_shapes_are_refused(
    engines: Engines, signature: str, shape: tuple[int, ...]
) -> None:
    light, _ = engines
    with pytest.raises(InvalidInputError) as caught:
        light.run(signature, {"text": np.full(shape, b"a", object)})
    assert str(caught.value) == f"`text` must have shape (None,). Received: shape {shape}."


def serialized(**features: Any) -> bytes:
    """An example of the given features; a type instead of values stands for one value of it."""
    example = tf.train.Example()
    for name, values in features.items():
        feature = example.features.feature[name]
        if values is int:
            feature.int64_list.value.append(3)
        elif values is float:
            feature.float_list.value.append(3)
        elif values is None:
            feature.SetInParent()
        else:
            feature.bytes_list.value.extend(values)
            feature.bytes_list.SetInParent()
    return bytes(example.SerializeToString())


@pytest.mark.parametrize(
    "examples",
    [
        [serialized()],
        [serialized(other=[b"a"])],
        [serialized(text=[b"a"]), serialized(text=int)],
        [serialized(text=float)],
        [serialized(text=None)],
        [serialized(text=[])],
        [serialized(text=[b"a", b"b"])],
        [b"no example"],
        [b"no example\nof two lines"],
        [serialized(text=[b"a"]), serialized()],
    ],
)
def test_examples_without_a_text_are_refused_in_the_graphs_words(
    engines: Engines, examples: list[bytes]
) -> None:
    light, graph = engines
    with pytest.raises(tf.errors.InvalidArgumentError) as expected:
        graph.run("classify", strings(examples))
    with pytest.raises(InvalidInputError) as caught:
        light.run("classify", {"inputs": strings(examples)})
    assert str(caught.value) in str(expected.value)
    assert "\n" not in str(caught.value)


def test_a_context_gives_way_to_its_example(engines: Engines) -> None:
    texts = [serialized(text=int), serialized(text=[b"a"]), b""]
    examples = [text + example_of("房间很干净") for text in texts]
    assert_same(engines, "classify", strings(examples))


def test_what_does_not_fit_a_signature_is_refused(engines: Engines) -> None:
    light, _ = engines
    with pytest.raises(SignatureNotFoundError):
        light.run("absent", {})
    with pytest.raises(InvalidInputError, match="input size does not match signature"):
        light.run("text", {})
    with pytest.raises(InvalidInputError, match="must have dtype int64"):
        light.run("serving_default", {"input_sentence": np.zeros((1, 1), np.int32)})


def test_a_caller_who_no_longer_waits_gets_no_explanation(engines: Engines) -> None:
    for signature in ("text", "explain"):
        with pytest.raises(DeadlineExceededError):
            engines[0].run(signature, {"text": strings(TEXTS)}, caller=Caller(deadline=0.0))


def test_attributions_add_up(fitted: FitResult, engines: Engines) -> None:
    light, _ = engines
    texts = strings([TEXTS[0], TEXTS[1]])
    answer = light.run("explain", {"text": texts})
    ids = [fitted.tokenizer.encode(text) for text in TEXTS[:2]]
    logits = np.concatenate([fitted.model(np.array([row])).numpy() for row in ids])
    for row, (length, scores) in enumerate(zip(map(len, ids), logits, strict=True)):
        vectors = np.zeros((1, length, fitted.model.embedding_dim), np.float32)
        base = fitted.model.lstm_logits(vectors, np.ones((1, length), bool)).numpy()[0]
        views = fitted.model.views()
        assert len(views) == 2
        base *= 1 - sum(float(view.share.value) for view in views)
        base += sum(float(view.share.value) * np.array(view.bias) for view in views)
        chosen = scores.argmax()
        expected = scores[chosen] - base[chosen]
        assert answer["attributions"][row].sum() == pytest.approx(expected, abs=1e-4)


def test_no_tensorflow_is_imported(version_dir: Path) -> None:
    program = (
        "import json, sys\n"
        "for name in ('tensorflow', 'tensorflow_text', 'tensorflow_serving', 'keras', 'onnx',\n"
        "             'sklearn', 'scipy'):\n"
        "    sys.modules[name] = None  # importing it raises\n"
        "import numpy as np\n"
        "from pathlib import Path\n"
        "from lstm_sentiment.serving.light.loader import LightLoader\n"
        "from lstm_sentiment.serving.servable_id import ServableId\n"
        "servable = LightLoader(ServableId('m', 3), Path(sys.argv[1])).load()\n"
        "answer = servable.run('explain', {'text': np.array([sys.argv[2].encode()], object)})\n"
        "print(json.dumps(answer['label'][0].decode()))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, str(version_dir), TEXTS[0]],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert json.loads(answer.stdout) == "positive"


ASK_IN_A_FORK = """
import os, signal
from lstm_sentiment import SavedModelPredictor

predictor = SavedModelPredictor(sys.argv[1])
texts = ["房间很干净"] * 40
before = predictor.predict(texts)
child = os.fork()
if not child:
    signal.alarm(60)
    os._exit(predictor.predict(texts) != before)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_answers_too(version_dir: Path) -> None:
    ended = run_without_train(ASK_IN_A_FORK, str(version_dir))
    assert (ended.stdout, ended.returncode) == ("0\n", 0), ended.stderr

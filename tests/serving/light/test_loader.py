"""A twin that is not whole, or answers otherwise than the version's card, is refused."""

import gc
import json
import re
import shutil
import time
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import get_args

import numpy as np
import onnx
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from lstm_sentiment import FitResult
from lstm_sentiment.light_twin import description
from lstm_sentiment.light_twin.description import digests
from lstm_sentiment.model.config import Pooling
from lstm_sentiment.serving.batching.batching_servable import BatchingServable
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.batching.scheduler import BatchScheduler
from lstm_sentiment.serving.errors import LightEngineRefusedError, ServableLoadError
from lstm_sentiment.serving.light.loader import LightLoader, load_light_servable
from lstm_sentiment.serving.light.servable import LightServable
from lstm_sentiment.serving.servable import Servable
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.serving.thread_priority import run_at_low_priority
from lstm_sentiment.text.tokenizer_options import Normalization, TokenizerKind, Unknown
from lstm_sentiment.version_folder import CARD, LABELS, LIGHT, VOCABULARY
from tests.exported import exported, read_card, write_card
from tests.serving.light.engines import strings
from tests.serving.saved_models import classify_log, damage, predict_log, write_warmup


@pytest.fixture
def version_dir(fitted: FitResult, tmp_path: Path) -> Path:
    """A version of its own, to be changed at will."""
    return shutil.copytree(exported(fitted), tmp_path / "1")


def load(path: Path, warmup: bool = True) -> Servable:
    return LightLoader(ServableId("m", 1), path, warmup=warmup).load()


def twin_file(name: str) -> Callable[[Path], Path]:
    return lambda version_dir: version_dir / LIGHT / name


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


FILES = (
    "graph.onnx",
    "table.onnx",
    "table.npy",
    "ngrams.npz",
    "characters.npz",
    "sentencepiece.model",
)


@pytest.mark.parametrize("name", [*(LIGHT / name for name in FILES), VOCABULARY, LABELS])
@pytest.mark.parametrize("break_it", [flip_a_bit, Path.unlink])
def test_a_file_that_is_missing_or_changed(
    version_dir: Path, name: Path, break_it: Callable[[Path], None]
) -> None:
    break_it(version_dir / name)
    with pytest.raises(LightEngineRefusedError, match=re.escape(str(name))) as caught:
        load(version_dir)
    assert str(caught.value).startswith("version 1 of model m could not be loaded: ")
    assert str(version_dir) not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file or directory"),
        ("{", "must describe a light twin"),
        ("[]", "must describe a light twin"),
        ("{}", "must describe a light twin"),
        ('{"format": 1}', "must have format 3, which `models twin` writes. Received: format 1"),
        ('{"format": 2}', "must describe a light twin"),
        ("[" * 100_000, "must describe a light twin"),
    ],
)
def test_a_description_that_is_none(version_dir: Path, content: str | None, reason: str) -> None:
    path = version_dir / LIGHT / "light.json"
    path.unlink()
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(LightEngineRefusedError, match=f"light.json: {reason}"):
        load(version_dir)
    if content is not None:
        with pytest.raises(LightEngineRefusedError, match=f"light.json: {reason}"):
            LightLoader(ServableId("m", 1), version_dir).estimate_bytes()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tokenizer", {"kind": "words", "normalization": "nfkc", "unknown": "run"}),
        ("tokenizer", {"kind": "unigram", "normalization": "nfd", "unknown": "run"}),
        ("vocabulary_size", "9"),
        ("max_length", 0),
        ("max_length", 3.0),
        ("temperature", 0),
        ("temperature", float("nan")),
        ("model", {}),
        ("model", None),
        ("ngrams", 0),
        ("character_ngrams", 0),
        ("digests", []),
    ],
)
def test_a_field_of_the_description_that_is_wrong(
    version_dir: Path, field: str, value: object
) -> None:
    change_description(version_dir, **{field: value})
    with pytest.raises(LightEngineRefusedError, match=f"must describe a light twin.*{field} "):
        load(version_dir)


@pytest.mark.parametrize("name", [*FILES, "unicode.json"])
def test_a_file_without_a_digest(version_dir: Path, name: str) -> None:
    change_description(version_dir)
    path = version_dir / LIGHT / "light.json"
    content = json.loads(path.read_text("utf-8"))
    del content["digests"][str(LIGHT / name)]
    path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(LightEngineRefusedError, match=f"{name}: must be as it was"):
        load(version_dir)


def test_a_twin_of_the_release_before_character_ngrams_is_read(version_dir: Path) -> None:
    path = version_dir / LIGHT / "light.json"
    content = json.loads(path.read_text("utf-8"))
    assert description.load_description(path.parent).character_ngrams == 3
    del content["character_ngrams"], content["digest"]
    path.write_text(json.dumps({**content, "format": 2}), "utf-8")
    assert description.load_description(path.parent).character_ngrams is None


def test_the_engine_knows_what_versions_can_have() -> None:
    assert get_args(TokenizerKind) == description.TOKENIZERS
    assert get_args(Normalization) == description.NORMALIZATIONS
    assert get_args(Unknown) == description.UNKNOWNS
    assert get_args(Pooling) == description.POOLINGS


def change_description(version_dir: Path, **changes: object) -> None:
    """Makes the twin whole again, with other contents."""
    path = version_dir / LIGHT / "light.json"
    content = json.loads(path.read_text("utf-8"))
    content.pop("digest", None)
    content = {**content, "digests": digests(version_dir, version_dir / LIGHT), **changes}
    path.write_text(json.dumps(content), "utf-8")


def test_other_weights_of_the_version(version_dir: Path) -> None:
    flip_a_bit(version_dir / "variables" / "variables.index")
    with pytest.raises(LightEngineRefusedError, match=r"variables\.index: must be as it was when"):
        load(version_dir)


@pytest.mark.parametrize(("name", "signature"), [("graph.onnx", "explain"), ("table.onnx", "text")])
def test_other_weights_of_the_twin(version_dir: Path, name: str, signature: str) -> None:
    path = version_dir / LIGHT / name
    network = onnx.load_model_from_string(path.read_bytes())
    for initializer in network.graph.initializer:
        if initializer.name == "dense_kernel":
            changed = onnx.numpy_helper.to_array(initializer) * 1.1
            initializer.CopyFrom(onnx.numpy_helper.from_array(changed, initializer.name))
    path.write_bytes(network.SerializeToString())
    change_description(version_dir)
    with pytest.raises(
        LightEngineRefusedError, match=f"answers by '{signature}' must differ .* at most"
    ):
        load(version_dir)


def test_another_length_or_temperature(version_dir: Path) -> None:
    for change in ({"temperature": 3.0}, {"max_length": 2}):
        change_description(version_dir, **change)
        with pytest.raises(LightEngineRefusedError, match="answers by 'text' must differ"):
            load(version_dir)


def test_what_is_no_network(version_dir: Path) -> None:
    (version_dir / LIGHT / "graph.onnx").write_bytes(b"no network")
    change_description(version_dir)
    with pytest.raises(LightEngineRefusedError, match=r"graph\.onnx"):
        load(version_dir)


def test_a_card_without_examples_cannot_be_checked(version_dir: Path) -> None:
    write_card(version_dir, {**read_card(version_dir), "examples": []})
    with pytest.raises(LightEngineRefusedError, match="card must hold examples"):
        load(version_dir)
    (version_dir / CARD).unlink()
    with pytest.raises(LightEngineRefusedError, match="card must hold examples"):
        load(version_dir)


def test_a_damaged_graph(version_dir: Path) -> None:
    damage(version_dir)
    change_description(version_dir)
    with pytest.raises(LightEngineRefusedError, match=r"saved_model\.pb: must be a SavedModel"):
        load(version_dir)


def test_warmup_requests_are_run(version_dir: Path) -> None:
    write_warmup(
        version_dir,
        [
            predict_log("text", {"text": [b"a", b"b"]}),
            classify_log("classify", "a"),
            predict_log("", {"input_sentence": tf.constant([[99_999]], tf.int64)}),
        ],
    )
    with pytest.raises(ServableLoadError, match=r"indices\[0,0\] = 99999 is not in") as caught:
        load(version_dir)
    assert not isinstance(caught.value, LightEngineRefusedError)  # TensorFlow would fail too
    assert isinstance(load(version_dir, warmup=False), LightServable)


def test_requests_are_batched_by_a_scheduler(version_dir: Path) -> None:
    scheduler = BatchScheduler(BatchingParameters())
    scheduler.start()
    try:
        servable = LightLoader(ServableId("m", 1), version_dir, scheduler=scheduler).load()
        assert isinstance(servable, BatchingServable)
        answer = servable.run("text", {"text": strings(["房间很干净"])})
        alone = servable.unbatched.run("text", {"text": strings(["房间很干净"])})
        np.testing.assert_allclose(answer["probabilities"], alone["probabilities"])
    finally:
        scheduler.stop()


def test_memory_is_estimated_by_the_files(version_dir: Path) -> None:
    loader = LightLoader(ServableId("m", 1), version_dir)
    estimate = loader.estimate_bytes()
    network = version_dir / LIGHT / "graph.onnx"
    assert estimate > network.stat().st_size
    table = version_dir / LIGHT / "table.npy"
    table.write_bytes(table.read_bytes() + bytes(5000))
    assert loader.estimate_bytes() == estimate + 5000  # mapped, not copied
    (version_dir / VOCABULARY).unlink()
    with pytest.raises(ServableLoadError, match="its files cannot be read"):
        loader.estimate_bytes()


def test_a_version_is_freed_with_its_last_request(version_dir: Path) -> None:
    gc.disable()
    try:
        servable = load_light_servable(version_dir)
        servable.run("explain", {"text": strings(["房间很干净"] * 20)})
        freed = weakref.ref(servable)
        del servable
        assert freed() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("replaced", "reason"),
    [
        (b"probabilities", r"must know signature 'explain'. Received: an unknown 'probabilitieX'"),
        (b"text_statistics", r"must know signature 'text_statisticX'"),
    ],
)
def test_signatures_of_another_release(version_dir: Path, replaced: bytes, reason: str) -> None:
    path = version_dir / "saved_model.pb"
    path.write_bytes(path.read_bytes().replace(replaced, replaced[:-1] + b"X"))
    change_description(version_dir)
    with pytest.raises(LightEngineRefusedError, match=reason):
        load(version_dir)


def declare_widths(version_dir: Path, widths: Mapping[str, int]) -> None:
    """Declares other widths of the outputs of `explain`; -1 for any."""
    path = version_dir / "saved_model.pb"
    graph = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for name, width in widths.items():
        output = graph.meta_graphs[0].signature_def["explain"].outputs[name]
        output.tensor_shape.dim[1].size = width
    path.write_bytes(graph.SerializeToString())
    change_description(version_dir)


def test_a_version_without_a_declared_width_explains_as_wide_as_its_longest_text(
    version_dir: Path,
) -> None:
    """Versions of earlier releases declare none."""
    declare_widths(version_dir, {"tokens": -1, "attributions": -1})
    scheduler = BatchScheduler(BatchingParameters())
    servable = LightLoader(ServableId("m", 1), version_dir, scheduler=scheduler).load()
    assert isinstance(servable, BatchingServable) and not servable.batches("explain")
    for texts, width in ((["很"], 1), (["很", "房间 很"], 2), ([""], 1)):
        answer = servable.run("explain", {"text": strings(texts)})
        assert answer["tokens"].shape == answer["attributions"].shape == (len(texts), width)


def test_a_version_that_declares_two_widths_is_refused(version_dir: Path) -> None:
    declare_widths(version_dir, {"attributions": 7})
    with pytest.raises(LightEngineRefusedError, match=r"'attributions' of 'explain' must have"):
        load(version_dir)


def test_a_load_at_low_priority_lets_others_run_between_its_pieces(
    version_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_warmup(version_dir, [predict_log("text", {"text": ["好"]})] * 5)
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    load(version_dir)
    assert pauses == []
    run_at_low_priority(lambda: load(version_dir, warmup=False))
    without_warmup = len(pauses)
    assert without_warmup >= 5
    pauses.clear()
    run_at_low_priority(lambda: load(version_dir))
    assert len(pauses) == without_warmup + 5

"""The engine that loads a version: the one that was asked for, or the first that can."""

import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_sentiment import FitResult, InvalidInputError, MissingExtraError
from lstm_sentiment.light_twin.description import DESCRIPTION, has_light_twin
from lstm_sentiment.serving.errors import (
    LightEngineRefusedError,
    OtherEngineError,
    ServableLoadError,
)
from lstm_sentiment.serving.light.servable import LightServable
from lstm_sentiment.serving.loading.engines import VersionLoader
from lstm_sentiment.serving.loading.options import LoadingOptions
from lstm_sentiment.serving.saved_model.saved_model import SavedModelServable
from lstm_sentiment.serving.servable import Servable
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.version_folder import LIGHT
from tests.exported import add_version, read_card, without_digests, write_card
from tests.without_train import run_without_train

TEXTS = {"text": np.array(["房间很干净".encode()], object)}

LOAD_WITHOUT_TRAIN = """
from pathlib import Path
from lstm_sentiment.versions.loading import load_servable

try:
    load_servable(Path(sys.argv[1]), sys.argv[2])
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.fixture(scope="module")
def version_dir(fitted: FitResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return add_version(tmp_path_factory.mktemp("models"), 3, fitted)


@pytest.fixture
def changed(version_dir: Path, tmp_path: Path) -> Path:
    """A copy to be changed."""
    return shutil.copytree(version_dir, tmp_path / "3")


def loader_of(version_dir: Path, **options: Any) -> VersionLoader:
    return VersionLoader(ServableId("m", 3), version_dir, loading=LoadingOptions(**options))


def load(version_dir: Path, **options: Any) -> Servable:
    loader = loader_of(version_dir, **options)
    assert loader.estimate_bytes() > 0
    try:
        servable = loader.load()
    except OtherEngineError:
        servable = loader.load()
    assert loader.engine == ("light" if isinstance(servable, LightServable) else "tensorflow")
    servable.run("text", TEXTS)
    return servable


def other_answers(version_dir: Path) -> None:
    """Makes the card expect what the version does not answer."""
    card = read_card(version_dir)
    card["examples"][0]["probabilities"] = card["examples"][0]["probabilities"][::-1]
    write_card(version_dir, card)


@pytest.mark.parametrize("engine", ["auto", "light"])
def test_a_version_with_a_twin_is_loaded_by_the_light_engine(
    version_dir: Path, engine: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "lstm_sentiment.serving"):
        assert isinstance(load(version_dir, engine=engine), LightServable)
    assert caplog.messages == ["m version 3: loaded by the light engine"]


@pytest.mark.parametrize(
    "options", [{"engine": "tensorflow"}, {"xla_cpu_compilation_enabled": True}]
)
def test_tensorflow_loads_what_it_is_asked_to_and_what_xla_compiles(
    version_dir: Path, options: dict[str, Any]
) -> None:
    assert isinstance(load(version_dir, enable_model_warmup=False, **options), SavedModelServable)


def test_a_version_without_a_twin_is_loaded_by_tensorflow_or_refused(
    changed: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(changed / LIGHT)
    with caplog.at_level(logging.INFO, "lstm_sentiment.serving"):
        assert isinstance(load(changed), SavedModelServable)
    assert caplog.messages == ["m version 3: loaded by TensorFlow"]
    with pytest.raises(LightEngineRefusedError) as refused:
        load(changed, engine="light")
    assert str(refused.value).startswith("version 3 of model m could not be loaded: it has no ")


def test_a_twin_that_answers_something_else_is_refused_and_tensorflow_takes_its_place(
    changed: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other_answers(changed)
    with caplog.at_level(logging.INFO, "lstm_sentiment.serving"):
        assert isinstance(load(changed), SavedModelServable)
    warning, loaded = caplog.messages
    assert warning.startswith(
        "TensorFlow answers instead of the light engine: version 3 of model m could not be loaded: "
    )
    assert loaded == "m version 3: loaded by TensorFlow"
    with pytest.raises(LightEngineRefusedError, match="must differ from the card's"):
        load(changed, engine="light")


def test_memory_is_estimated_by_the_engine_that_loads_the_version(changed: Path) -> None:
    other_answers(changed)
    loader = loader_of(changed)
    by_tensorflow = loader_of(changed, engine="tensorflow").estimate_bytes()
    assert loader.estimate_bytes() != by_tensorflow
    with pytest.raises(OtherEngineError, match="must differ from the card's"):
        loader.load()
    assert loader.engine is None
    assert loader.estimate_bytes() == by_tensorflow
    assert isinstance(loader.load(), SavedModelServable)
    assert loader.engine == "tensorflow"


@pytest.mark.parametrize("content", ["", "[]", '{"format": 2}', '{"format": 1, "model": {}}'])
def test_a_damaged_description_leaves_the_version_to_tensorflow(
    changed: Path, content: str
) -> None:
    (changed / LIGHT / DESCRIPTION).write_text(content)
    assert isinstance(load(changed), SavedModelServable)


def test_a_twin_that_cannot_be_read_leaves_the_version_to_tensorflow(changed: Path) -> None:
    shutil.rmtree(changed / LIGHT)
    (changed / LIGHT).symlink_to(changed / LIGHT)
    assert has_light_twin(changed)
    assert isinstance(load(changed), SavedModelServable)
    with pytest.raises(LightEngineRefusedError, match="its files cannot be read: Too many levels"):
        load(changed, engine="light")


def test_compilation_needs_tensorflow_and_engines_have_names() -> None:
    with pytest.raises(InvalidInputError, match="needs the engine `tensorflow`"):
        LoadingOptions(engine="light", xla_cpu_compilation_enabled=True)
    with pytest.raises(InvalidInputError, match="one of: auto, light, tensorflow"):
        LoadingOptions(engine="onnx")  # type: ignore[arg-type]


def test_without_tensorflow_the_error_says_what_to_install(
    version_dir: Path, changed: Path
) -> None:
    install = "loading a SavedModel needs TensorFlow: pip install 'lstm-sentiment[train]'\n"
    name = changed.parent.name

    def error_of(version_dir: Path, engine: str) -> str:
        ended = run_without_train(LOAD_WITHOUT_TRAIN, str(version_dir), engine)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    kind = MissingExtraError.__name__
    assert error_of(version_dir, "auto") == ""
    assert error_of(version_dir, "tensorflow") == f"{kind} {install}"
    (changed / LIGHT / DESCRIPTION).write_text("{}")
    refused = error_of(changed, "auto")
    assert refused.startswith(f"{kind} version 3 of model {name} could not be loaded: ")
    assert refused.endswith(install) and refused.count("\n") == 1
    shutil.rmtree(changed / LIGHT)
    assert error_of(changed, "auto") == (
        f"{kind} version 3 of model {name} has no light twin, which `models twin` makes, and "
        f"{install}"
    )


SERVE_WITHOUT_TRAIN = """
import lstm_sentiment as ls

with ls.ModelServer(sys.argv[1], port=0, rest_api_port=None) as server:
    (state,) = server.states()
    print(state.state.name, state.error)
"""


def test_a_server_without_tensorflow_ends_a_version_that_needs_it_at_once(changed: Path) -> None:
    shutil.rmtree(changed / LIGHT)
    config = changed.parent / "models.config"
    config.write_text(
        f'model_config_list {{ config {{ name: "m" base_path: "{changed.parent}" '
        'model_platform: "tensorflow" } }'
    )
    ended = run_without_train(SERVE_WITHOUT_TRAIN, str(config))
    assert ended.stdout == (
        "END version 3 of model m has no light twin, which `models twin` makes, and loading a "
        "SavedModel needs TensorFlow: pip install 'lstm-sentiment[train]'\n"
    ), ended.stderr
    assert "retry" not in ended.stderr


@pytest.mark.parametrize("engine", ["auto", "light", "tensorflow"])
def test_a_damaged_file_is_named_whichever_engine_is_to_answer(changed: Path, engine: str) -> None:
    for name in ("variables/variables.data-00000-of-00001", "saved_model.pb", "assets/labels.txt"):
        content = (changed / name).read_bytes()
        middle = len(content) // 2
        damaged = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        for written in (damaged, content[:-1], None):
            (changed / name).unlink()
            if written is not None:
                (changed / name).write_bytes(written)
            loader = loader_of(changed, engine=engine)
            with pytest.raises(
                ServableLoadError, match=rf"version 3 of model m .*loaded: {name}: "
            ) as caught:
                loader.load()
            assert str(changed) not in str(caught.value) and "\n" not in str(caught.value)
            (changed / name).write_bytes(content)
            loader.load()
            loader.unload()


def test_damaged_weights_without_a_digest_are_seen_by_tensorflow(changed: Path) -> None:
    without_digests(changed)
    (data,) = changed.glob("variables/variables.data-*")
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    assert isinstance(load(changed, engine="light"), LightServable)  # its answers are the card's
    with pytest.raises(ServableLoadError, match="hecksum"):
        loader_of(changed, engine="tensorflow").load()

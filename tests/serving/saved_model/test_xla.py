import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.protobuf import saved_model_pb2

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.serving.errors import ServableLoadError
from lstm_sentiment.serving.loading.options import LoadingOptions
from lstm_sentiment.serving.saved_model import loader
from lstm_sentiment.serving.saved_model.loader import SavedModelLoader
from lstm_sentiment.serving.saved_model.saved_model import SavedModelServable
from lstm_sentiment.serving.saved_model.xla import with_xla
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions

WORDS = ["rooms", "are", "clean"]


class Doubler(tf.Module):
    """Doubles the ids of words; it has a variable, an asset, and something worth compiling."""

    def __init__(self, vocabulary: Path) -> None:
        super().__init__()
        self.factor = tf.Variable(2.0)
        words = tf.lookup.TextFileInitializer(
            str(vocabulary),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        self.table = tf.lookup.StaticHashTable(words, default_value=-1)
        spec = tf.TensorSpec([None], tf.float32)
        self.double = tf.function(self._double(), input_signature=[spec], autograph=False)
        self.length = tf.function(self._length(), input_signature=[spec], autograph=False)

    def _double(self) -> Any:
        def compilable_double(values: Any) -> Any:
            # A loop: what a session takes apart before XLA sees it, XLA cannot compile.
            def step(turn: Any, doubled: Any) -> Any:
                return turn + 1, self.factor * doubled

            return tf.while_loop(lambda turn, doubled: turn < 1, step, (0, values))[1]

        return compilable_double

    def _length(self) -> Any:
        def compilable_length(values: Any) -> Any:
            return tf.strings.length(tf.strings.as_string(values))

        return compilable_length

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "words")])
    def serving_default(self, words: Any) -> dict[str, Any]:
        return {"doubled": self.double(tf.cast(self.table.lookup(words), tf.float32))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "values")])
    def strings(self, values: Any) -> dict[str, Any]:
        return {"length": self.length(values)}


@pytest.fixture(scope="module")
def doubler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version of `Doubler`, never to be changed."""
    folder = tmp_path_factory.mktemp("doubler")
    (folder / "words.txt").write_text("\n".join(WORDS) + "\n")
    module = Doubler(folder / "words.txt")
    signatures = {"serving_default": module.serving_default, "strings": module.strings}
    tf.saved_model.save(module, str(folder / "1"), signatures=signatures)
    (folder / "words.txt").unlink()
    return folder / "1"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def load(path: Path, *, xla: bool) -> SavedModelServable:
    servable = SavedModelLoader(ServableId("doubler", 1), path, xla=xla).load()
    assert isinstance(servable, SavedModelServable)
    return servable


def doubled(servable: SavedModelServable) -> Any:
    words = np.array([word.encode() for word in [*WORDS, "?"]], object)
    return servable.run("serving_default", {"words": words})["doubled"].tolist()


def compiled_functions(folder: Path) -> list[str]:
    """What is called to be compiled, on the way from the signatures."""
    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return [
        node.attr["f"].func.name
        for function in saved.meta_graphs[0].graph_def.library.function
        for node in function.node_def
        if "_XlaMustCompile" in node.attr and node.attr["_XlaMustCompile"].b
    ]


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_version_is_compiled_and_answers_as_before(doubler: Path, temporary: Path) -> None:
    before = contents(doubler)
    assert {name.partition("/")[0] for name in before} >= {"assets", "variables", "saved_model.pb"}
    plain, compiled = load(doubler, xla=False), load(doubler, xla=True)
    # Its files are gone, and it answers all the same.
    assert list(temporary.iterdir()) == []
    assert doubled(plain) == doubled(compiled) == [0, 2, 4, -2]
    assert contents(doubler) == before


def test_it_is_xla_that_computes_what_is_called_compilable(doubler: Path) -> None:
    values = {"values": np.array([1, 10], np.float32)}
    assert load(doubler, xla=False).run("strings", values)["length"].tolist() == [8, 9]
    with pytest.raises(InvalidInputError, match="XLA_CPU_JIT"):  # which knows no strings
        load(doubler, xla=True).run("strings", values)


def test_the_folder_to_load_from_is_one_more_and_is_gone_in_the_end(
    doubler: Path, temporary: Path
) -> None:
    before = contents(doubler)
    assert compiled_functions(doubler) == []
    with pytest.raises(KeyboardInterrupt), with_xla(doubler) as folder:
        assert folder.parent == temporary
        (double, length) = sorted(compiled_functions(folder))
        assert "compilable_double" in double
        assert "compilable_length" in length
        linked = {path.name: path.is_symlink() for path in folder.iterdir()}
        assert linked == {path.name: path.name != "saved_model.pb" for path in doubler.iterdir()}
        assert (folder / "saved_model.pb").read_bytes() != before["saved_model.pb"]
        raise KeyboardInterrupt
    assert list(temporary.iterdir()) == []
    assert contents(doubler) == before


def test_a_relative_path_is_taken_from_the_working_directory(
    doubler: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(doubler.parent)
    assert doubled(load(Path("1"), xla=True)) == [0, 2, 4, -2]


def test_a_version_with_nothing_to_compile_is_loaded_from_where_it_is(
    saved_versions: dict[int, Path], temporary: Path
) -> None:
    with with_xla(saved_versions[1]) as folder:
        assert folder == saved_versions[1]
        assert list(temporary.iterdir()) == []
    scores = load(saved_versions[1], xla=True).run(
        "serving_default", {"input_sentence": np.array([[1, 2]], np.int64)}
    )
    assert scores["predict_scores"].tolist() == [[1, 3]]


def test_a_version_in_text_form_is_loaded_as_it_is(doubler: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(doubler, tmp_path / "1"))
    graph = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    (path / "saved_model.pbtxt").write_text(text_format.MessageToString(graph))
    (path / "saved_model.pb").unlink()
    assert doubled(load(path, xla=True)) == [0, 2, 4, -2]


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        ("saved_model.pb", "SavedModel file does not exist at: {saved_model.pb"),
        ("variables/variables.index", "variables/variables"),
        ("assets/words.txt", "assets/words.txt"),
    ],
)
def test_a_damaged_version_is_told_as_without_xla(
    doubler: Path, tmp_path: Path, temporary: Path, damaged: str, reason: str
) -> None:
    path = Path(shutil.copytree(doubler, tmp_path / "1"))
    (path / damaged).unlink()
    with pytest.raises(ServableLoadError) as caught:
        load(path, xla=True)
    message = str(caught.value)
    assert message.startswith("version 1 of model doubler could not be loaded: ")
    assert reason in message
    assert str(tmp_path) not in message
    assert list(temporary.iterdir()) == []


def test_where_there_is_no_room_for_the_copy_that_is_told_without_paths(
    doubler: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_bytes(path: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write_bytes)
        with pytest.raises(ServableLoadError, match=r"loaded: saved_model.pb: No space left"):
            load(doubler, xla=True)
    assert list(temporary.iterdir()) == []
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(temporary / "missing")])
    with pytest.raises(ServableLoadError, match="needs a temporary folder") as caught:
        load(doubler, xla=True)
    assert "/" not in str(caught.value)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_server_compiles_if_it_is_told_to(
    doubler: Path, monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    compiled = []

    def watched(path: Path) -> Any:
        compiled.append(path)
        return with_xla(path)

    monkeypatch.setattr(loader, "with_xla", watched)
    config = single_model_config("doubler", doubler.parent)
    loading = LoadingOptions(xla_cpu_compilation_enabled=wanted)
    options = ServerOptions(loading=loading, file_system_poll_wait_seconds=0)
    with ModelServer(config, options, port=0, rest_api_port=None):
        assert compiled == ([doubler] if wanted else [])

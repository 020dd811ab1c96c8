import ctypes
import sys
import threading
from collections.abc import Iterator

import pytest
import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from lstm_sentiment.serving.light.tokenization.sentencepiece_loading import load_processor

WORDS = ("房间", "很", "干净", "房", "好", "间很")


def unigram_model(pieces: Iterator[str] | tuple[str, ...]) -> bytes:
    model = sentencepiece_model_pb2.ModelProto()
    model.trainer_spec.model_type = model.trainer_spec.UNIGRAM
    model.pieces.add(piece="<unk>", type=model.SentencePiece.UNKNOWN)
    for place, piece in enumerate(pieces):
        model.pieces.add(piece=piece, score=-1.0 - place / 7)
    model.normalizer_spec.add_dummy_prefix = False
    serialized: bytes = model.SerializeToString()
    return serialized


@pytest.fixture
def no_thread_is_interrupted() -> Iterator[None]:
    """Lets a thread run until it releases the interpreter lock itself."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(interval)


def runs_while_loading(serialized: bytes) -> bool:
    """Tells whether this thread runs before another one has loaded a model."""
    begins, ended = threading.Event(), threading.Event()

    def load() -> None:
        begins.set()
        load_processor(serialized)
        ended.set()

    loading = threading.Thread(target=load)
    loading.start()
    begins.wait()
    was_running = not ended.is_set()
    loading.join()
    return was_running


@pytest.mark.skipif(sys.platform != "linux", reason="only the wheels for Linux export the function")
@pytest.mark.usefixtures("no_thread_is_interrupted")
def test_other_threads_run_while_a_model_is_loaded() -> None:
    serialized = unigram_model(f"word{number}" for number in range(30_000))
    # A machine that is busy may wake this thread too late; one that was blocked never runs.
    assert any(runs_while_loading(serialized) for _ in range(20))


def test_a_loaded_model_cuts_as_the_packages_own() -> None:
    serialized = unigram_model(WORDS)
    text = "房间很干净好吗"
    own = sentencepiece.SentencePieceProcessor(model_proto=serialized)
    assert load_processor(serialized).encode(text) == own.encode(text)
    assert "房间" in load_processor(serialized).encode(text, out_type=str)


def test_a_package_that_exports_nothing_loads_it_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_symbols(_: str) -> object:
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", without_symbols)
    assert load_processor(unigram_model(WORDS)).encode("干净", out_type=str) == ["干净"]


@pytest.mark.parametrize("damaged", [b"no model", unigram_model(WORDS)[:-20]])
def test_what_is_no_model_raises_the_packages_error(damaged: bytes) -> None:
    with pytest.raises(RuntimeError):
        load_processor(damaged)

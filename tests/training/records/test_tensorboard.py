import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from lstm_sentiment import Corpus, InvalidInputError, TrainingConfig, Vocabulary, fit
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.text.tokenizer import make_tokenizer
from lstm_sentiment.training.records.tensorboard import TensorBoardLog

TOKENIZER = make_tokenizer("unigram", Vocabulary(["好", "差"]))
CORPUS = Corpus.from_rows([("好", "1"), ("好好", "1"), ("差", "0"), ("差差", "0")])


def test_tensorboard_finds_curves_graph_and_word_vectors(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    result = fit(
        CORPUS,
        CORPUS,
        tokenizer=TOKENIZER,
        model=ModelConfig(
            lstm_units=2,
            bidirectional=False,
            pooling="last",
            ngrams=0,
            embedding_storage="float32",
        ),
        training=TrainingConfig(cross_validation="off", epochs=2),
        run_dir=tmp_path,
        tensorboard=True,
    )
    log = tmp_path / "tensorboard"
    events = EventAccumulator(str(log))
    events.Reload()
    losses = [tf.make_ndarray(event.tensor_proto).item() for event in events.Tensors("val_loss")]
    assert losses == pytest.approx(result.history["val_loss"])
    assert "token_ids" in {node.name for node in events.Graph().node}
    assert (log / "tokens.tsv").read_text("utf-8").splitlines() == ["好", "差"]
    vectors = np.loadtxt(log / "vectors.tsv", delimiter="\t")
    assert vectors == pytest.approx(result.model.embedding.merged_matrix()[2:], rel=1e-4)
    assert 'metadata_path: "tokens.tsv"' in (log / "projector_config.pbtxt").read_text()


def test_a_token_of_white_space_still_has_one_line(tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    log.write_vectors(["\t", "a\nb"], np.zeros((2, 3), np.float32))
    assert len((tmp_path / "tokens.tsv").read_text("utf-8").splitlines()) == 2


def test_without_the_extra_it_says_so_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(InvalidInputError, match="needs the `tensorboard` extra"):
        fit(CORPUS, CORPUS, tokenizer=TOKENIZER, run_dir=tmp_path, tensorboard=True)
    assert not list(tmp_path.iterdir())

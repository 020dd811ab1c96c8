from pathlib import Path

import pytest
import tensorflow as tf

from lstm_sentiment import UnigramTokenizer, Vocabulary
from lstm_sentiment.training.inputs.encoding import encode_texts
from tests.recorder import Recorder


def test_texts_are_cut_to_the_longest_wanted() -> None:
    tokenizer = UnigramTokenizer(Vocabulary(["很", "好"]))
    ids = encode_texts(tokenizer, ["很好很好", "", "好"], max_length=3)
    assert ids.to_list() == [[2, 3, 2], [1], [3]]


class Counting(UnigramTokenizer):
    """Counts the texts that it tokenizes."""

    texts = 0

    def __call__(self, texts: tf.Tensor) -> tf.RaggedTensor:
        self.texts += len(texts)
        return super().__call__(texts)


def test_ids_on_disk_are_found_by_the_next_run_and_by_no_other(tmp_path: Path) -> None:
    texts, words = ["很好很好", "", "好"], ["很", "好"]
    first = Counting(Vocabulary(words))
    ids = encode_texts(first, texts, cache_dir=tmp_path)
    again = Counting(Vocabulary(words))
    assert encode_texts(again, texts, cache_dir=tmp_path).to_list() == ids.to_list()
    assert (first.texts, again.texts) == (3, 0)

    others = (
        (Counting(Vocabulary(["好", "很"])), texts, None),
        (Counting(Vocabulary(words), normalization="none"), texts, None),
        (Counting(Vocabulary(words)), ["很好很", "好", "好"], None),
        (Counting(Vocabulary(words)), texts, 2),
    )
    for tokenizer, other_texts, max_length in others:
        found = encode_texts(tokenizer, other_texts, max_length=max_length, cache_dir=tmp_path)
        assert tokenizer.texts == 3
        plain = encode_texts(tokenizer, other_texts, max_length=max_length)
        assert found.to_list() == plain.to_list()


@pytest.mark.parametrize("file", ["ids.int32", "lengths.npy", "sha256.txt"])
def test_damaged_ids_on_disk_are_made_anew(tmp_path: Path, file: str) -> None:
    tokenizer = UnigramTokenizer(Vocabulary(["很", "好"]))
    ids = encode_texts(tokenizer, ["很好"], cache_dir=tmp_path).to_list()  # not mapped any more
    (cached,) = tmp_path.iterdir()
    whole = (cached / file).read_bytes()
    # The last one is valid ids, in another order.
    for content in (b"", whole[: len(whole) // 2], whole[-4:] + whole[4:-4] + whole[:4]):
        (cached / file).write_bytes(content)
        recorder = Recorder()
        again = encode_texts(tokenizer, ["很好"], cache_dir=tmp_path, progress=recorder)
        assert again.to_list() == ids
        told = [said for said in recorder.said if "is damaged" in said]
        assert len(told) == 1 and str(cached) in told[0]
        assert (cached / file).read_bytes() == whole
    (cached / file).unlink()
    assert encode_texts(tokenizer, ["很好"], cache_dir=tmp_path).to_list() == ids
    assert (cached / file).read_bytes() == whole

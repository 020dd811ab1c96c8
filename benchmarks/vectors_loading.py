"""How long word vectors take to load, and in how much memory, beside gensim in the same run.

    python -m benchmarks.vectors_loading                     200,000 vectors of 100 numbers
    python -m benchmarks.vectors_loading --rows 20000 --dim 300

One JSON object a line and form. Both load the same file, three times in turns; the best counts.
"""

import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from lstm_sentiment import WordVectors, load_word_vectors, save_word_vectors
from lstm_sentiment.system import usable_cpus

TURNS = 3

# In a process of its own: what one load took is not given back before the next. Linux lets a new
# program inherit `ru_maxrss` from the one that started it, so the peak is read elsewhere there.
PEAK_MEMORY = r"""
import re, resource, sys
from pathlib import Path
from lstm_sentiment import load_word_vectors
def peak():
    if sys.platform == "linux":
        return int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
vectors = load_word_vectors(sys.argv[1])
print((peak() - before) / vectors.matrix.nbytes)
"""


def main(
    rows: Annotated[int, typer.Option(help="Vectors.")] = 200_000,
    dim: Annotated[int, typer.Option(help="Numbers in a vector.")] = 100,
) -> None:
    """Writes made-up vectors in every form and loads each."""
    with tempfile.TemporaryDirectory() as folder:
        vectors = made_up(rows, dim)
        native = write_forms(vectors, Path(folder))
        against = "gensim KeyedVectors.load_word2vec_format"
        for name, binary in (("text", False), ("text.gz", False), ("binary", True)):
            path = Path(folder) / name
            report(name, path, vectors, partial(by_gensim, path, binary=binary), against)
        against = "gensim KeyedVectors.load(mmap='r')"
        path = Path(folder) / "compact.npy"
        report("compact", path, vectors, partial(by_gensim_mapped, native), against)


def made_up(rows: int, dim: int) -> WordVectors:
    """Tokens of two to four Chinese characters and float32 `(rows, dim)` of six decimals."""
    generator = np.random.default_rng(0)
    tokens: dict[str, None] = {}
    while len(tokens) < rows:
        length = int(generator.integers(2, 5))
        tokens["".join(map(chr, generator.integers(0x4E00, 0x9FA5, length).tolist()))] = None
    matrix = generator.normal(0, 0.3, (rows, dim)).round(6).astype(np.float32)
    return WordVectors(tuple(tokens), matrix)


def write_forms(vectors: WordVectors, folder: Path) -> Path:
    """Writes each form under its name; returns the path of gensim's own."""
    with (folder / "text").open("wb") as text:
        text.write(f"{len(vectors.tokens)} {vectors.dim}\n".encode())
        for token, vector in zip(vectors.tokens, vectors.matrix, strict=True):
            text.write(f"{token} {' '.join(map('{:.6f}'.format, vector.tolist()))}\n".encode())
    (folder / "text.gz").write_bytes(gzip.compress((folder / "text").read_bytes(), 6))
    save_word_vectors(vectors, folder / "vectors.bin")
    (folder / "vectors.bin").rename(folder / "binary")
    save_word_vectors(vectors, folder / "compact.npy")
    native = folder / "native"
    by_gensim(folder / "binary", binary=True).save(str(native))
    return native


def by_gensim(path: Path, *, binary: bool) -> Any:
    """What gensim reads of word2vec's forms."""
    from gensim.models import KeyedVectors

    return KeyedVectors.load_word2vec_format(str(path), binary=binary)


def by_gensim_mapped(path: Path) -> Any:
    """What gensim reads of its own form, the matrix mapped into memory."""
    from gensim.models import KeyedVectors

    return KeyedVectors.load(str(path), mmap="r")


def report(
    name: str, path: Path, vectors: WordVectors, theirs: Callable[[], Any], against: str
) -> None:
    """Times both and prints a line."""
    seconds, their_seconds = [], []
    for _ in range(TURNS):
        their_seconds.append(timed(theirs)[0])
        taken, loaded = timed(lambda: load_word_vectors(path))
        assert loaded.tokens == vectors.tokens
        assert np.array_equal(loaded.matrix, vectors.matrix)
        seconds.append(taken)
    line = {
        "benchmark": "vectors_loading",
        "name": name,
        "seconds": round(min(seconds), 3),
        "ratio": round(min(their_seconds) / min(seconds), 2),
        "against": against,
        "rows": len(vectors.tokens),
        "dim": vectors.dim,
        "peak_memory": round(peak_memory(path), 3),
        "cores": usable_cpus(),
    }
    print(json.dumps(line), flush=True)


def timed(load: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that a load takes, and what it gives."""
    start = time.perf_counter()
    loaded = load()
    return time.perf_counter() - start, loaded


def peak_memory(path: Path) -> float:
    """What our load adds to the process at most, in sizes of the matrix."""
    run = [sys.executable, "-c", PEAK_MEMORY, str(path)]
    return float(subprocess.run(run, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    typer.run(main)

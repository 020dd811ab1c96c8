"""The comparison of texts by their near digests, which a run keeps in case it is resumed."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lstm_sentiment.pipeline.config import PathLike
from lstm_sentiment.progress import Progress, muted_below
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.known_digests import KnownDigests

if TYPE_CHECKING:
    from lstm_sentiment.pipeline.run_texts import RunTexts

COMPARED = Path("checkpoints") / "compared.npz"
"""The file of the texts' digests, below a run's folder, until the run is finished."""

_MANY_TEXTS = 100_000  # fewer are compared within seconds


def compare_texts(parts: Sequence[Corpus | None], known: KnownDigests, progress: Progress) -> None:
    """Computes the near digests of all texts, which takes long where there are many.

    Args:
        parts: The texts.
        known: Near digests that need not be computed.
        progress: Receives one step, counted in texts.
    """
    given = [part for part in parts if part is not None]
    texts = sum(map(len, given))
    unknown = sum(len(known.unknown(part.exact_digests)) for part in given)
    if unknown < texts:
        progress.say(f"Comparison of {texts - unknown:,} texts: taken from {known.source}")
    with muted_below(_MANY_TEXTS, unknown, progress).step("Comparing texts", unknown) as advance:
        for part in given:
            part.compute_near_digests(advance, known)


def save_compared(texts: "RunTexts", run_dir: Path, progress: Progress) -> None:
    """Writes the digests of a run's texts, so that a resumed run need not compare them again.

    Where the file cannot be written, `progress` is told so, and the run goes on without it.
    """
    path = run_dir / COMPARED
    try:
        texts.digests().save(path)
    except OSError as error:
        progress.say(
            f"Comparison of texts: {path} cannot be written: {error.strerror}. If this run is "
            "resumed, it compares all texts again"
        )


def load_compared(run_dir: PathLike, progress: Progress) -> KnownDigests:
    """Reads the digests of a run's texts; none in the folder of an earlier release."""
    return KnownDigests.load(Path(run_dir) / COMPARED, progress)

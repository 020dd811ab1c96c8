"""The trained linear views of a run, kept in its folder for the case that the run is resumed."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.array_files import DamagedFileError, read_arrays, write_arrays
from lstm_sentiment.model.character_view import CharacterWeights, Spellings
from lstm_sentiment.model.ngram_view import NgramWeights
from lstm_sentiment.progress import Progress

VIEWS = Path("checkpoints") / "ngrams.npz"
"""The file of the trained linear views, below a run's folder."""

Views = tuple[NgramWeights | None, CharacterWeights | None]
"""The classifiers of n-grams of tokens and of characters; `None` for one that there is not."""

_KEY, _TOKENS, _CHARACTERS, _SPELLINGS = "fingerprint", "ngrams", "characters", "spellings"
_LONGEST = "longest"


def kept_views(
    path: Path,
    fingerprint: str,
    train: Callable[[], Views],
    *,
    resume: bool,
    progress: Progress,
) -> Views:
    """Returns the views in a file, or trains them and writes the file.

    Where the file is damaged or of other texts or settings, or cannot be written, `progress` is
    told so in one line, and the run goes on with views that are trained.

    Args:
        path: The file.
        fingerprint: Of everything that the views depend on.
        train: Trains the views.
        resume: Whether views in the file may be taken.
        progress: Receives one line at most.
    """
    found = _load(path, fingerprint, progress) if resume else None
    if found is not None:
        progress.say(f"N-grams: taken from {path}")
        return found
    views = train()
    try:
        write_arrays(path, _arrays(views, fingerprint))
    except OSError as error:
        progress.say(
            f"N-grams: {path} cannot be written: {error.strerror}. If this run is resumed, it "
            "trains them again"
        )
    return views


def _load(path: Path, fingerprint: str, progress: Progress) -> Views | None:
    try:
        arrays = read_arrays(path)
        stored = arrays[_KEY].tobytes().decode("ascii", "replace")
        if stored == fingerprint:
            return _views(arrays)
        what = "of other texts or settings, or of another release"
    except FileNotFoundError:
        return None
    except (DamagedFileError, KeyError, TypeError):
        what = "damaged"
    progress.say(f"N-grams: {path} is {what}, they are trained again")
    return None


def _arrays(views: Views, fingerprint: str) -> dict[str, Any]:
    ngrams, characters = views
    arrays: dict[str, Any] = {_KEY: np.frombuffer(fingerprint.encode(), np.uint8)}
    if ngrams is not None:
        arrays |= _named(_TOKENS, ngrams._asdict())
    if characters is not None:
        arrays |= _named(_CHARACTERS, characters.ngrams._asdict())
        arrays |= _named(_SPELLINGS, characters.spellings._asdict())
        arrays[_LONGEST] = np.array(characters.longest)
    return arrays


def _views(arrays: Mapping[str, NDArray[Any]]) -> Views:
    ngrams, characters = _parts(arrays, _TOKENS), _parts(arrays, _CHARACTERS)
    return (
        NgramWeights(**ngrams) if ngrams else None,
        CharacterWeights(
            Spellings(**_parts(arrays, _SPELLINGS)),
            NgramWeights(**characters),
            int(arrays[_LONGEST]),
        )
        if characters
        else None,
    )


def _named(part: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {f"{part}.{name}": array for name, array in arrays.items()}


def _parts(arrays: Mapping[str, NDArray[Any]], part: str) -> dict[str, NDArray[Any]]:
    begin = f"{part}."
    return {
        name.removeprefix(begin): array for name, array in arrays.items() if name.startswith(begin)
    }

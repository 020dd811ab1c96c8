"""Export of a version's model as a new version, in the form of this release."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lstm_sentiment.display_names import DisplayNames, load_display_names
from lstm_sentiment.export.finite_weights import check_finite_weights
from lstm_sentiment.export.servable import complete_version, publish, write_saved_model
from lstm_sentiment.export.trained_version import load_card, load_model, reading_version
from lstm_sentiment.export.version_tokenizer import load_tokenizer
from lstm_sentiment.protocol.saved_model import signature_defs
from lstm_sentiment.system import sync_to_disk
from lstm_sentiment.version_folder import (
    DEFAULT_SIGNATURE_KEY,
    ESTIMATOR,
    TEXTS_SEEN,
    DefaultSignature,
    ids_signature,
)


def reexport_version(
    version_dir: Path,
    check: Callable[[Path], None],
    default_signature: DefaultSignature | None = None,
    display_names: DisplayNames | None = None,
) -> Path:
    """Writes a version's model beside it as the next version, without training.

    Weights, words, classes, temperature, card and `ESTIMATOR` are those of the version.

    Args:
        version_dir: The version's folder.
        check: Called with the complete folder of the new version before it appears; what it
            raises keeps the version from appearing.
        default_signature: What a request without a signature sends, see `ServableModule`; `None`
            for the same as of the version.
        display_names: What people see in the place of the labels; `None` for those of the version.

    Returns:
        The new version's folder.

    Raises:
        InvalidInputError: If the version lacks what an export needs, has a weight that is not
            finite, or does not have a label that is to get a name.
        ExportError: If the new version cannot be written.
    """
    with reading_version(version_dir):
        card = load_card(version_dir)
        model = load_model(version_dir, card)
        tokenizer = load_tokenizer(version_dir, card)
        seen = version_dir / TEXTS_SEEN
        texts_seen = np.load(seen) if seen.exists() else None
        label_names = tuple(card["labels"])
        temperature = float(card.get("temperature", 1.0))
        names = load_display_names(version_dir) if display_names is None else display_names
        is_of_ids = ids_signature(signature_defs(version_dir)) == DEFAULT_SIGNATURE_KEY
    check_finite_weights(model)
    names.check_labels(label_names)
    default = default_signature or ("ids" if is_of_ids else "text")

    def write(folder: Path) -> None:
        write_saved_model(folder, model, tokenizer, label_names, temperature, default)
        complete_version(folder, model, tokenizer, temperature, card, texts_seen, default, names)
        if (version_dir / ESTIMATOR).exists():
            shutil.copyfile(version_dir / ESTIMATOR, folder / ESTIMATOR)
            sync_to_disk(folder / ESTIMATOR)
        check(folder)

    return publish(version_dir.parent, write)

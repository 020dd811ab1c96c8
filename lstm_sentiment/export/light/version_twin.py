"""The light twin of a version that was exported without one."""

from pathlib import Path

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.export.finite_weights import check_finite_weights
from lstm_sentiment.export.light.graph import MAX_BYTES, network_bytes
from lstm_sentiment.export.light.tokenizer_files import write_tokenizer
from lstm_sentiment.export.light.twin import write_light_twin
from lstm_sentiment.export.trained_version import load_card, load_model, reading_version
from lstm_sentiment.export.version_tokenizer import load_tokenizer


def write_twin_of_version(version_dir: Path, folder: Path) -> None:
    """Fills the folder of a light twin from a version's own files.

    Args:
        version_dir: The version's folder.
        folder: An empty folder.

    Raises:
        InvalidInputError: If the version lacks what the twin needs, or has a weight that is not
            finite.
        OSError: If a file cannot be written.
    """
    with reading_version(version_dir):
        card = load_card(version_dir)
        model = load_model(version_dir, card)
        tokenizer = load_tokenizer(version_dir, card)
        temperature = float(card.get("temperature", 1.0))
    check_finite_weights(model)
    if network_bytes(model) > MAX_BYTES:
        raise InvalidInputError(
            f"{version_dir}: the weights of a light twin must have at most {MAX_BYTES:,} bytes. "
            f"Received: {network_bytes(model):,}."
        )
    options = write_tokenizer(tokenizer, folder)
    write_light_twin(folder, version_dir, model, options, temperature)

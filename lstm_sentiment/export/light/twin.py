"""The light twin of a version: what it needs to answer without TensorFlow."""

from collections.abc import Mapping
from pathlib import Path

from lstm_sentiment.export.light.graph import serialized_network
from lstm_sentiment.export.light.ngram_file import save_ngrams
from lstm_sentiment.export.light.table_file import pays_with_table, save_table
from lstm_sentiment.export.light.table_graph import serialized_table_network
from lstm_sentiment.light_twin.description import (
    CHARACTERS,
    NETWORK,
    NGRAMS,
    TABLE_FILE,
    TABLE_NETWORK,
    LightTwin,
    digests,
    save_description,
)
from lstm_sentiment.model.sentiment_model import SentimentModel


def write_light_twin(
    folder: Path,
    version_dir: Path,
    model: SentimentModel,
    tokenizer_options: Mapping[str, str],
    temperature: float,
) -> None:
    """Fills the folder of a light twin.

    Args:
        folder: A folder with the files of `write_tokenizer` alone.
        version_dir: The version's folder, complete but for the twin.
        model: The model that the version was exported from.
        tokenizer_options: What `write_tokenizer` has returned.
        temperature: Divisor of the logits for probabilities.

    Raises:
        OSError: If a file cannot be written.
    """
    (folder / NETWORK).write_bytes(serialized_network(model))
    if pays_with_table(model):
        (folder / TABLE_NETWORK).write_bytes(serialized_table_network(model))
        save_table(model, folder / TABLE_FILE)
    view, characters = model.ngram_view, model.character_view
    if view is not None:
        save_ngrams(view, folder / NGRAMS)
    if characters is not None:
        save_ngrams(characters, folder / CHARACTERS)
    description = LightTwin(
        tokenizer=tokenizer_options,
        vocabulary_size=model.vocabulary_size,
        max_length=model.config.max_length,
        temperature=temperature,
        model=model.config.to_dict(),
        ngrams=None if view is None else view.longest,
        character_ngrams=None if characters is None else characters.longest,
        digests=digests(version_dir, folder),
    )
    save_description(description, folder)

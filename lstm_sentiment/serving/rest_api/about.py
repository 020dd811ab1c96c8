"""Returns the facts of a version that the web page shows, and texts to try it with."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lstm_sentiment.card_facts import read_card_facts
from lstm_sentiment.display_names import NO_NAMES, DisplayNames, load_display_names
from lstm_sentiment.errors import LstmSentimentError, ServableNotFoundError
from lstm_sentiment.version_folder import example_answers, find_versions, load_card

About = Callable[[str, int], Mapping[str, Any]]
"""Returns the facts of a model's version; raises `ServableNotFoundError` if it is not served."""

_LANGUAGES = ("zh", "en")


def about_version(base_path: Path | None, name: str, version: int) -> dict[str, Any]:
    """Returns the facts of a version, for JSON.

    Args:
        base_path: The folder of the model's versions; `None` if the model is not served.
        name: Name of the model.
        version: Number of the version.

    Returns:
        `model` and `version`, and as far as its files hold them `labels`, `label_names`
        (the display names of each label that has any, by language of the page), `trained` (ISO
        8601), `texts` (their number by part, such as `train`),
        `scores` of the test set, `max_length` (tokens) and `examples`, each with `text` and
        `label`. `None`, or nothing, stands for what is not known.

    Raises:
        ServableNotFoundError: If there is no such version.
    """
    if base_path is None:
        raise ServableNotFoundError(f"Could not find any versions of model {name}")
    [folder] = find_versions(base_path, [version])
    try:
        card = load_card(folder) or {}
        examples = [
            {"text": each.text, "label": each.label} for each in example_answers(folder, card)
        ]
    except LstmSentimentError:  # the version answers without its card
        card, examples = {}, []
    try:
        names = load_display_names(folder)
    except LstmSentimentError:
        names = NO_NAMES
    facts = read_card_facts(card)
    return {
        "model": name,
        "version": version,
        "labels": list(facts.labels) or None,
        "label_names": _names(names),
        "trained": None if facts.trained_at is None else facts.trained_at.isoformat(),
        "texts": dict(facts.texts),
        "scores": dict(facts.scores),
        "max_length": facts.max_length,
        "examples": examples,
    }


def _names(names: DisplayNames) -> dict[str, dict[str, str]]:
    return {
        label: {language: names.of(label, language) for language in _LANGUAGES}
        for label in names.names
    }

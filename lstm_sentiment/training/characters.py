"""Training of the classifier of character n-grams."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.model.character_view import CharacterWeights, Spellings
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.model.ngram_view import most_units
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.training.config import ClassWeights
from lstm_sentiment.training.evaluation.calibration import Labels
from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.training.ngrams import MOST_NGRAMS, fit_ngrams, sample_of
from lstm_sentiment.version_folder import OOV_ID, PAD_ID

_LONGEST_WITHOUT_SPACES, _LONGEST_WITH_SPACES = 3, 5
_BREAK, _SPACE, _FIRST_CHARACTER = 0, 1, 2
_MOST_CHARACTERS = 2**16
_MOST_NGRAMS = 50_000
_SPELLED = 100_000


def settled_character_ngrams(config: ModelConfig, tokenizer: Tokenizer) -> ModelConfig:
    """Returns the config with a number in the place of `character_ngrams="auto"`."""
    if config.character_ngrams != "auto":
        return config
    longest = _LONGEST_WITH_SPACES if tokenizer.joiner else _LONGEST_WITHOUT_SPACES
    # Of single characters, the n-grams of tokens are those of characters.
    is_of_use = config.ngrams and tokenizer.kind != "characters"
    return replace(config, character_ngrams=longest if is_of_use else 0)


def fit_character_ngrams(
    token_ids: TokenRows,
    labels: Labels,
    tokenizer: Tokenizer,
    *,
    num_classes: int,
    longest: int,
    class_weights: ClassWeights = "none",
    targets: NDArray[np.float32] | None = None,
    progress: Progress = SILENT,
) -> CharacterWeights | None:
    """Trains a logistic regression on the character n-grams of texts.

    Args:
        token_ids: Ids of the training texts.
        labels: Label ids, one a text.
        tokenizer: Made the ids.
        num_classes: Number of classes.
        longest: Characters of the longest n-grams.
        class_weights: As in `TrainingConfig`.
        targets: As in `fit_ngrams`.
        progress: Receives one step of two parts.

    Returns:
        The classifier; `None` where `fit_ngrams` returns none.
    """
    # No text has fewer characters than tokens.
    labels = np.asarray(labels)
    sample = sample_of(token_ids, MOST_NGRAMS // longest)
    if sample is not None:
        token_ids, labels = token_ids.select(sample), labels[sample]
        targets = None if targets is None else targets[sample]
    spellings = spell_tokens(tokenizer, token_ids, longest)
    weights = fit_ngrams(
        spelled_rows(token_ids, spellings),
        labels,
        num_classes=num_classes,
        vocabulary_size=int(spellings.characters.max()) + 1,
        longest=longest,
        class_weights=class_weights,
        targets=targets,
        name="character n-grams",
        most=_MOST_NGRAMS,
        progress=progress,
    )
    return None if weights is None else CharacterWeights(spellings, weights, longest)


def spell_tokens(tokenizer: Tokenizer, token_ids: TokenRows, longest: int) -> Spellings:
    """Numbers the characters of a vocabulary, and spells each token by these numbers.

    In languages with spaces, a token begins and ends with a space, and no n-gram goes from one
    token to the next. Unknown tokens have no characters, nor has padding. The characters that are
    most frequent in the texts get numbers; others end n-grams, as unknown tokens do. Of a large
    vocabulary, the first 100,000 tokens and those of the texts are spelled, to keep versions small.
    """
    vocabulary = tokenizer.vocabulary
    spellings = tokenizer.spellings(vocabulary.tokens)
    counts = token_ids.counts(len(vocabulary))[OOV_ID + 1 :]
    room = min(most_units(longest), _MOST_CHARACTERS) - _FIRST_CHARACTER
    numbers = _numbers(spellings, counts, room)
    is_spelled = counts > 0
    is_spelled[:_SPELLED] = True
    before, after = ([_SPACE], [_SPACE, _BREAK]) if tokenizer.joiner else ([], [])
    parts: dict[int, list[int]] = {PAD_ID: [], OOV_ID: [_BREAK]}
    for token_id, spelling in enumerate(spellings, start=OOV_ID + 1):
        parts[token_id] = [_BREAK]
        if spelling and is_spelled[token_id - OOV_ID - 1]:
            inside = [numbers.get(character, _BREAK) for character in spelling]
            parts[token_id] = [*before, *inside, *after]
    lengths = [len(part) for part in parts.values()]
    return Spellings(
        np.array([number for part in parts.values() for number in part], np.uint16),
        np.cumsum([0, *lengths]).astype(np.int32),
    )


def spelled_rows(token_ids: TokenRows, spellings: Spellings) -> TokenRows:
    """Replaces token ids by the numbers of their characters."""
    ids = token_ids.ids_of(np.arange(len(token_ids)))
    lengths = np.diff(spellings.splits).astype(np.int64)
    of_tokens = TokenRows.from_lengths(spellings.characters.astype(np.int32), lengths)
    ends = np.append(0, np.cumsum(lengths[ids]))
    of_texts = np.diff(ends[np.append(0, np.cumsum(token_ids.lengths))])
    return TokenRows.from_lengths(of_tokens.ids_of(ids.astype(np.int64)), of_texts)


def _numbers(spellings: Sequence[str], counts: NDArray[np.int64], room: int) -> dict[str, int]:
    """Numbers at most `room` characters, the most frequent in the texts first."""
    frequency: dict[str, int] = {}
    for spelling, count in zip(spellings, counts.tolist(), strict=True):
        for character in spelling:
            frequency[character] = frequency.get(character, 0) + count
    found = sorted(frequency, key=lambda character: (-frequency[character], character))
    return {character: number for number, character in enumerate(found[:room], _FIRST_CHARACTER)}

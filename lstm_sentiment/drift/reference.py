"""The reference: what texts looked like in training, small enough for the card of a version."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lstm_sentiment.drift.features import FeatureSet, MeasuredTexts, Tally
from lstm_sentiment.drift.word_set import WordSet, words_of
from lstm_sentiment.errors import InvalidInputError

CARD_KEY = "drift_reference"
"""The name of the reference in the card of a version."""

_WORDS = 150
_MOST_COMMON_WORDS = 3_000
_COMMON_SHARE = 0.005
_LEAST_COMMON = 2
_MOST_TEXTS = 10_000


@dataclass(frozen=True)
class DriftReference:
    """Counts of the features of a version's training texts, kept in its card.

    Attributes:
        features: The features that are counted.
        tally: Texts that have each feature. Lengths and words are those of the labelled texts; OOV
            rates, classes and confidences those of texts that the classifier has not learned.
        common_words: Words that were not rare in training.
        rare_share: A word in a smaller share of the training texts was rare.
    """

    features: FeatureSet
    tally: Tally
    common_words: WordSet
    rare_share: float

    @classmethod
    def of_texts(cls, parts: Iterable[Sequence[str]], labels: Sequence[str]) -> "DriftReference":
        """Counts lengths and words of labelled texts, at most 10,000 of each part, spread evenly.

        Args:
            parts: The texts of training, in parts.
            labels: Names of the classes, in id order.
        """
        chosen = [text for part in parts for text in part[:: -(-len(part) // _MOST_TEXTS) or 1]]
        frequencies = Counter(word for text in chosen for word in words_of(text))
        # Sorted, so that equal frequencies give the same words in every process.
        ranked = sorted(frequencies.items(), key=lambda found: (-found[1], found[0]))
        least = max(_LEAST_COMMON, round(_COMMON_SHARE * len(chosen)))
        common = [word for word, count in ranked if count >= least]
        if len(common) > _MOST_COMMON_WORDS:
            least = frequencies[common[_MOST_COMMON_WORDS]] + 1
        features = FeatureSet([word for word, _ in ranked[:_WORDS]], labels)
        return cls(
            features,
            Tally.of_flags(features.flags(MeasuredTexts(chosen))),
            WordSet.of(word for word, count in ranked if count >= least),
            least / max(1, len(chosen)),
        )

    def with_answers(self, measured: MeasuredTexts) -> "DriftReference":
        """Returns the reference with OOV rates, classes and confidences of more texts.

        Args:
            measured: What is known of texts that the classifier has not learned; their lengths and
                words are not counted.
        """
        answers = Tally.of_flags(self.features.answer_flags(measured))
        return replace(self, tally=self.tally + answers)

    def to_dict(self) -> dict[str, Any]:
        """Returns the reference for the card, as JSON; `from_card` reads it."""
        return {
            "words": list(self.features.words),
            "texts": dict(self.tally.texts),
            "counts": {group: found.tolist() for group, found in self.tally.counts.items()},
            "common_words": self.common_words.to_base64(),
            "rare_share": self.rare_share,
        }

    @classmethod
    def from_card(cls, card: Mapping[str, Any] | None, where: object) -> "DriftReference":
        """Reads the reference of a version.

        Args:
            card: The version's card.
            where: The version, named in messages.

        Raises:
            InvalidInputError: If the card has no reference, as those of earlier releases, or one
                of another form.
        """
        stored = (card or {}).get(CARD_KEY)
        if stored is None:
            raise InvalidInputError(
                f"{where}: must be a version that keeps what texts looked like in training; `fit` "
                "of this release writes such versions. Received: a version without."
            )
        try:
            return cls._read(stored, (card or {})["labels"])
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise InvalidInputError(
                f"{where}: `{CARD_KEY}` of its card must be as `fit` writes it. "
                f"Received: {type(error).__name__}: {error}."
            ) from error

    @classmethod
    def _read(cls, stored: Mapping[str, Any], labels: Iterable[str]) -> "DriftReference":
        features = FeatureSet([str(word) for word in stored["words"]], list(map(str, labels)))
        texts = {str(group): int(count) for group, count in stored["texts"].items()}
        tally = Tally(texts, stored["counts"])
        for group, counts in tally.counts.items():
            size = features.sizes[group]
            if counts.shape != (size,) or counts.min(initial=0) < 0:
                raise ValueError(f"{group} must have {size} counts")
            if counts.max(initial=0) > texts[group]:
                raise ValueError(f"{group} must count at most {texts[group]} texts")
        words = WordSet.from_base64(stored["common_words"])
        return cls(features, tally, words, float(stored["rare_share"]))

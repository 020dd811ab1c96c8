"""Options of word vectors, without NumPy, so that flags are checked before its import."""

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from lstm_sentiment.checks import one_of
from lstm_sentiment.ranges import (
    COUNT,
    DEVICES,
    EPOCHS,
    SEED,
    WIDTH,
    check_fields,
    positive_integers,
)
from lstm_sentiment.text.bad_rows import BadRows as BadRows

VectorAlgorithm = Literal["word2vec", "fasttext"]
"""See `VectorTrainingConfig`."""


_MOST_EPOCHS = 100
_NEIGHBOURS = positive_integers(1_000)
_TOKENS_TO_READ = 5_000_000


@dataclass(frozen=True)
class VectorTrainingConfig:
    """Settings of skip-gram training with negative sampling (Mikolov et al. 2013).

    `word2vec` trains one vector for each word (https://arxiv.org/abs/1310.4546). `fasttext` takes
    the mean of the word's vector and the vectors of its subwords, so words with similar spelling
    get similar vectors (Bojanowski et al. 2017, https://arxiv.org/abs/1607.04606). Subwords have 3
    to 6 characters, or 1 to 3 where words have fewer than 4 on average, as in Chinese.

    Attributes:
        algorithm: `word2vec` or `fasttext`.
        dim: Width of the vectors.
        epochs: Passes over the texts. `None` reads about 5 million tokens, in `least_epochs` to
            100 passes: a small corpus needs many.
        least_epochs: Fewest passes if `epochs` is `None`.
        window: Tokens of context on each side.
        negative: Negative samples per word.
        seed: Seed of the training. Vectors are reproducible with one worker.
        characters: Appends the mean of the vectors of a word's characters, trained on the same
            texts, to its vector; the width becomes twice `dim`. Only for texts written without
            spaces (`unigram`), whose words are short and whose characters have meanings.
        workers: Threads. More than one are faster, but vectors are no longer reproducible.
        most_texts: Size of the sample of texts, drawn by `seed` and held in memory, that
            `train_vectors_on_texts` uses. `train_word_vectors` uses all its sentences.
        most_characters: Largest number of characters of that sample: of long texts, fewer than
            `most_texts` are used.
    """

    algorithm: VectorAlgorithm = "word2vec"
    dim: Annotated[int, WIDTH] = 200
    epochs: Annotated[int | None, EPOCHS] = None
    least_epochs: Annotated[int, EPOCHS] = 3
    window: Annotated[int, _NEIGHBOURS] = 5
    negative: Annotated[int, _NEIGHBOURS] = 5
    characters: bool = True
    seed: Annotated[int, SEED] = 0
    workers: Annotated[int, DEVICES] = 1
    most_texts: Annotated[int, COUNT] = 1_000_000
    most_characters: Annotated[int, COUNT] = 100_000_000

    def __post_init__(self) -> None:
        """Raises `InvalidInputError` if a setting is out of range or unknown."""
        one_of(get_args(VectorAlgorithm), algorithm=self.algorithm)
        check_fields(self)

    def epochs_for(self, tokens: int) -> int:
        """Returns the number of passes over texts of so many tokens."""
        if self.epochs is not None:
            return self.epochs
        enough = min(_MOST_EPOCHS, round(_TOKENS_TO_READ / max(1, tokens)))
        return max(self.least_epochs, enough)

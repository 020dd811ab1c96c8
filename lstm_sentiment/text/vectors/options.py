"""What can be chosen of word vectors; imports no NumPy, so that flags can be checked first."""

from dataclasses import dataclass
from typing import Literal, get_args

from lstm_sentiment.checks import MAX_SEED, in_range, one_of, positive

BadRows = Literal["refuse", "skip"]
"""What becomes of a malformed row of a vectors file: see `load_word_vectors`."""

VectorAlgorithm = Literal["word2vec", "fasttext"]
"""How word vectors are trained: see `VectorTrainingConfig`."""


@dataclass(frozen=True)
class VectorTrainingConfig:
    """How word vectors are trained (skip-gram with negative sampling, Mikolov et al. 2013).

    `word2vec` gives each word a vector of its own (https://arxiv.org/abs/1310.4546). `fasttext`
    makes it the mean of the word's own vector and those of its subwords, so that words written
    alike get vectors alike (Bojanowski et al. 2017, https://arxiv.org/abs/1607.04606). Subwords
    have 3 to 6 characters, as there; where the different words have fewer than 4 characters on
    average, as in Chinese, 1 to 3: a longer one would be the whole word.

    Attributes:
        algorithm: `word2vec` or `fasttext`.
        dim: Width of the vectors.
        epochs: Passes over the texts. `None` makes as many as it takes to read 5 million tokens,
            from `least_epochs` to 100: a small corpus needs many.
        least_epochs: Passes over a large corpus, where `epochs` is `None`.
        window: Neighbours looked at on each side, in tokens.
        negative: Negative samples a word.
        seed: The same seed, on one worker, gives the same vectors.
        characters: Whether a word's vector is set beside the mean of its characters' vectors, which
            are trained on the same texts: the width is then twice `dim`. For texts written without
            spaces (`unigram`) only, whose words are short and whose characters have meanings.
        workers: Threads. More than one is faster, and no longer repeatable bit for bit.
        most_texts: Words and vectors are found on at most so many texts, drawn by the seed; all of
            them are held in memory. `train_word_vectors` takes all that it is given.
    """

    algorithm: VectorAlgorithm = "word2vec"
    dim: int = 200
    epochs: int | None = None
    least_epochs: int = 3
    window: int = 5
    negative: int = 5
    characters: bool = False
    seed: int = 0
    workers: int = 1
    most_texts: int = 1_000_000

    def __post_init__(self) -> None:
        """Checks every field.

        Raises:
            InvalidInputError: If a size is not positive, `seed` does not fit 32 bits, or
                `algorithm` is unknown.
        """
        one_of(get_args(VectorAlgorithm), algorithm=self.algorithm)
        positive(
            dim=self.dim,
            epochs=self.epochs,
            least_epochs=self.least_epochs,
            window=self.window,
            negative=self.negative,
            workers=self.workers,
            most_texts=self.most_texts,
        )
        in_range(0, MAX_SEED, seed=self.seed)

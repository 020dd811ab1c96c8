"""Word vectors and how they become an embedding matrix."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.text.vocabulary import OOV_ID, OOV_TOKEN, PAD_ID, Vocabulary


@dataclass(frozen=True)
class WordVectors:
    """Tokens and a vector for each.

    Attributes:
        tokens: Distinct tokens, usually the most frequent first.
        matrix: float32 `(len(tokens), dim)`.
    """

    tokens: tuple[str, ...]
    matrix: NDArray[np.float32]

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return int(self.matrix.shape[1])

    def embedding_matrix(self, vocabulary: Vocabulary, *, seed: int = 0) -> NDArray[np.float32]:
        """Lays the vectors out by token id.

        Row `PAD_ID` is zero; row `OOV_ID` is the vector of the token `[OOV]`, if there is one. The
        row of a token that has no vector here is drawn from a normal distribution as wide as the
        vectors are.

        Args:
            vocabulary: Says which token has which id.
            seed: For the drawn rows.

        Returns:
            float32 `(vocabulary_size, dim)`.
        """
        spread = float(self.matrix.std()) or 1.0
        generator = np.random.default_rng(seed)
        rows = generator.normal(0.0, spread, (len(vocabulary), self.dim)).astype(np.float32)
        rows[PAD_ID] = 0.0
        if OOV_TOKEN in self.tokens and OOV_TOKEN not in vocabulary:
            rows[OOV_ID] = self.matrix[self.tokens.index(OOV_TOKEN)]
        known = [
            (vocabulary.token_to_id(t), i) for i, t in enumerate(self.tokens) if t in vocabulary
        ]
        if known:
            ids, positions = np.array(known).T
            rows[ids] = self.matrix[positions]
        return rows

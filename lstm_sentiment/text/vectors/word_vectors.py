"""Word vectors, and the embedding matrix made of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.vocabulary import NUM_SPECIAL_IDS, OOV_TOKEN, Vocabulary
from lstm_sentiment.version_folder import OOV_ID, PAD_ID

Spelling = Callable[[Sequence[str]], Sequence[str]]
"""Returns the normalized spellings of tokens, such as `Tokenizer.spellings`."""

_UNKNOWN_TOKENS = (OOV_TOKEN, "<unk>", "[UNK]", "<UNK>")
_ROWS_FOR_SPREAD = 10_000


@dataclass(frozen=True)
class WordVectors:
    """Tokens and a vector for each.

    Attributes:
        tokens: Distinct tokens, usually the most frequent first.
        matrix: float32 `(len(tokens), dim)`.
    """

    tokens: tuple[str, ...]
    matrix: NDArray[np.float32]

    def __deepcopy__(self, memo: object) -> "WordVectors":
        """Returns the vectors themselves: they are large, and nobody changes them."""
        return self

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return int(self.matrix.shape[1])

    def vocabulary(self) -> Vocabulary:
        """Returns a vocabulary of the tokens in order, without `[OOV]`, which has a special id."""
        return Vocabulary(token for token in self.tokens if token != OOV_TOKEN)

    def joined(self, others: "WordVectors") -> "WordVectors":
        """Appends the vectors of tokens that only `others` has.

        Args:
            others: Vectors of the same space, that is, trained together with these vectors.

        Raises:
            InvalidInputError: If the widths differ.
        """
        if others.dim != self.dim:
            raise InvalidInputError(
                f"Word vectors that are joined must be of one width: {self.dim}. "
                f"Received: {others.dim}."
            )
        own = set(self.tokens)
        rows = [row for row, token in enumerate(others.tokens) if token not in own]
        return WordVectors(
            (*self.tokens, *(others.tokens[row] for row in rows)),
            np.concatenate([self.matrix, others.matrix[rows]]),
        )

    def beside(self, others: "WordVectors") -> "WordVectors":
        """Concatenates, for each token, its vector here and its vector in `others`.

        The vectors of `others` are scaled to the same root mean square length. The part of a token
        that one of the two does not have is zero.
        """
        tokens = tuple(dict.fromkeys((*self.tokens, *others.tokens)))
        scale = _mean_length(self.matrix) / max(_mean_length(others.matrix), 1e-12)
        parts = []
        for vectors, factor in ((self, 1.0), (others, scale)):
            rows = {token: row for row, token in enumerate(vectors.tokens)}
            part = np.zeros((len(tokens), vectors.dim), np.float32)
            known = [position for position, token in enumerate(tokens) if token in rows]
            part[known] = factor * vectors.matrix[[rows[tokens[position]] for position in known]]
            parts.append(part)
        return WordVectors(tokens, np.concatenate(parts, axis=1))

    def embedding_matrix(
        self, vocabulary: Vocabulary, *, spell: Spelling | None = None, seed: int = 0
    ) -> NDArray[np.float32]:
        """Returns the vectors by token id, float32 `(vocabulary_size, dim)`.

        Row `PAD_ID` is zero; row `OOV_ID` is the vector of a token for unknown words (`[OOV]`,
        `<unk>`, ...), if there is one. The rows of tokens without a vector are drawn from a normal
        distribution with the standard deviation of the vectors.

        Args:
            vocabulary: Tokens and their ids.
            spell: Normalizes tokens, such as `Tokenizer.spellings`: a token without a vector takes
                the vector of a token with the same normalized spelling.
            seed: Seed of the drawn rows.
        """
        spread = float(self.matrix[:_ROWS_FOR_SPREAD].std()) or 1.0
        generator = np.random.default_rng(seed)
        rows = generator.normal(0.0, spread, (len(vocabulary), self.dim)).astype(np.float32)
        rows[PAD_ID] = 0.0
        positions = self._positions(vocabulary, spell)
        known = np.flatnonzero(positions >= 0)
        rows[known] = self.matrix[positions[known]]
        return rows

    def ids_without_vector(
        self, vocabulary: Vocabulary, *, spell: Spelling | None = None
    ) -> list[int]:
        """Returns the token ids without a vector, `OOV_ID` included, `PAD_ID` excluded.

        The arguments are those of `embedding_matrix`.
        """
        missing = np.flatnonzero(self._positions(vocabulary, spell) < 0)
        return [int(token_id) for token_id in missing if token_id != PAD_ID]

    def _positions(self, vocabulary: Vocabulary, spell: Spelling | None) -> NDArray[np.int64]:
        """Returns the row of each token id's vector, or -1, int64 `(vocabulary_size,)`."""
        positions = np.full(len(vocabulary), -1, np.int64)
        unknown: dict[str, int] = {}
        for row, token in enumerate(self.tokens):
            if token in vocabulary:
                positions[vocabulary.token_to_id(token)] = row
            if token in _UNKNOWN_TOKENS:
                unknown.setdefault(token, row)
        positions[OOV_ID] = next((unknown[t] for t in _UNKNOWN_TOKENS if t in unknown), -1)
        missing = np.flatnonzero(positions[NUM_SPECIAL_IDS:] < 0) + NUM_SPECIAL_IDS
        if spell is not None and len(missing):
            wanted = spell([vocabulary.id_to_token(int(token_id)) for token_id in missing])
            rows = dict.fromkeys(wanted, -1)
            for row, spelling in enumerate(spell(self.tokens)):
                if rows.get(spelling) == -1:
                    rows[spelling] = row
            positions[missing] = [rows[spelling] for spelling in wanted]
        return positions


def _mean_length(matrix: NDArray[np.float32]) -> float:
    """Returns the root mean square of the rows' lengths."""
    return float(np.sqrt(np.mean(np.sum(matrix.astype(np.float64) ** 2, axis=1))))

"""The vocabulary: tokens, their ids, and a file with one token a line."""

import os
from collections.abc import Iterable
from pathlib import Path

from lstm_sentiment.checks import unreadable
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.first_bytes import it_is
from lstm_sentiment.system import write_whole
from lstm_sentiment.version_folder import OOV_ID, PAD_ID

NUM_SPECIAL_IDS = 2
PAD_TOKEN = "[PAD]"
OOV_TOKEN = "[OOV]"


class Vocabulary:
    """The known tokens, the most frequent first.

    Ids are `PAD_ID` (0) for padding, `OOV_ID` (1) for any unknown token, and from 2 on the tokens
    in order. `UnigramTokenizer` derives a token's probability from this order.

    Attributes:
        tokens: The tokens, without the two special tokens.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        """Checks and numbers the tokens.

        Args:
            tokens: Distinct, not empty, each on one line and encodable as UTF-8.

        Raises:
            InvalidInputError: If there is no token, or a token breaks a rule above.
        """
        self.tokens = tuple(tokens)
        if not self.tokens:
            raise InvalidInputError("A vocabulary must hold at least one token. Received: none.")
        self._ids: dict[str, int] = {}
        for position, token in enumerate(self.tokens):
            fault = _fault(token)
            if fault is None and token in self._ids:
                fault = "be distinct"
            if fault is not None:
                raise InvalidInputError(
                    f"Tokens must {fault}. Received: token {position + 1} is {token!r}."
                )
            self._ids[token] = position + NUM_SPECIAL_IDS

    def __len__(self) -> int:
        """Number of ids, the two special ids included."""
        return len(self.tokens) + NUM_SPECIAL_IDS

    def __contains__(self, token: object) -> bool:
        """Checks if `token` has an id of its own."""
        return token in self._ids

    def __eq__(self, other: object) -> bool:
        """Compares the tokens and their order."""
        return isinstance(other, Vocabulary) and self.tokens == other.tokens

    def __hash__(self) -> int:
        """Hash of the tokens in order."""
        return hash(self.tokens)

    def __repr__(self) -> str:
        """Number of tokens, instead of all tokens."""
        return f"Vocabulary({len(self.tokens):,} tokens)"

    @property
    def size(self) -> int:
        """Number of ids, `len(tokens) + 2`: the rows of the embedding matrix."""
        return len(self)

    def token_to_id(self, token: str) -> int:
        """Returns the token's id, or `OOV_ID`."""
        return self._ids.get(token, OOV_ID)

    def id_to_token(self, token_id: int) -> str:
        """Returns the token of an id: `[PAD]` and `[OOV]` for the special ids.

        Raises:
            InvalidInputError: If `token_id` is beyond the vocabulary.
        """
        if not 0 <= token_id < len(self):
            raise InvalidInputError(
                f"`token_id` must be from 0 to {len(self) - 1}. Received: token_id={token_id}."
            )
        if token_id < NUM_SPECIAL_IDS:
            return PAD_TOKEN if token_id == PAD_ID else OOV_TOKEN
        return self.tokens[token_id - NUM_SPECIAL_IDS]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Saves one token a line, UTF-8; line `n` (from 0) has id `n + 2`."""
        with write_whole(Path(path)) as file:
            file.write("".join(f"{token}\n" for token in self.tokens).encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Vocabulary":
        """Loads a file that `save` has written.

        Raises:
            InvalidInputError: If the file is missing, not UTF-8, or a line breaks a rule; the
                message names the line.
        """
        try:
            lines = Path(path).read_bytes().split(b"\n")
        except OSError as error:
            raise InvalidInputError(unreadable(Path(path), error)) from error
        if lines[-1] == b"":
            lines.pop()
        seen: dict[str, int] = {}
        for number, line in enumerate(lines, start=1):
            try:
                token = line.decode()
            except UnicodeDecodeError as error:
                raise InvalidInputError(
                    f"{path}:{number}: tokens must be UTF-8. Received: {line[:40]!r}."
                    f"{it_is(Path(path))}"
                ) from error
            fault = _fault(token)
            if fault is None and token in seen:
                fault = f"be distinct (line {seen[token]} has this one)"
            if fault is not None:
                raise InvalidInputError(
                    f"{path}:{number}: tokens must {fault}. Received: {token!r}."
                )
            seen[token] = number
        return cls(seen)


def _fault(token: str) -> str | None:
    """Returns the rule that a token breaks, if any."""
    if not token:
        return "not be empty"
    if "\n" in token or "\r" in token:
        return "be on one line"
    if not token.isascii() and any("\ud800" <= character <= "\udfff" for character in token):
        return "be encodable as UTF-8, without lone surrogates"
    return None

"""The versions in a folder, by which a request log's token ids become texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lstm_sentiment.checks import unreadable
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.vocabulary import Vocabulary
from lstm_sentiment.version_folder import (
    LABELS,
    VOCABULARY,
    find_version,
    load_card,
    version_folders,
    version_number,
)

# Of the tokenizers by their kind; the others cut text that is written without spaces.
_JOINERS = {"whitespace": " "}


@dataclass(frozen=True)
class LoggedVersion:
    """A version that answered logged requests.

    Attributes:
        folder: The version's folder.
    """

    folder: Path

    @cached_property
    def label_names(self) -> tuple[str, ...] | None:
        """The classes in id order; `None` if the version is not one of this package's.

        Raises:
            InvalidInputError: If the file of classes cannot be read.
        """
        try:
            return tuple((self.folder / LABELS).read_text("utf-8").splitlines())
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInputError(unreadable(self.folder / LABELS, error)) from error

    @cached_property
    def vocabulary(self) -> Vocabulary | None:
        """The tokens by id; `None` if the version is not one of this package's.

        Raises:
            InvalidInputError: If the file of tokens cannot be read.
        """
        path = self.folder / VOCABULARY
        return Vocabulary.load(path) if path.exists() else None

    @cached_property
    def joiner(self) -> str:
        """The string between two tokens of a text, by the tokenizer that the card names.

        Raises:
            InvalidInputError: If the card cannot be read.
        """
        return _JOINERS.get(str((load_card(self.folder) or {}).get("tokenizer")), "")

    @cached_property
    def temperature(self) -> float:
        """Divisor of the logits before the softmax; 1 if the version has no card.

        Raises:
            InvalidInputError: If the card cannot be read.
        """
        return float((load_card(self.folder) or {}).get("temperature", 1.0))

    def tokens(self, token_ids: Sequence[int]) -> tuple[str, ...] | None:
        """Returns the tokens of ids, `[OOV]` for the unknown; `None` if the vocabulary lacks one.

        Args:
            token_ids: Ids of one text, without padding.
        """
        vocabulary = self.vocabulary
        if vocabulary is None or not all(0 <= one < len(vocabulary) for one in token_ids):
            return None
        return tuple(map(vocabulary.id_to_token, token_ids))


class LoggedVersions:
    """The versions in a folder by their numbers."""

    def __init__(self, model_dir: Path) -> None:
        """Finds the versions.

        Args:
            model_dir: A version's folder, or a servable's base path with all of its versions.

        Raises:
            ServableNotFoundError: If there is none.
        """
        version_dir = find_version(model_dir)
        number = version_number(version_dir)
        self._only: Path | None = version_dir
        self._folders = {} if number is None else {number: version_dir}
        if version_dir != model_dir:
            self._folders = version_folders(model_dir)
            self._only = version_dir if len(self._folders) == 1 else None
        self._found: dict[Path, LoggedVersion] = {}

    def find(self, version: int | None) -> LoggedVersion | None:
        """Returns the version that answered a request; `None` if it is not in the folder.

        Args:
            version: Its number. `None`, in records without one, is known only in a folder of one
                version.
        """
        # A version in a folder without a number is what the caller says it is.
        folder = self._only
        if version is not None and self._folders:
            folder = self._folders.get(version)
        if folder is None:
            return None
        return self._found.setdefault(folder, LoggedVersion(folder))

"""Edits of one `models.config` that a running server is told of: all of them, or none."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from lstm_sentiment.errors import LstmSentimentError
from lstm_sentiment.models_config.changes import ModelChange
from lstm_sentiment.models_config.edit import (
    ConfigEdit,
    ConfigFile,
    change_model,
    editing,
    put_back,
)
from lstm_sentiment.models_config.model_choice import named

if TYPE_CHECKING:
    from lstm_sentiment.client.model_service import RunningServer


class Transaction:
    """Changes of one model, undone in the file and on the server where one of them fails."""

    def __init__(
        self, file: ConfigFile, model_name: str, server: "RunningServer | None" = None
    ) -> None:
        """Begins with nothing changed.

        Args:
            file: The `models.config` as it was read last.
            model_name: The model to change.
            server: The server to tell of each change; `None` changes the file alone.
        """
        self.file = file
        self._choice = named(model_name)
        self._model_name = model_name
        self._server = server
        self._edits: list[ConfigEdit] = []

    @contextmanager
    def locked_model(self) -> Iterator[Any]:
        """Locks the file and yields the `ModelConfig` as the file has it now.

        Other processes wait for the lock before they change the file: nothing slow belongs inside.
        """
        with editing(self.file.path, self.file) as self.file:
            yield self.file.config.model_config_list.config[
                self._choice(self.file.config, self.file.path)
            ]

    def write(self, change: ModelChange) -> None:
        """Writes a change to the file, inside of `locked_model`."""
        edit = change_model(self.file, self._choice, change)
        self.file = edit.after
        self._edits.append(edit)

    def tell_server(self, wait_for: int | None = None) -> None:
        """Has the server read the file as it is now.

        Args:
            wait_for: A version to wait for until the server answers with it.
        """
        if self._server is not None:
            self._server.reload(self.file.config)
            if wait_for is not None:
                self._server.wait_until_available(self._model_name, wait_for)

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Undoes the changes made inside where an error comes; the error's message says so."""
        try:
            yield
        except LstmSentimentError as error:
            if not self._edits:
                raise
            reason = str(error).rstrip(".")
            raise type(error)(f"{reason}. {self._undo()}") from error

    def _undo(self) -> str:
        path = self.file.path
        if not all([put_back(edit) for edit in reversed(self._edits)]):
            return f"{path} was changed by another meanwhile, and not put back."
        if self._server is not None:
            # The server may have gone half way, or have refused for the sake of another model.
            with suppress(LstmSentimentError):
                self._server.reload(self._edits[0].before.config)
        return f"{path} is as it was."

"""Transactions: edits of a `models.config` and reloads of a server, all of them or none."""

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
    """Changes of one model, which are undone in the file and on the server if one fails."""

    def __init__(
        self, file: ConfigFile, model_name: str, server: "RunningServer | None" = None
    ) -> None:
        """Starts without a change.

        Args:
            file: The `models.config` as it was read last.
            model_name: The model to change.
            server: `None` changes the file alone.
        """
        self.file = file
        self._choice = named(model_name)
        self._model_name = model_name
        self._server = server
        self._edits: list[ConfigEdit] = []

    @contextmanager
    def locked_model(self) -> Iterator[Any]:
        """Locks the file and yields the `ModelConfig` as the file has it now.

        Other processes wait for the lock: nothing slow, such as a request, belongs inside.
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
        """Reloads the config on the server, and waits until a version is available."""
        if self._server is not None:
            self._server.reload(self.file.config)
            if wait_for is not None:
                self._server.wait_until_available(self._model_name, wait_for)

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Undoes the changes made inside if an error is raised, and adds that to its message."""
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

"""The time at which each loaded version was trained, from its card."""

import threading

from lstm_sentiment.card_facts import read_card_facts
from lstm_sentiment.errors import LstmSentimentError
from lstm_sentiment.serving.log_lines import get_logger
from lstm_sentiment.serving.monitoring.version_lookup import BasePath, served_version_dir
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.version_folder import load_card

logger = get_logger(__name__)


class TrainingTimes:
    """Training times of the loaded versions. Safe to share among threads.

    The card of a version is read once, when the time is first needed.
    """

    def __init__(self) -> None:
        """Begins without versions."""
        self._base_path: BasePath | None = None
        # Guards the attributes below.
        self._lock = threading.Lock()
        self._loaded: set[ServableId] = set()
        self._seconds: dict[ServableId, float | None] = {}

    def start(self, base_path: BasePath) -> None:
        """Allows the cards to be read.

        Args:
            base_path: Finds the folder of a model.
        """
        self._base_path = base_path

    def state_changed(self, state: ServableState) -> None:
        """Adds or removes a version; to be called for every state of every version."""
        with self._lock:
            if state.state is ManagerState.AVAILABLE:
                self._loaded.add(state.id)
            elif state.state is ManagerState.END:
                self._loaded.discard(state.id)
                self._seconds.pop(state.id, None)

    def by_version(self) -> dict[ServableId, float]:
        """Returns the seconds since 1970, in UTC, of each loaded version whose card has a time."""
        with self._lock:
            unread = self._loaded - self._seconds.keys()
        for servable_id in unread:
            self._read(servable_id)
        with self._lock:
            return {key: found for key, found in self._seconds.items() if found is not None}

    def _read(self, servable_id: ServableId) -> None:
        try:
            folder = self._base_path and served_version_dir(servable_id, self._base_path)
            if folder is None:  # the config that adds the model is not in force yet
                return
            trained_at = read_card_facts(load_card(folder) or {}).trained_at
        except LstmSentimentError as error:
            logger.warning("no training time of %s: %s", servable_id, error)
            trained_at = None
        with self._lock:
            if servable_id in self._loaded:
                self._seconds[servable_id] = None if trained_at is None else trained_at.timestamp()

"""What the manager knows of one version; `tensorflow_serving/core/loader_harness.h`."""

from dataclasses import dataclass
from pathlib import Path

from lstm_sentiment.serving.servable import (
    Loader,
    ManagerState,
    Servable,
    ServableId,
    ServableLoadError,
    ServableState,
)


@dataclass(eq=False)
class LoaderHarness:
    """One version through its life. Read and written under the manager's lock alone.

    Attributes:
        id: Which version.
        path: Its folder.
        is_aspired: Whether the source wants it served.
        state: Where it stands.
        error: Why it is `END`, where a failed load is the reason.
        loader: What brought it into memory, while it is there.
        servable: What it offers, while it is there.
        reference_count: How many requests hold it.
    """

    id: ServableId
    path: Path
    is_aspired: bool = True
    state: ManagerState = ManagerState.START
    error: ServableLoadError | None = None
    loader: Loader | None = None
    servable: Servable | None = None
    reference_count: int = 0

    def aspire(self, path: Path) -> None:
        """Wants it served; one that has ended begins anew if this is news.

        Args:
            path: Its folder, where it may have moved.
        """
        is_news = not self.is_aspired or self.path != path
        self.is_aspired, self.path = True, path
        if is_news and self.state is ManagerState.END:
            self.state, self.error = ManagerState.START, None

    def let_go(self) -> None:
        """Wants it served no more; one whose turn to load has not come ends."""
        self.is_aspired = False
        if self.state is ManagerState.START:
            self.state = ManagerState.END

    def loaded(self, loader: Loader, servable: Servable) -> None:
        """Notes that it is in memory.

        Args:
            loader: What brought it there.
            servable: What it offers.
        """
        self.loader, self.servable = loader, servable
        self.state = ManagerState.AVAILABLE

    def failed(self, error: ServableLoadError) -> None:
        """Notes that it could not be loaded.

        Args:
            error: Why.
        """
        self.error = error
        self.state = ManagerState.END

    def unloaded(self) -> None:
        """Notes that it is out of memory; one that is wanted again meanwhile begins anew."""
        self.state = ManagerState.START if self.is_aspired else ManagerState.END

    def take_loader(self) -> Loader | None:
        """Takes its loader out, to unload it; it offers nothing from then on.

        Returns:
            The loader, or `None` if it is not in memory.
        """
        loader, self.loader, self.servable = self.loader, None, None
        return loader

    def servable_state(self) -> ServableState:
        """Tells its state to others."""
        return ServableState(self.id, self.state, self.error)

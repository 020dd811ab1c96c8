"""A `Progress` that keeps what it is told."""

from contextlib import AbstractContextManager

from lstm_sentiment.progress import Advance, SilentProgress


class Recorder(SilentProgress):
    def __init__(self) -> None:
        self.said: list[str] = []
        self.steps: list[tuple[str, int]] = []

    def step(self, description: str, total: int) -> AbstractContextManager[Advance]:
        self.steps.append((description, total))
        return super().step(description, total)

    def say(self, message: str) -> None:
        self.said.append(message)

"""A `Progress` that keeps what it is told."""

from lstm_sentiment.progress import SilentProgress


class Recorder(SilentProgress):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)

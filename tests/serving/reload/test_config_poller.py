from pathlib import Path
from typing import Any

import pytest

from lstm_sentiment.errors import LstmSentimentError
from lstm_sentiment.models_config.config import parse_models_config
from lstm_sentiment.serving.errors import (
    ModelsNotAvailableError,
    NoVersionsFoundError,
    VersionNotAvailableError,
)
from lstm_sentiment.serving.reload.config_poller import ConfigFilePoller
from lstm_sentiment.serving.servable_id import ServableId

TEXT = """\
model_config_list {
  config { name: "m" base_path: "/models/m" model_platform: "tensorflow" }
}
"""
OTHER = TEXT.replace('"m"', '"other"')


class Polled:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.write_text(TEXT)
        self.loaded: list[str] = []
        self.error: LstmSentimentError | None = None
        self.poller = ConfigFilePoller(
            path, self.reload, in_force=parse_models_config(TEXT), wait_seconds=1
        )

    def reload(self, config: Any) -> None:
        self.loaded.append(config.model_config_list.config[0].name)
        if self.error is not None:
            raise self.error

    def poll(self, text: str | None = None) -> None:
        if text is not None:
            self.path.write_text(text)
        self.poller.poll_once()


@pytest.fixture
def polled(tmp_path: Path) -> Polled:
    return Polled(tmp_path / "models.config")


def test_only_what_says_something_new_is_loaded(polled: Polled) -> None:
    polled.poll()
    polled.poll("# a comment\n" + TEXT)
    assert polled.loaded == []
    polled.poll(OTHER)
    polled.poll()
    polled.poll(TEXT)
    assert polled.loaded == ["other", "m"]


@pytest.mark.parametrize("text", ["", OTHER[:60], OTHER.replace("/models", "models")])
def test_a_file_that_is_wrong_is_told_of_once_and_then_heard_again(
    polled: Polled, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    for _ in range(3):
        polled.poll(text)
    [record] = caplog.records
    assert record.message.startswith(f"{polled.path} is not loaded, what is served stays")
    assert "\n" not in record.message
    polled.path.unlink()
    polled.poll()
    polled.poll()
    assert "cannot be read" in caplog.records[1].message
    assert len(caplog.records) == 2
    assert polled.loaded == []
    polled.poll(OTHER)
    assert polled.loaded == ["other"]


@pytest.mark.parametrize(
    "error", [VersionNotAvailableError(ServableId("other", 3)), NoVersionsFoundError(["other"])]
)
def test_what_a_config_needs_may_come_later(
    polled: Polled, caplog: pytest.LogCaptureFixture, error: LstmSentimentError
) -> None:
    polled.error = error
    polled.poll(OTHER)
    polled.poll()
    assert len(caplog.records) == 1
    polled.error = None
    polled.poll()
    polled.poll()
    assert polled.loaded == ["other"] * 3


def test_versions_that_could_not_be_loaded_are_not_loaded_again_and_again(
    polled: Polled, caplog: pytest.LogCaptureFixture
) -> None:
    polled.error = ModelsNotAvailableError(1, ["bad"])
    polled.poll(OTHER)
    polled.poll()
    assert polled.loaded == ["other"]
    assert len(caplog.records) == 1
    polled.error = None
    polled.poll(OTHER + "# mended\n")
    assert polled.loaded == ["other", "other"]

import logging
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    predict_pb2,
    prediction_log_pb2,
    regression_pb2,
)

from lstm_sentiment.errors import ConfigError, InvalidInputError
from lstm_sentiment.models_config.config import parse_models_config
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.serving.request_log.folders import check_log_folders
from lstm_sentiment.serving.request_log.options import RequestLogOptions
from lstm_sentiment.serving.request_log.records import LOGGED_APIS, log_metadata, log_record
from lstm_sentiment.serving.request_log.request_log import RequestLog
from lstm_sentiment.serving.request_log.tally import LogOutcome

SOON = 30.0  # for what must happen, on however busy a machine
MESSAGES: dict[str, tuple[str, Any, Any]] = {
    "Predict": ("predict_log", predict_pb2.PredictRequest, predict_pb2.PredictResponse),
    "Classify": (
        "classify_log",
        classification_pb2.ClassificationRequest,
        classification_pb2.ClassificationResponse,
    ),
    "Regress": (
        "regress_log",
        regression_pb2.RegressionRequest,
        regression_pb2.RegressionResponse,
    ),
    "MultiInference": (
        "multi_inference_log",
        inference_pb2.MultiInferenceRequest,
        inference_pb2.MultiInferenceResponse,
    ),
}


def config_of(**rates: tuple[Path | str, float]) -> ModelServerConfig:
    """`m=("/logs/prefix", 0.5)`."""
    models = "".join(
        f'config {{ name: "{name}" base_path: "/m" model_platform: "tensorflow" logging_config {{ '
        f'log_collector_config {{ type: "file" filename_prefix: "{prefix}" }} '
        f"sampling_config {{ sampling_rate: {rate} }} }} }}"
        for name, (prefix, rate) in rates.items()
    )
    return parse_models_config(f"model_config_list {{ {models} }}")


class Sampled:
    """A log, and how many requests it has told of."""

    def __init__(self, **options: Any) -> None:
        self._told = threading.Condition()
        self.outcomes: list[tuple[str, LogOutcome]] = []
        draw = options.pop("draw", lambda: 0.0)
        self.log = RequestLog(
            RequestLogOptions(**{"pause_seconds": 0.001, **options}),
            when_known=self._know,
            draw=draw,
            now=lambda: 1234.5,
        )

    def _know(self, name: str, outcome: LogOutcome) -> None:
        with self._told:
            self.outcomes.append((name, outcome))
            self._told.notify_all()

    def total(self, name: str = "m") -> LogOutcome:
        found = [outcome for model, outcome in self.outcomes if model == name]
        return LogOutcome(*map(sum, zip(*found, strict=True))) if found else LogOutcome()

    def wait_for(self, is_true: Callable[[LogOutcome], bool]) -> None:
        with self._told:
            assert self._told.wait_for(lambda: is_true(self.total()), SOON), self.outcomes

    def answer(self, content: bytes = b"\n\x05\n\x03abc", name: str = "m", size: int = 10) -> None:
        self.log.answered(name, "Predict", 3, "text", lambda: (content, b""), size)


@pytest.fixture
def sampled() -> Iterator[Sampled]:
    sampled = Sampled()
    sampled.log.start()
    yield sampled
    sampled.log.stop()


def logged(folder: Path) -> list[Any]:
    """What TensorFlow reads of all files of a folder, in order."""
    paths = [str(path) for path in sorted(folder.iterdir())]
    records = tf.data.TFRecordDataset(paths).as_numpy_iterator() if paths else ()
    return [prediction_log_pb2.PredictionLog.FromString(record) for record in records]


@pytest.mark.parametrize("api", sorted(LOGGED_APIS))
@given(name=st.text(max_size=200), seconds=st.integers(1, 2**40), version=st.integers(0, 2**63 - 1))
def test_a_record_is_the_message_of_its_parts(
    api: str, name: str, seconds: int, version: int
) -> None:
    field, request_type, response_type = MESSAGES[api]
    request, response = request_type(), response_type()
    spec = request.tasks.add().model_spec if api == "MultiInference" else request.model_spec
    spec.name = name
    log = prediction_log_pb2.PredictionLog()
    log.log_metadata.model_spec.name = name
    log.log_metadata.model_spec.version.value = version
    log.log_metadata.model_spec.signature_name = "key"
    log.log_metadata.sampling_config.sampling_rate = 0.5
    log.log_metadata.saved_model_tags.append("serve")
    log.log_metadata.timestamp_secs = seconds
    getattr(log, field).request.CopyFrom(request)
    getattr(log, field).response.CopyFrom(response)
    sampling = log.log_metadata.sampling_config.SerializeToString()
    record = log_record(
        api,
        log_metadata(name, sampling, version, "key"),
        seconds,
        request.SerializeToString(),
        response.SerializeToString(),
    )
    (length,) = struct.unpack_from("<Q", record)
    assert prediction_log_pb2.PredictionLog.FromString(record[12 : 12 + length]) == log


def test_requests_are_written_in_order_and_counted(tmp_path: Path, sampled: Sampled) -> None:
    sampled.log.update(config_of(m=(tmp_path / "log", 1.0)))
    names = [f"{number:03}" for number in range(600)]
    for name in names:
        sampled.answer(b"\n\x05\n\x03" + name.encode())
    sampled.wait_for(lambda total: total.written == len(names))
    found = logged(tmp_path)
    assert [log.predict_log.request.model_spec.name for log in found] == names
    assert {log.log_metadata.timestamp_secs for log in found} == {1234}
    (path,) = tmp_path.iterdir()
    assert sampled.total() == LogOutcome(written=600, bytes=path.stat().st_size)
    (report,) = sampled.log.report()
    assert report["model"] == "m"
    assert (report["sampling_rate"], report["written"], report["stopped"]) == (1.0, 600, None)


def test_a_model_without_a_log_is_not_logged(tmp_path: Path, sampled: Sampled) -> None:
    sampled.log.update(config_of(m=(tmp_path / "log", 1.0)))
    sampled.answer(name="other")
    sampled.log.answered("m", "GetModelMetadata", 3, "text", lambda: (b"", b""), 10)
    sampled.answer()
    sampled.wait_for(lambda total: total.written == 1)
    assert len(logged(tmp_path)) == 1


@pytest.mark.parametrize(("rate", "expected"), [(0.0, 0), (0.25, 25), (1.0, 100)])
def test_the_share_that_is_asked_for_is_sampled(tmp_path: Path, rate: float, expected: int) -> None:
    drawn = iter(number / 100 for number in range(100))
    sampled = Sampled(draw=lambda: next(drawn))
    sampled.log.update(config_of(m=(tmp_path / "log", rate)))
    for _ in range(100):
        sampled.answer()
    # Whatever waits is written at the end.
    sampled.log.stop()
    assert len(logged(tmp_path)) == sampled.total().written == expected


def test_models_may_share_a_file(tmp_path: Path, sampled: Sampled) -> None:
    prefix = tmp_path / "log"
    sampled.log.update(config_of(m=(prefix, 1.0), n=(prefix, 1.0)))
    sampled.answer(name="n")
    sampled.answer(name="m")
    sampled.log.stop()
    assert len([*tmp_path.iterdir()]) == 1
    assert sorted(log.log_metadata.model_spec.name for log in logged(tmp_path)) == ["m", "n"]


def test_a_new_config_turns_the_log_on_and_off(tmp_path: Path, sampled: Sampled) -> None:
    silent = parse_models_config(
        'model_config_list { config { name: "m" base_path: "/m" model_platform: "tensorflow" } }'
    )
    sampled.answer()
    for number in range(3):
        sampled.log.update(config_of(m=(tmp_path / "log", 1.0)))
        sampled.answer()
        sampled.log.update(silent)
        # What was sampled before is there once the config is taken.
        assert len(logged(tmp_path)) == number + 1
        sampled.answer()
        assert sampled.log.report() == []


def test_a_log_that_stays_goes_on_in_its_file(tmp_path: Path, sampled: Sampled) -> None:
    for rate in (1.0, 0.5):
        sampled.log.update(config_of(m=(tmp_path / "log", rate)))
        sampled.answer()
    sampled.log.stop()
    assert len([*tmp_path.iterdir()]) == 1
    rates = [log.log_metadata.sampling_config.sampling_rate for log in logged(tmp_path)]
    assert rates == [1.0, 0.5]


@pytest.mark.parametrize("limit", [{"max_waiting": 2}, {"max_waiting_bytes": 20}])
def test_what_finds_no_room_is_dropped_and_counted(tmp_path: Path, limit: dict[str, int]) -> None:
    sampled = Sampled(**limit)
    sampled.log.update(config_of(m=(tmp_path / "log", 1.0)))
    for _ in range(5):  # of 10 bytes each, and nobody writes yet
        sampled.answer()
    assert sampled.total() == LogOutcome(dropped=3)
    sampled.log.stop()
    assert len(logged(tmp_path)) == sampled.total().written == 2


def test_a_log_that_cannot_be_written_stops_once_and_begins_again_with_a_config(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    config = config_of(m=(folder / "log", 1.0))
    sampled = Sampled()
    sampled.log.update(config)
    folder.rmdir()
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            sampled.answer()
            sampled.log.write_waiting()
    assert [record.getMessage() for record in caplog.records] == [
        f"the request log {folder / 'log'} is stopped: No such file or directory; requests are "
        "answered as before, and a reload of the config begins the log again"
    ]
    assert sampled.total() == LogOutcome(failed=3, stops=1)
    assert sampled.log.report()[0]["stopped"] == "No such file or directory"
    folder.mkdir()
    sampled.answer()
    sampled.log.write_waiting()
    assert [*folder.iterdir()] == []
    sampled.log.update(config)
    sampled.answer()
    sampled.log.stop()
    assert len(logged(folder)) == 1
    assert sampled.log.report()[0]["stopped"] is None


@pytest.mark.parametrize("function", ["write", "close"])
def test_no_error_of_a_log_ends_its_thread_or_the_stop_of_the_server(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    def fail(file: int, *_: Any) -> int:
        raise MemoryError("a secret text") if function == "write" else OSError(5, "Input/output")

    config = config_of(m=(tmp_path / "log", 1.0))
    sampled = Sampled()
    sampled.log.update(config)
    sampled.log.start()
    with monkeypatch.context() as patch:
        patch.setattr(f"lstm_sentiment.serving.request_log.log_files.os.{function}", fail)
        sampled.answer()
        sampled.wait_for(lambda total: total.written + total.failed == 1)
        sampled.answer()
        sampled.wait_for(lambda total: total.written + total.failed == 2)
        sampled.log.write_at_once()
        sampled.log.update(config_of())
    sampled.log.update(config)
    sampled.answer()
    sampled.log.stop()
    assert sampled.total().written == (1 if function == "write" else 3)
    assert ("is stopped: MemoryError" if function == "write" else "cannot be closed") in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("size", [10, 100_000], ids=["at once", "in the background"])
def test_a_request_that_cannot_be_serialized_costs_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, size: int
) -> None:
    def fail() -> tuple[bytes, bytes]:
        raise ValueError("a secret text")

    sampled = Sampled()
    sampled.log.update(config_of(m=(tmp_path / "log", 1.0)))
    sampled.log.answered("m", "Predict", 3, "text", fail, size)
    sampled.answer()
    sampled.log.stop()
    assert len(logged(tmp_path)) == 1
    assert (sampled.total().written, sampled.total().failed) == (1, 1)
    assert "a request cannot be logged: ValueError" in caplog.text
    assert "secret" not in caplog.text


def test_a_server_that_stops_has_each_request_in_a_file_at_once(tmp_path: Path) -> None:
    sampled = Sampled(pause_seconds=SOON)
    sampled.log.start()
    sampled.log.update(config_of(m=(tmp_path / "log", 1.0)))
    sampled.answer()
    sampled.log.write_at_once()
    assert len(logged(tmp_path)) == 1
    sampled.answer()
    assert len(logged(tmp_path)) == 2
    sampled.log.stop()
    sampled.answer()
    assert sampled.total().dropped == 1


def test_attributes_are_not_logged_which_is_said(
    tmp_path: Path, sampled: Sampled, caplog: pytest.LogCaptureFixture
) -> None:
    config = config_of(m=(tmp_path / "log", 1.0))
    config.model_config_list.config[0].logging_config.sampling_config.attributes = 1
    sampled.log.update(config)
    assert "does not know the attributes of requests" in caplog.text


def test_a_folder_that_takes_no_files_is_refused(tmp_path: Path) -> None:
    check_log_folders(config_of(m=(tmp_path / "log", 1.0)))
    prefix = tmp_path / "absent" / "log"
    with pytest.raises(ConfigError) as caught:
        check_log_folders(config_of(m=(prefix, 1.0)), source="models.config")
    assert str(caught.value) == (
        "models.config: the folder of filename_prefix must exist, and the server may write to it. "
        f"Received: filename_prefix='{prefix}' for model 'm'."
    )


@pytest.mark.parametrize("name", ["max_bytes", "max_age_seconds", "max_waiting"])
def test_options_must_be_positive(name: str) -> None:
    with pytest.raises(InvalidInputError, match=f"`{name}` must be"):
        RequestLogOptions(**{name: 0})

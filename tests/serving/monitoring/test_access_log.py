"""The line of a request, and what never stands in it."""

import io
import json
import logging
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lstm_sentiment.serving.monitoring.access_log import LOGGER_NAME, AccessLog
from tests.serving.requests_answered import answered

NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)
SECRET = "我的房间号是305"


def written(as_json: bool = True, with_texts: bool = False, **changes: Any) -> str:
    stream = io.StringIO()
    log = AccessLog(stream, as_json=as_json, with_texts=with_texts, now=lambda: NOON)
    log(answered(**changes))
    return stream.getvalue()


def test_a_line_of_json() -> None:
    line = written(label="stable", model_name="酒店")
    assert json.loads(line) == {
        "time": "2026-03-01T12:00:00.250Z",
        "peer": "ipv4:127.0.0.1:50312",
        "entrypoint": "GRPC",
        "api": "Predict",
        "model": "酒店",
        "version": 3,
        "label": "stable",
        "signature": "text",
        "status": "OK",
        "milliseconds": 2.0,
        "batch_size": 2,
        "request_bytes": 120,
        "response_bytes": 90,
    }
    assert "酒店" in line


def test_a_line_of_pairs() -> None:
    assert written(as_json=False, version=None, model_name="my model", signature_key="") == (
        "time=2026-03-01T12:00:00.250Z peer=ipv4:127.0.0.1:50312 entrypoint=GRPC api=Predict "
        'model="my model" version=- label=- signature=- status=OK milliseconds=2.0 batch_size=2 '
        "request_bytes=120 response_bytes=90\n"
    )


def test_keys_are_the_same_whatever_happened() -> None:
    keys = list(json.loads(written()))
    failed: dict[str, Any] = {
        "status": "NOT_FOUND",
        "version": None,
        "batch_size": None,
        "texts": (),
    }
    assert list(json.loads(written(**failed))) == keys


@pytest.mark.parametrize("as_json", [True, False])
def test_no_text_is_written_unless_asked_for(as_json: bool) -> None:
    quoting = f"JSON Value: {SECRET} Type: String is not of expected type: int64"
    refused: dict[str, Any] = {"status": "INVALID_ARGUMENT", "message": quoting}
    line = written(as_json, texts=(SECRET.encode(),), **refused)
    assert SECRET not in line and "305" not in line
    line = written(as_json, with_texts=True, texts=(SECRET.encode(), b"\xff"), **refused)
    assert line.count(SECRET) == 2
    if as_json:
        entry = json.loads(line)
        assert entry["message"] == quoting
        assert entry["texts"] == [SECRET, "\ufffd"]


strangers = st.text(
    st.characters(exclude_categories=()) | st.sampled_from('\n\r\x1b\x7f\x85\x9b\u2028\u202e"= \\-')
)


@given(name=strangers, label=strangers, text=strangers)
@example(name="a\nb", label="\x1b[2J", text="\u2028\x9b\x7f")
def test_no_client_can_end_a_line_or_move_the_cursor(name: str, label: str, text: str) -> None:
    for as_json in (True, False):
        for with_texts in (True, False):
            line = written(
                as_json,
                with_texts,
                model_name=name,
                label=label,
                message=text,
                texts=(text.encode("utf-8", "surrogatepass"),),
            )
            assert line.endswith("\n") and line[:-1].isprintable()
            if as_json:
                assert json.loads(line)["label"] == (
                    label if len(label) <= 200 else f"{label[:200]}…"
                )


@given(name=strangers.filter(lambda name: 0 < len(name) < 200))
@example(name="-")
@example(name="a=b")
def test_a_value_of_a_pair_is_plain_or_json(name: str) -> None:
    before, _, rest = written(as_json=False, model_name=name).partition(" model=")
    assert before.endswith("api=Predict")
    model = rest.rpartition(" version=3")[0]
    assert model != "-" and "\n" not in model
    if model != name:
        assert json.loads(model) == name
    else:
        assert not set(' "=') & set(name)


def test_long_names_are_cut() -> None:
    assert len(written(model_name="x" * 10_000)) < 700


def test_times_are_told_in_utc() -> None:
    stream = io.StringIO()
    here = NOON.astimezone(timezone(timedelta(hours=8)))
    AccessLog(stream, as_json=True, now=lambda: here)(answered())
    assert json.loads(stream.getvalue())["time"] == "2026-03-01T12:00:00.250Z"


def test_a_logger_is_told_at_level_info(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger(LOGGER_NAME)
    log = AccessLog(logger, as_json=True)
    log(answered())
    assert not caplog.records
    with caplog.at_level(logging.INFO, LOGGER_NAME):
        log(answered(model_name="100%s"))
    (record,) = caplog.records
    assert json.loads(record.getMessage())["model"] == "100%s"
    assert not logger.handlers


def test_a_stream_changes_no_logger(capsys: pytest.CaptureFixture[str]) -> None:
    one, other = io.StringIO(), io.StringIO()
    AccessLog(one, as_json=True)(answered(model_name="one"))
    AccessLog(other, as_json=False)(answered(model_name="other"))
    assert one.getvalue().count("\n") == other.getvalue().count("\n") == 1
    assert not logging.getLogger(LOGGER_NAME).handlers
    assert capsys.readouterr() == ("", "")

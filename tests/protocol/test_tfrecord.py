from pathlib import Path

import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.tfrecord import read_records


def write(path: Path, records: list[bytes]) -> bytes:
    with tf.io.TFRecordWriter(str(path)) as file:
        for record in records:
            file.write(record)
    return path.read_bytes()


@given(records=st.lists(st.binary(max_size=300), max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_records_are_those_that_tensorflow_wrote(tmp_path: Path, records: list[bytes]) -> None:
    path = tmp_path / "records"
    write(path, records)
    assert list(read_records(path)) == records


def test_any_damaged_byte_is_found(tmp_path: Path) -> None:
    path = tmp_path / "records"
    whole = write(path, [b"abc", b"defgh"])
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(InvalidInputError, match=r"^records: corrupted record at \d+\.$"):
            list(read_records(path))


def test_a_file_that_ends_too_early_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "records"
    first, whole = write(path, [b"abc"]), write(path, [b"abc", b"defgh"])
    for size in range(1, len(whole)):
        path.write_bytes(whole[:size])
        if size == len(first):
            assert list(read_records(path)) == [b"abc"]
            continue
        with pytest.raises(InvalidInputError, match=r"^records: truncated record at \d+\.$"):
            list(read_records(path))


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"absent: cannot be read: No such file"):
        list(read_records(tmp_path / "absent"))

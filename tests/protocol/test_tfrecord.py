from collections.abc import Iterator
from pathlib import Path

import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.tfrecord import framed, read_records, write_records


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


def test_whole_records_before_a_torn_one_are_read_on_request(tmp_path: Path) -> None:
    path = tmp_path / "records"
    first, whole = write(path, [b"abc"]), write(path, [b"abc", b"defgh"])
    for size in range(len(first), len(whole) + 1):
        path.write_bytes(whole[:size])
        torn: list[int] = []
        found = list(read_records(path, when_torn=torn.append))
        is_whole = size in (len(first), len(whole))
        assert torn == ([] if is_whole else [len(first)])
        assert found == ([b"abc", b"defgh"] if size == len(whole) else [b"abc"])


def test_a_corrupted_record_is_refused_even_where_a_torn_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "records"
    whole = write(path, [b"abc", b"defgh"])
    path.write_bytes(whole[:14] + b"?" + whole[15:])
    with pytest.raises(InvalidInputError, match=r"corrupted record at 0\."):
        list(read_records(path, when_torn=lambda at: pytest.fail()))


def test_records_that_are_added_while_a_file_is_read_are_left_for_the_next_time(
    tmp_path: Path,
) -> None:
    path = tmp_path / "records"
    write(path, [b"abc", b"def"])
    records = read_records(path)
    assert next(records) == b"abc"
    with path.open("ab") as file:
        file.write(framed(b"ghi"))
    assert list(records) == [b"def"]
    assert list(read_records(path)) == [b"abc", b"def", b"ghi"]


@given(records=st.lists(st.binary(max_size=3000), max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tensorflow_reads_and_writes_the_same_file(tmp_path: Path, records: list[bytes]) -> None:
    path, theirs = tmp_path / "ours", tmp_path / "theirs"
    write_records(path, records)
    assert list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()) == records
    assert path.read_bytes() == write(theirs, records) == b"".join(map(framed, records))


@pytest.mark.parametrize("size", [0, 1, 3, 4, 1023, 1024, 1025, 2048, 65_536, 200_001])
def test_checksums_of_all_lengths_are_those_of_tensorflow(tmp_path: Path, size: int) -> None:
    content = bytes(at * 7 % 251 for at in range(size))
    assert framed(content) == write(tmp_path / "records", [content])


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    def contents() -> Iterator[bytes]:
        yield b"new"
        raise KeyError

    path = tmp_path / "records"
    write_records(path, [b"old"])
    with pytest.raises(KeyError):
        write_records(path, contents())
    assert list(read_records(path)) == [b"old"]
    assert list(tmp_path.iterdir()) == [path]


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"absent: cannot be read: No such file"):
        list(read_records(tmp_path / "absent"))

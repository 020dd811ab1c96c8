import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from lstm_sentiment.system import write_whole
from tests.preloaded import preloaded

COUNTS = """
import json, os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
from lstm_sentiment.model.lstm_loop import usable_cores
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.server_options import ServerOptions
from lstm_sentiment.system import usable_cpus, write_whole
print(json.dumps({
    "cpus": usable_cpus(),
    "computing threads": usable_cores(),
    "batch threads": BatchingParameters().num_batch_threads,
    "gRPC threads": ServerOptions().max_threads,
}))
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_a_process_held_to_one_cpu_counts_one_everywhere() -> None:
    cpu = min(os.sched_getaffinity(0))
    command = preloaded(COUNTS, str(cpu))
    counts = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert counts == {"cpus": 1, "computing threads": 1, "batch threads": 1, "gRPC threads": 4}


def test_a_file_that_is_replaced_keeps_its_permissions_and_links_to_it(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "scores", tmp_path / "link"
    target.write_bytes(b"before")
    target.chmod(0o600)
    link.symlink_to(target)
    with write_whole(link) as file:
        file.write(b"after")
    assert link.is_symlink() and target.read_bytes() == b"after"
    assert target.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_a_device_is_written_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with write_whole(pipe) as file:
        file.write(b"lines")
    assert os.read(reader, 100) == b"lines" and stat.S_ISFIFO(pipe.stat().st_mode)
    os.close(reader)


def test_the_longest_names_are_written_too(tmp_path: Path) -> None:
    for name in ("a" * 255, "评" * 85):
        with write_whole(tmp_path / name) as file:
            file.write(b"text")
        assert (tmp_path / name).read_bytes() == b"text"


def test_a_folder_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), write_whole(tmp_path):
        raise AssertionError("not reached")


def test_two_who_write_the_same_file_leave_the_whole_one_of_the_last(tmp_path: Path) -> None:
    target = tmp_path / "a"
    with write_whole(target) as first:
        first.write(b"first")
        with write_whole(target) as second:
            second.write(b"second")
        assert target.read_bytes() == b"second"
    assert target.read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]

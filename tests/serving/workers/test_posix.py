import os
import socket
import subprocess
import sys

import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.access.listening import listen
from lstm_sentiment.serving.workers.posix import reserve_port, unnamed_file

WRITERS, LINES, LENGTH = 3, 40, 200_000

WRITER = f"""
import sys
from lstm_sentiment.serving.workers.whole_lines import WholeLines
stream = WholeLines(1, int(sys.argv[1]), encoding="utf-8", errors="strict")
for _ in range({LINES}):
    print(sys.argv[2] * {LENGTH}, file=stream)
print("never ended", end="", file=stream)
"""


def test_a_reserved_port_is_shared_with_those_that_say_so() -> None:
    with reserve_port("127.0.0.1", 0) as holder:
        port = holder.getsockname()[1]
        with (
            listen("127.0.0.1", port, reuse_port=True) as listener,
            socket.create_connection(("127.0.0.1", port)) as caller,
        ):
            # The one that holds it does not listen, so that no caller is sent there.
            accepted, _ = listener.accept()
            with accepted:
                caller.sendall(b"x")
                assert accepted.recv(1) == b"x"
        with pytest.raises(InvalidInputError, match="address already in use"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("reuse_port", [False, True])
def test_a_port_is_not_reserved_while_somebody_listens(reuse_port: bool) -> None:
    with listen("127.0.0.1", 0, reuse_port=reuse_port) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(InvalidInputError, match=rf"cannot listen on 127\.0\.0\.1:{port}: "):
            reserve_port("127.0.0.1", port)


def test_two_parents_do_not_share_a_port() -> None:
    with reserve_port("127.0.0.1", 0) as holder, pytest.raises(InvalidInputError):
        reserve_port("127.0.0.1", holder.getsockname()[1])


def test_lines_of_several_processes_are_not_mixed_in_a_pipe() -> None:
    readable, writable = os.pipe()
    with unnamed_file() as lock:
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, str(lock), str(number)],
                stdout=writable,
                pass_fds=[lock],
            )
            for number in range(WRITERS)
        ]
    os.close(writable)
    with open(readable, encoding="utf-8") as pipe:
        lines = pipe.read().splitlines()
    assert [writer.wait() for writer in writers] == [0] * WRITERS
    assert sorted(lines) == sorted(str(n) * LENGTH for n in range(WRITERS) for _ in range(LINES))

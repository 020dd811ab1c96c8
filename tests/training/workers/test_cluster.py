"""Who trains together: `TF_CONFIG`, and the meeting before TensorFlow starts."""

import json
import math
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.errors import ConfigError, LstmSentimentError, TrainingError
from lstm_sentiment.progress import SilentProgress
from lstm_sentiment.training.workers.cluster import Cluster, read_cluster
from lstm_sentiment.training.workers.meeting import meet

TWO = {"worker": ["a:1", "b:2"]}


def config(cluster: object, task: object) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}


def worker(index: object, job: str = "worker") -> dict[str, object]:
    return {"type": job, "index": index}


@pytest.mark.parametrize("environment", [{}, {"TF_CONFIG": " "}, {"TF_CONFIG": "{}"}])
def test_no_cluster_is_no_error(environment: dict[str, str]) -> None:
    assert read_cluster(environment) is None


def test_the_first_worker_is_the_chief_unless_there_is_one() -> None:
    assert read_cluster(config(TWO, worker(1))) == Cluster(("a:1", "b:2"), 1)
    with_chief = {"worker": ["a:1", "b:2"], "chief": ["c:3"]}
    assert read_cluster(config(with_chief, worker(0, "chief"))) == Cluster(("c:3", "a:1", "b:2"), 0)
    assert read_cluster(config(with_chief, worker(1))) == Cluster(("c:3", "a:1", "b:2"), 2)


@pytest.mark.parametrize("index", ["1", " 1 ", 1.0, 1])
def test_an_index_is_read_as_tensorflow_reads_it(index: object) -> None:
    assert read_cluster(config(TWO, worker(index))) == Cluster(("a:1", "b:2"), 1)


def test_what_trainers_do_not_need_is_left_out() -> None:
    beside = {"environment": "cloud", "rpc_layer": "grpc", "job": {}}
    jobs = {**TWO, "evaluator": ["e:3"], "ps": []}
    text = json.dumps({"cluster": jobs, "task": worker(1), **beside})
    assert read_cluster({"TF_CONFIG": text}) == Cluster(("a:1", "b:2"), 1)


def test_addresses_by_index_and_of_ipv6() -> None:
    jobs = {"worker": {"1": "[::1]:2", "0": "a:1"}}
    assert read_cluster(config(jobs, worker("0"))) == Cluster(("a:1", "[::1]:2"), 0)


@given(st.integers(1, 6), st.booleans(), st.data())
def test_every_task_has_a_place_of_its_own(count: int, chief: bool, data: st.DataObject) -> None:
    addresses = [f"host{i}:{2222 + i}" for i in range(count)]
    jobs = {"chief": addresses[:1], "worker": addresses[1:]} if chief else {"worker": addresses}
    position = data.draw(st.integers(0, count - 1))
    task = worker(position - chief) if position >= chief else worker(0, "chief")
    assert read_cluster(config(jobs, task)) == Cluster(tuple(addresses), position)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{'cluster'", "must be valid JSON"),
        ("[1]", "must be a JSON object. Received: [1]"),
        ('{"cluster": ["a:1"]}', "must map `chief` and `worker` to lists"),
        ('{"cluster": {"worker": "a:1"}}', "`cluster.worker` must be a list of `host:port`"),
        ('{"cluster": {"worker": ["a"]}}', 'list of `host:port`. Received: "a"'),
        ('{"cluster": {"worker": ["a:0"]}}', 'Received: "a:0"'),
        ('{"cluster": {"worker": ["a:65536"]}}', 'Received: "a:65536"'),
        ('{"cluster": {"worker": ["a:1", "a:1"]}}', "addresses must differ"),
        ('{"cluster": {"chief": ["a:1", "b:2"]}}', "there must be one `chief` at most"),
        ('{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}}', "parameter servers are not supported"),
        ('{"cluster": {"worker": ["a:1"], "boss": ["b:1"]}}', "must map `chief` and `worker`"),
        ('{"cluster": {"master": ["a:1"]}}', "must call its first worker `chief`"),
        ('{"cluster": {"worker": ["http://a:1"]}}', 'list of `host:port`. Received: "http://a:1"'),
        ('{"cluster": {"worker": [" a:1"]}}', 'list of `host:port`. Received: " a:1"'),
        ('{"cluster": {"worker": ["::1:1"]}}', 'list of `host:port`. Received: "::1:1"'),
        ('{"cluster": {"worker": {"0": "a:1", "2": "b:1"}}}', "`cluster.worker` must be a list"),
        (
            '{"CLUSTER": {"worker": ["a:1"]}}',
            '`cluster` must be in lower case. Received: "CLUSTER"',
        ),
        ('{"cluster": {"Worker": ["a:1"]}}', "`cluster.worker` must be in lower case"),
        ('{"sparseCluster": {"worker": {"0": "a:1"}}}', "`sparseCluster` is not supported"),
        ("null", "must be a JSON object. Received: null"),
        (json.dumps(json.dumps({"cluster": TWO})), "must be a JSON object. Received: "),
        ("[" * 100_000, "must be valid JSON"),
        ('{"cluster": {"worker": ["a:1"]}}', "`task` must be there"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker"}}', "`task` must be there"),
        (
            config(TWO, worker(2))["TF_CONFIG"],
            "must be one of `cluster`, which holds 2 `worker`. Received: "
            '{"type": "worker", "index": 2}',
        ),
        (config(TWO, worker(0, "chief"))["TF_CONFIG"], "must be one of `cluster`"),
        (config(TWO, worker(-1))["TF_CONFIG"], "must be one of `cluster`"),
        (config({"evaluator": ["a:1"]}, worker(0))["TF_CONFIG"], "neither a `chief` nor a `work"),
        *(
            (config(TWO, worker(index))["TF_CONFIG"], "`task.index` must be an integer")
            for index in (True, "one", "", None, 0.5, [0])
        ),
        (config(TWO, worker(0, "Worker"))["TF_CONFIG"], "`task.type` must be in lower case"),
        (config(TWO, {"type": 0, "index": 0})["TF_CONFIG"], "`task.type` must be a string"),
        (config(TWO, {"Type": "worker", "index": 0})["TF_CONFIG"], "`task.type` must be in lower"),
        (config(TWO, worker(0, "ps"))["TF_CONFIG"], "parameter servers are not supported"),
        (config(TWO, worker(0, "evaluator"))["TF_CONFIG"], "the chief evaluates"),
    ],
)
def test_what_breaks_a_rule_is_told_in_one_line(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_cluster({"TF_CONFIG": text})
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def free_addresses(count: int) -> tuple[str, ...]:
    with ExitStack() as stack:
        ports = [stack.enter_context(taken_port()) for _ in range(count)]
    return tuple(f"127.0.0.1:{port}" for port in ports)


def meet_all(clusters: Sequence[Cluster], timeout_seconds: float) -> list[str]:
    """Lets all meet at once, each in a thread; gives for each the error, or nothing."""
    errors = [""] * len(clusters)

    def one(position: int) -> None:
        try:
            meet(clusters[position], timeout_seconds)
        except LstmSentimentError as error:
            errors[position] = f"{type(error).__name__}: {error}"

    threads = [threading.Thread(target=one, args=(i,)) for i in range(len(clusters))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.parametrize("count", [1, 2, 3])
def test_all_that_are_there_meet_and_leave_their_ports_free(count: int) -> None:
    addresses = free_addresses(count)
    clusters = [Cluster(addresses, index) for index in range(count)]
    for _ in range(2):
        assert meet_all(clusters, 30) == [""] * count


@pytest.mark.parametrize("seconds", [1e10, 1e300, math.inf])
def test_a_meeting_may_have_no_time_limit(seconds: float) -> None:
    addresses = free_addresses(2)
    assert meet_all([Cluster(addresses, index) for index in range(2)], seconds) == [""] * 2


def test_who_does_not_come_is_named_to_all_that_wait() -> None:
    addresses = free_addresses(3)
    chief, other = meet_all([Cluster(addresses, 0), Cluster(addresses, 1)], 1.0)
    rule = "TrainingError: All workers must be there within 1 s. Received: nothing from "
    missing = f"worker 2 at {addresses[2]}."
    assert chief == rule + missing
    assert other in (
        rule + missing,
        rule + f"worker 0 (the chief) at {addresses[0]}, which waits for others.",
    )


def test_a_chief_that_does_not_come_is_named() -> None:
    addresses = free_addresses(2)
    with pytest.raises(TrainingError, match=r"nothing from worker 0 \(the chief\) at 127"):
        meet(Cluster(addresses, 1), 0.5)


def test_a_port_that_is_taken_is_told_at_once() -> None:
    with taken_port() as port:
        cluster = Cluster((f"127.0.0.1:{port}", "127.0.0.1:1"), 0)
        with pytest.raises(ConfigError, match=f"the port of worker 0 must be free.*{port}"):
            meet(cluster, 600)


def test_workers_that_were_told_different_things_do_not_meet() -> None:
    a, b, c = free_addresses(3)
    chief, other = meet_all([Cluster((a, b), 0), Cluster((a, c), 1)], 1.0)
    assert f"nothing from worker 1 at {b}" in chief
    assert other.startswith("ConfigError: `TF_CONFIG`: all workers must have the same `cluster`")


def test_strangers_do_not_disturb_the_meeting() -> None:
    addresses = free_addresses(2)
    stop = threading.Event()

    def stranger() -> None:
        port = int(addresses[0].rpartition(":")[2])
        while not stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", port), 1) as connection:
                    connection.sendall(b"GET / HTTP/1.1\r\n\r\n\n")
            except OSError:
                stop.wait(0.01)

    thread = threading.Thread(target=stranger)
    thread.start()
    try:
        assert meet_all([Cluster(addresses, 0), Cluster(addresses, 1)], 30) == ["", ""]
    finally:
        stop.set()
        thread.join()


def connected(address: str) -> socket.socket:
    """A connection to an address that is about to listen."""
    host, _, port = address.rpartition(":")
    while True:
        try:
            return socket.create_connection((host, int(port)), 5)
        except ConnectionError:
            continue


def answer_of(chief: str, hello: bytes) -> bytes:
    with connected(chief) as connection:
        connection.sendall(hello)
        connection.settimeout(30)
        return connection.recv(1000)


def test_who_says_hello_from_elsewhere_is_named() -> None:
    """The chief can be called from worker 1, but cannot call it back."""
    chief, gone = free_addresses(2)
    hello = json.dumps({"index": 1, "addresses": [chief, gone]}).encode() + b"\n"
    failures: list[str] = []

    def lead() -> None:
        try:
            meet(Cluster((chief, gone), 0), 1)
        except TrainingError as error:
            failures.append(str(error))

    thread = threading.Thread(target=lead)
    thread.start()
    verdict = answer_of(chief, hello)
    thread.join()
    reason = "which has connected but cannot be reached at its address: Connection refused"
    missing = f"worker 1 at {gone}, {reason}"
    assert json.loads(verdict) == {"missing": [missing]}
    assert failures == [f"All workers must be there within 1 s. Received: nothing from {missing}."]


def test_a_worker_whose_address_answers_later_is_waited_for() -> None:
    """A pod's name may resolve only some seconds after the pod has started."""
    chief, late = free_addresses(2)
    hello = json.dumps({"index": 1, "addresses": [chief, late]}).encode() + b"\n"
    host, _, port = late.rpartition(":")
    with ExitStack() as listening:

        class Opens(SilentProgress):
            """Opens the worker's port once the chief has found it closed."""

            def say(self, message: str) -> None:
                if "cannot be reached" in message:
                    listening.enter_context(socket.create_server((host, int(port))))

        led = threading.Thread(
            target=lambda: meet(Cluster((chief, late), 0), 30, progress=Opens()), daemon=True
        )
        led.start()
        assert json.loads(answer_of(chief, hello)) == {"missing": []}
        led.join()


def test_a_worker_that_was_started_again_is_answered() -> None:
    """Its last process reported, and ended before the others came."""
    addresses = free_addresses(3)
    errors = [""] * 3

    def meet_as(index: int) -> None:
        try:
            meet(Cluster(addresses, index), 30)
        except LstmSentimentError as error:
            errors[index] = str(error)

    threads = [threading.Thread(target=meet_as, args=(index,)) for index in range(3)]
    threads[0].start()
    with connected(addresses[0]) as last_process:
        hello = {"index": 1, "addresses": addresses}
        last_process.sendall(json.dumps(hello).encode() + b"\n")
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [""] * 3


def test_the_reason_why_the_chief_is_not_reached_is_told() -> None:
    addresses = free_addresses(2)
    with pytest.raises(TrainingError) as raised:
        meet(Cluster(addresses, 1), 0.5)
    assert str(raised.value).endswith(
        f"nothing from worker 0 (the chief) at {addresses[0]}: Connection refused."
    )

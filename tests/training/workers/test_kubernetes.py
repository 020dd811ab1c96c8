"""`TF_CONFIG` in the pods of an Indexed Job, whose host name and index stand in for Kubernetes."""

import json
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.errors import ConfigError, InvalidInputError
from lstm_sentiment.training.workers.cluster import Cluster, read_cluster
from lstm_sentiment.training.workers.kubernetes import pod_environment

JOBS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?", fullmatch=True)
SERVICES = JOBS | st.sampled_from(["train.jobs.svc.cluster.local", "a" * 63])


def pod(
    patch: pytest.MonkeyPatch, host_name: str, index: str | None, **options: object
) -> dict[str, str]:
    """The environment of a worker in a pod."""
    patch.setattr(socket, "gethostname", lambda: host_name)
    own = {"HOME": "/tmp"} if index is None else {"HOME": "/tmp", "JOB_COMPLETION_INDEX": index}
    return pod_environment(**{"workers": 2, "environment": own, **options})  # type: ignore[arg-type]


@given(job=JOBS, workers=st.integers(1, 40), port=st.integers(1, 65_535), data=st.data())
def test_all_pods_of_a_job_name_the_same_workers_and_each_its_own_index(
    job: str, workers: int, port: int, data: st.DataObject
) -> None:
    service = data.draw(st.one_of(st.none(), SERVICES))
    expected = tuple(f"{job}-{index}.{service or job}:{port}" for index in range(workers))
    with pytest.MonkeyPatch.context() as patch:
        for index in range(workers):
            environment = pod(
                patch, f"{job}-{index}", str(index), workers=workers, service=service, port=port
            )
            assert read_cluster(environment) == Cluster(expected, index)
            assert environment["HOME"] == "/tmp"


def test_a_pod_with_its_whole_name_as_host_name_belongs_to_the_same_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment = pod(monkeypatch, "train-v2-1.train.default.svc.cluster.local", "1")
    assert json.loads(environment["TF_CONFIG"]) == {
        "cluster": {"worker": ["train-v2-0.train-v2:2222", "train-v2-1.train-v2:2222"]},
        "task": {"type": "worker", "index": 1},
    }


@pytest.mark.parametrize(
    ("host_name", "index", "message"),
    [
        ("train-0", None, "`completionMode: Indexed`. Received: none."),
        ("train-0", "", "Received: none."),
        ("train-0", "-1", "Received: -1."),
        ("train-2", "2", "`completions` and `parallelism`. Received: workers=2 in the pod of inde"),
        ("node-7", "0", "Received: 'node-7' in the pod of index 0."),
        ("train-10", "0", "Received: 'train-10' in the pod of index 0."),
        ("-0", "0", "The host name must be JOB-INDEX"),
        ("0", "0", "without `hostNetwork`"),
    ],
)
def test_what_is_no_pod_of_such_a_job_is_told(
    monkeypatch: pytest.MonkeyPatch, host_name: str, index: str | None, message: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        pod(monkeypatch, host_name, index)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("options", [{"workers": 0}, {"port": 0}])
def test_numbers_must_be_positive(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, object]
) -> None:
    with pytest.raises(InvalidInputError, match="must be a positive integer"):
        pod(monkeypatch, "train-0", "0", **options)


@pytest.mark.parametrize(
    "service",
    ["Bad_Name", "", "-a", "a-", "a..b", ".a", "a:1", "ä", "a\n", "a" * 64, "a." * 127 + "a"],
)
def test_a_name_that_no_service_can_have_is_refused_before_the_pod_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    with pytest.raises(InvalidInputError, match="`service` must be the name of a Service: "):
        pod(monkeypatch, "no-pod", None, service=service)

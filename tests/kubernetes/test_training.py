"""training.yaml: the Job, its Service, and the script of its pods."""

import os
import re
import socket
import subprocess
from pathlib import Path

import pytest

from lstm_sentiment.cli.app import BAD_INPUT
from lstm_sentiment.training.workers.cluster import read_cluster
from lstm_sentiment.training.workers.kubernetes import pod_environment
from tests.kubernetes.manifests import (
    TRAINING,
    container,
    image_user,
    mounted,
    only,
    unknown_flags,
    worker_pod,
)


def test_training_writes_to_its_volumes_and_to_tmp_which_is_its_home() -> None:
    trainer = container(worker_pod())
    writable = [m["mountPath"] for m in trainer["volumeMounts"] if not m.get("readOnly")]
    assert writable == ["/runs", "/models", "/tmp"]
    assert {"name": "HOME", "value": "/tmp"} in trainer["env"]
    # The group that may write to the volumes.
    assert worker_pod()["securityContext"]["fsGroup"] == image_user()


def test_all_pods_of_the_job_are_workers_that_find_each_other() -> None:
    job, pod = only("Job", TRAINING), worker_pod()
    spec, service = job["spec"], only("Service", TRAINING)
    assert service["spec"]["clusterIP"] == "None"
    name, workers = job["metadata"]["name"], spec["completions"]
    assert spec["completionMode"] == "Indexed"
    assert spec["parallelism"] == workers > 1  # all at once: each waits for the others
    # JOB-INDEX.SUBDOMAIN resolves if the Service has that name, and selects the Job's pods.
    assert pod["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["selector"] == {"batch.kubernetes.io/job-name": name}
    assert service["spec"]["publishNotReadyAddresses"] is True
    [port] = container(pod)["ports"]
    assert port["containerPort"] == service["spec"]["ports"][0]["port"]
    with pytest.MonkeyPatch.context() as patch:
        for index in range(workers):
            patch.setattr(socket, "gethostname", lambda number=index: f"{name}-{number}")
            cluster = read_cluster(
                pod_environment(
                    int(launch_flags()["workers"]),
                    service=launch_flags().get("service"),
                    environment={"JOB_COMPLETION_INDEX": str(index)},
                )
            )
            assert cluster is not None
            assert cluster.address == f"{name}-{index}.{pod['subdomain']}:{port['containerPort']}"
            assert (len(cluster.addresses), cluster.index) == (workers, index)


def test_a_lost_worker_is_started_again_and_bad_input_is_not() -> None:
    spec, pod = only("Job", TRAINING)["spec"], worker_pod()
    # Kubernetes takes the limits and the policy only with these two.
    assert (spec["completionMode"], pod["restartPolicy"]) == ("Indexed", "Never")
    assert spec["backoffLimitPerIndex"] >= 3
    assert spec["maxFailedIndexes"] == 0
    bad_input, disruption = spec["podFailurePolicy"]["rules"]
    assert bad_input["action"] == "FailJob"
    assert bad_input["onExitCodes"] == {
        "containerName": container(pod)["name"],
        "operator": "In",
        "values": [BAD_INPUT],
    }
    assert disruption["action"] == "Ignore"
    [condition] = disruption["onPodConditions"]
    assert condition == {"type": "DisruptionTarget", "status": "True"}
    # Two processes of one index would share an address and a run.
    assert spec["podReplacementPolicy"] == "Failed"


def test_workers_wait_for_each_other_longer_than_kubernetes_before_a_new_try(
    tmp_path: Path,
) -> None:
    settings = fit_arguments(run_worker(tmp_path / "run", tmp_path))
    [seconds] = [s.partition("=")[2] for s in settings if "start_timeout_seconds" in s]
    # The limit is MaxPodFailureBackOff of Kubernetes' job controller, 10 minutes.
    assert float(seconds) > 600


def run_worker(run_dir: Path, tmp_path: Path) -> list[str]:
    """The arguments that a worker's script gives to `lstm-sentiment`, which a stand-in prints."""
    stand_in = tmp_path / "bin" / "lstm-sentiment"
    stand_in.parent.mkdir()
    stand_in.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    stand_in.chmod(0o755)
    environment = {"PATH": f"{stand_in.parent}:{os.environ['PATH']}", "RUN_DIR": str(run_dir)}
    shell = container(worker_pod())["command"]
    done = subprocess.run(shell, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def launch_flags() -> dict[str, str]:
    """The flags of `launch` in the script, without the dashes."""
    script = container(worker_pod())["command"][-1]
    [words] = re.findall(r"exec lstm-sentiment launch (.*) -- ", script)
    found = re.findall(r"--([a-z-]+)(?: ([^-]\S*))?", words)
    return {name: value for name, value in found}


def fit_arguments(arguments: list[str]) -> list[str]:
    """The command after `launch ... --`."""
    assert arguments[0] == "launch"
    at = arguments.index("--")
    assert unknown_flags(arguments[:at]) == set()
    assert "--from-kubernetes" in arguments[:at]
    return arguments[at + 1 :]


def test_a_worker_begins_a_run(tmp_path: Path) -> None:
    arguments = fit_arguments(run_worker(tmp_path / "run", tmp_path))
    assert arguments[:3] == ["fit", "--strategy", "multi-worker"]
    assert arguments[arguments.index("--run-dir") + 1] == str(tmp_path / "run")
    assert unknown_flags(arguments) == set()
    data = arguments[arguments.index("--data") + 1]
    assert mounted(worker_pod(), data)["persistentVolumeClaim"]["claimName"] == "sentiment-data"


def test_a_worker_goes_on_with_a_run_that_was_cut_off(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    arguments = fit_arguments(run_worker(tmp_path, tmp_path))
    assert arguments == ["fit", "--resume", str(tmp_path)]
    assert unknown_flags(arguments) == set()


def test_a_worker_leaves_a_finished_run_alone(tmp_path: Path) -> None:
    for name in ("config.toml", "metrics.json"):
        (tmp_path / name).touch()
    assert run_worker(tmp_path, tmp_path) == [f"{tmp_path} is finished"]


def test_runs_are_kept_on_a_volume() -> None:
    [run_dir] = [v["value"] for v in container(worker_pod())["env"] if v["name"] == "RUN_DIR"]
    assert not mounted(worker_pod(), run_dir)["persistentVolumeClaim"].get("readOnly")

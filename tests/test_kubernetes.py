"""The manifests under `serving_configs/kubernetes`, against published schemas and each other."""

import copy
import os
import re
import shlex
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import tensorflow as tf
import yaml
from typer.main import get_command

from lstm_sentiment.cli.app import BAD_INPUT, app
from lstm_sentiment.models_config.config import load_models_config, parse_models_config
from lstm_sentiment.training.workers.cluster import read_cluster
from lstm_sentiment.training.workers.kubernetes import pod_environment
from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "serving_configs" / "kubernetes"
# The oldest that the README names, and the latest there are schemas for.
KUBERNETES_VERSIONS = ["1.33", kubernetes_validate.latest_version()]
INVALID = kubernetes_validate.ValidationError

Manifest = dict[str, Any]


def read(path: Path) -> list[Manifest]:
    return [document for document in yaml.safe_load_all(path.read_text("utf-8")) if document]


SERVING, LIGHT_SERVING, TRAINING = "serving.yaml", "serving-light.yaml", "training.yaml"
FILES = {path.name: read(path) for path in sorted(FOLDER.glob("*.yaml"))}
MANIFESTS = [manifest for manifests in FILES.values() for manifest in manifests]
# The same objects as in serving.yaml, with another server.
LIGHT = FILES[LIGHT_SERVING]


def only(kind: str, file: str = SERVING) -> Manifest:
    [manifest] = [manifest for manifest in FILES[file] if manifest["kind"] == kind]
    return manifest


def names(kind: str) -> set[str]:
    return {manifest["metadata"]["name"] for manifest in MANIFESTS if manifest["kind"] == kind}


def container(pod: Manifest) -> Manifest:
    [single] = pod["containers"]
    assert isinstance(single, dict)
    return single


def worker_pod() -> Manifest:
    return dict(only("Job", TRAINING)["spec"]["template"]["spec"])


def server_pod() -> Manifest:
    return dict(only("Deployment")["spec"]["template"]["spec"])


def light_pod() -> Manifest:
    return dict(only("Deployment", LIGHT_SERVING)["spec"]["template"]["spec"])


PODS = [worker_pod(), server_pod(), light_pod(), only("Pod", "upload.yaml")["spec"]]
POD_NAMES = ["worker", "server", "light", "upload"]
SERVERS = pytest.mark.parametrize("pod", [server_pod(), light_pod()], ids=["stock", "light"])


def server_flags(pod: Manifest) -> dict[str, str]:
    """The flags with TensorFlow Serving's names; a switch of ours is true."""
    flags = [arg.partition("=") for arg in container(pod)["args"] if arg.startswith("--")]
    return {name.removeprefix("--").replace("-", "_"): value or "true" for name, _, value in flags}


def mounted(pod: Manifest, path: str) -> Manifest:
    """The volume that is mounted at a path, or above it."""
    [mount] = [
        mount
        for mount in container(pod)["volumeMounts"]
        if Path(path).is_relative_to(mount["mountPath"])
    ]
    [volume] = [volume for volume in pod["volumes"] if volume["name"] == mount["name"]]
    assert isinstance(volume, dict)
    return volume


def validate(manifest: Manifest, version: str) -> None:
    # The package's command passes a kind that it does not know; this call raises.
    kubernetes_validate.validate(manifest, version, strict=True)


def mappings(value: Any) -> Iterator[Manifest]:
    """Every mapping in a document, itself included."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from mappings(inner)


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
@pytest.mark.parametrize(
    "manifest",
    MANIFESTS,
    ids=[f"{file}-{m['kind']}" for file, manifests in FILES.items() for m in manifests],
)
def test_manifests_follow_the_schemas(manifest: Manifest, version: str) -> None:
    validate(manifest, version)


@pytest.mark.parametrize(
    "manifest",
    {manifest["kind"]: manifest for manifest in MANIFESTS}.values(),
    ids=lambda manifest: manifest["kind"],
)
def test_an_unknown_field_is_found_wherever_it_stands(manifest: Manifest) -> None:
    places = len(list(mappings(manifest)))
    for place in range(places):
        broken = copy.deepcopy(manifest)
        # Labels, files and the like may have any name, but nothing takes a list of numbers.
        list(mappings(broken))[place]["misspelt"] = [0]
        with pytest.raises(INVALID):
            validate(broken, KUBERNETES_VERSIONS[-1])


@pytest.mark.parametrize(
    ("kind", "field", "misspelt"),
    [
        ("Job", "spec.backoffLimitPerIndex", "backOffLimitPerIndex"),
        ("Job", "spec.podFailurePolicy.rules.0.onExitCodes", "onExitCode"),
        ("Job", "spec.template.spec.containers.0.env", "environment"),
        ("Deployment", "spec.template.spec.containers.0.readinessProbe", "readyProbe"),
        ("HorizontalPodAutoscaler", "spec.minReplicas", "minimum"),
    ],
)
def test_a_misspelt_field_is_named(kind: str, field: str, misspelt: str) -> None:
    manifest = copy.deepcopy(only(kind, TRAINING if kind == "Job" else SERVING))
    *above, last = field.split(".")
    place: Any = manifest
    for step in above:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[misspelt] = place.pop(last)
    with pytest.raises(INVALID, match=misspelt):
        validate(manifest, KUBERNETES_VERSIONS[-1])


def test_an_unknown_kind_is_found() -> None:
    with pytest.raises(kubernetes_validate.SchemaNotFoundError):
        validate({**only("Job", TRAINING), "kind": "Jobb"}, KUBERNETES_VERSIONS[-1])


def test_models_config_is_that_of_the_repository() -> None:
    ours = load_models_config(REPOSITORY / "serving_configs" / "models.config")
    theirs = parse_models_config(only("ConfigMap")["data"]["models.config"])
    for config in (ours, theirs):
        for model in config.model_config_list.config:
            model.ClearField("base_path")
    assert theirs == ours


def test_versions_are_served_from_where_training_exports_them() -> None:
    config = parse_models_config(only("ConfigMap")["data"]["models.config"])
    [model] = config.model_config_list.config
    arguments = shlex.split(container(worker_pod())["command"][-1].replace("\\\n", ""))
    assert arguments[arguments.index("--model-dir") + 1] == model.base_path
    written = mounted(worker_pod(), model.base_path)["persistentVolumeClaim"]
    served = mounted(server_pod(), model.base_path)["persistentVolumeClaim"]
    assert served == {**written, "readOnly": True}


def test_metrics_are_where_the_annotations_say() -> None:
    # tensorflow_serving/config/monitoring_config.proto, which no package on PyPI holds.
    config = "".join(only("ConfigMap")["data"]["monitoring.config"].split())
    match = re.fullmatch(r'prometheus_config\{enable:truepath:"(.*)"\}', config)
    annotations = only("Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert match
    assert annotations["prometheus.io/path"] == match[1]
    for pod in (server_pod(), light_pod()):
        assert annotations["prometheus.io/port"] == server_flags(pod)["rest_api_port"]


def test_the_light_servers_objects_are_those_of_the_stock_one_but_for_the_container() -> None:
    stock = [copy.deepcopy(manifest) for manifest in read(FOLDER / "serving.yaml")]
    light = copy.deepcopy(LIGHT)
    for manifests in (stock, light):
        [deployment] = [manifest for manifest in manifests if manifest["kind"] == "Deployment"]
        pod = deployment["spec"]["template"]["spec"]
        kept = ("ports", "securityContext", "volumeMounts")
        pod["containers"] = [{name: container(pod)[name] for name in kept}]
        del pod["terminationGracePeriodSeconds"]
    assert light == stock


@SERVERS
def test_the_server_reads_files_of_the_config_map(pod: Manifest) -> None:
    flags = server_flags(pod)
    for flag in ("model_config_file", "monitoring_config_file"):
        assert Path(flags[flag]).name in only("ConfigMap")["data"]
        assert mounted(pod, flags[flag])["configMap"]["name"] in names("ConfigMap")


def test_the_servers_are_given_flags_that_they_know() -> None:
    ours = {
        opt.removeprefix("--").replace("-", "_")
        for option in commands()["serve"].params
        for opt in option.opts
    }
    assert set(server_flags(server_pod())) <= ours
    # The config has labels: see its first lines.
    assert server_flags(server_pod())["allow_version_labels_for_unavailable_models"] == "true"
    command, *flags = container(light_pod())["args"]
    assert command == "serve"
    assert unknown_flags([command, *(flag.partition("=")[0] for flag in flags)]) == set()


@SERVERS
def test_ports_are_those_of_the_flags(pod: Manifest) -> None:
    flags, server = server_flags(pod), container(pod)
    ports = {port["name"]: port["containerPort"] for port in server["ports"]}
    assert ports == {"grpc": int(flags["port"]), "rest": int(flags["rest_api_port"])}
    service = only("Service")["spec"]["ports"]
    assert {port["targetPort"]: port["port"] for port in service} == ports


def test_probes_ask_for_the_model_over_rest() -> None:
    config = parse_models_config(only("ConfigMap")["data"]["models.config"])
    [model] = config.model_config_list.config
    server = container(server_pod())
    for probe, path in {"startup": "/metadata", "readiness": "/metadata", "liveness": ""}.items():
        get = server[f"{probe}Probe"]["httpGet"]
        assert get == {"path": f"/v1/models/{model.name}{path}", "port": "rest"}


def test_the_light_server_is_asked_whether_it_is_ready_and_has_time_to_stop() -> None:
    pod, server = light_pod(), container(light_pod())
    for probe, path in {"startup": "readyz", "readiness": "readyz", "liveness": "healthz"}.items():
        assert server[f"{probe}Probe"]["httpGet"] == {"path": f"/{path}", "port": "rest"}
    before = server["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = int(server_flags(pod)["drain_seconds"])
    assert pod["terminationGracePeriodSeconds"] > before + drain


def test_the_server_is_of_our_tensorflow() -> None:
    image, tag = container(server_pod())["image"].split(":")
    assert image == "tensorflow/serving"
    assert tag.split(".")[:2] == tf.__version__.split(".")[:2]


def test_selectors_match_the_pods_of_the_deployment() -> None:
    spec = only("Deployment")["spec"]
    labels = spec["template"]["metadata"]["labels"].items()
    budget = only("PodDisruptionBudget")["spec"]["selector"]["matchLabels"]
    for selector in (spec["selector"]["matchLabels"], only("Service")["spec"]["selector"], budget):
        assert selector
        assert selector.items() <= labels


def test_the_autoscaler_scales_the_deployment() -> None:
    deployment, scaler = only("Deployment"), only("HorizontalPodAutoscaler")["spec"]
    assert scaler["scaleTargetRef"] == {
        "apiVersion": deployment["apiVersion"],
        "kind": deployment["kind"],
        "name": deployment["metadata"]["name"],
    }
    assert "replicas" not in deployment["spec"]
    # A share of the CPU time is a share of what was asked for.
    assert [metric["resource"]["name"] for metric in scaler["metrics"]] == ["cpu"]
    for pod in (server_pod(), light_pod()):
        assert container(pod)["resources"]["requests"]["cpu"]


@pytest.mark.parametrize("pod", PODS, ids=POD_NAMES)
def test_volumes_exist(pod: Manifest) -> None:
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert {mount["name"] for mount in container(pod)["volumeMounts"]} == set(volumes)
    for volume in volumes.values():
        if claim := volume.get("persistentVolumeClaim"):
            assert claim["claimName"] in names("PersistentVolumeClaim")


@pytest.mark.parametrize("pod", PODS, ids=POD_NAMES)
def test_nothing_runs_as_root(pod: Manifest) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == image_user()
    assert container(pod)["securityContext"]["allowPrivilegeEscalation"] is False


@SERVERS
def test_the_server_writes_nowhere_but_to_tmp(pod: Manifest) -> None:
    server = container(pod)
    assert server["securityContext"]["readOnlyRootFilesystem"] is True
    writable = [m["mountPath"] for m in server["volumeMounts"] if not m.get("readOnly")]
    assert writable == ["/tmp"]


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


def commands() -> dict[str, Any]:
    return dict(vars(get_command(app))["commands"])


def unknown_flags(arguments: list[str]) -> set[str]:
    known = {opt for option in commands()[arguments[0]].params for opt in option.opts}
    return {argument for argument in arguments if argument.startswith("-")} - known


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


def dockerfile() -> dict[str, list[str]]:
    """The arguments of each instruction, in order."""
    lines = re.findall(r"^([A-Z]+) (.*)$", (FOLDER / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    return {word: [rest for other, rest in lines if other == word] for word, _ in lines}


def image_user() -> int:
    [user] = dockerfile()["USER"]
    return int(user.split(":")[0])


def test_the_image_is_built_from_files_that_exist() -> None:
    sources = [source for line in dockerfile()["COPY"] for source in line.split()[:-1]]
    assert "lstm_sentiment" in sources
    assert [source for source in sources if not (REPOSITORY / source).exists()] == []


def test_the_readme_names_the_files_there_are() -> None:
    linked = set(re.findall(r"\]\(([A-Za-z.-]+)\)", (FOLDER / "README.md").read_text("utf-8")))
    assert linked == {path.name for path in FOLDER.iterdir()} - {"README.md"}

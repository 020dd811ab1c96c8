"""serving.yaml, serving-light.yaml, and what scales and protects their pods."""

import copy
import re
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
import tensorflow as tf

from lstm_sentiment import FitResult
from lstm_sentiment.models_config.config import load_models_config, parse_models_config
from lstm_sentiment.serving.monitoring.metric_definitions import QUEUE_SECONDS
from tests.conftest import REPOSITORY
from tests.exported import add_version
from tests.kubernetes.manifests import (
    ADAPTER,
    FILES,
    FOLDER,
    KEDA,
    LIGHT,
    LIGHT_SERVING,
    NETWORK,
    OTHERS,
    QUEUE,
    SERVERS,
    SERVING,
    TRAINING,
    Manifest,
    commands,
    container,
    light_pod,
    mounted,
    names,
    only,
    read,
    server_flags,
    server_pod,
    unknown_flags,
    worker_pod,
)
from tests.training.workers.test_cluster import free_addresses


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


@pytest.mark.parametrize("file", [SERVING, LIGHT_SERVING, QUEUE])
def test_the_autoscaler_scales_the_deployment(file: str) -> None:
    deployment, scaler = only("Deployment"), only("HorizontalPodAutoscaler", file)
    target = {
        "apiVersion": deployment["apiVersion"],
        "kind": deployment["kind"],
        "name": deployment["metadata"]["name"],
    }
    assert scaler["spec"]["scaleTargetRef"] == target
    # Two autoscalers of one Deployment would work against each other.
    assert scaler["metadata"]["name"] == only("HorizontalPodAutoscaler")["metadata"]["name"]
    assert "replicas" not in deployment["spec"]
    # A share of the CPU time is a share of what was requested.
    metrics = scaler["spec"]["metrics"]
    assert [m["resource"]["name"] for m in metrics if m["type"] == "Resource"] == ["cpu"]
    for pod in (server_pod(), light_pod()):
        assert container(pod)["resources"]["requests"]["cpu"]


def test_pods_are_spread_by_their_own_label() -> None:
    [constraint] = server_pod()["topologySpreadConstraints"]
    assert light_pod()["topologySpreadConstraints"] == [constraint]
    labels = only("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert constraint["labelSelector"]["matchLabels"].items() <= labels.items()


def test_the_light_server_counts_the_requested_cpus() -> None:
    """Python takes the variable from 3.13 on."""
    [count] = [v for v in container(light_pod())["env"] if v["name"] == "PYTHON_CPU_COUNT"]
    assert count["valueFrom"] == {"resourceFieldRef": {"resource": "requests.cpu"}}
    dockerfile = (REPOSITORY / "examples" / "docker" / "Dockerfile").read_text("utf-8")
    versions = re.findall(r"^FROM python:(\d+)\.(\d+)-", dockerfile, re.MULTILINE)
    assert versions
    assert all((int(major), int(minor)) >= (3, 13) for major, minor in versions)


def queue_metric() -> Manifest:
    [found] = [
        metric["pods"]
        for metric in only("HorizontalPodAutoscaler", QUEUE)["spec"]["metrics"]
        if metric["type"] == "Pods"
    ]
    return dict(found)


def test_the_adapter_makes_the_metric_of_the_autoscaler_from_one_of_the_server() -> None:
    [values] = OTHERS[ADAPTER]
    [rule] = values["rules"]["custom"]
    series = rule["seriesQuery"].partition("{")[0]
    assert series == f"{QUEUE_SECONDS.name}_sum"
    assert (
        re.sub(rule["name"]["matches"], rule["name"]["as"], series)
        == (queue_metric()["metric"]["name"])
    )
    # The labels of Prometheus that name a pod, and the resources of Kubernetes.
    for label, found in rule["resources"]["overrides"].items():
        assert f'{label}!=""' in rule["seriesQuery"]
        assert found == {"resource": label}
    assert rule["resources"]["overrides"].keys() == {"namespace", "pod"}
    assert "rate(<<.Series>>{<<.LabelMatchers>>}" in rule["metricsQuery"]
    # Without batching there is no queue.
    assert "enable_batching" in server_flags(light_pod())


def test_keda_scales_by_the_same_numbers() -> None:
    [scaled] = OTHERS[KEDA]
    scaler = only("HorizontalPodAutoscaler", QUEUE)["spec"]
    assert scaled["spec"]["scaleTargetRef"] == scaler["scaleTargetRef"]
    assert scaled["spec"]["minReplicaCount"] == scaler["minReplicas"]
    assert scaled["spec"]["maxReplicaCount"] == scaler["maxReplicas"]
    cpu, queue = scaled["spec"]["triggers"]
    assert (
        int(cpu["metadata"]["value"])
        == (scaler["metrics"][0]["resource"]["target"]["averageUtilization"])
    )
    assert queue["metadata"]["threshold"] == queue_metric()["target"]["averageValue"]
    assert f"sum(rate({QUEUE_SECONDS.name}_sum{{" in queue["metadata"]["query"]
    pods = re.search(r'pod=~"(.*?)"', queue["metadata"]["query"])
    assert pods and re.fullmatch(pods[1], f"{only('Deployment')['metadata']['name']}-5d4f-x7k")


def test_network_policies_select_the_pods_and_name_their_ports() -> None:
    servers, workers = FILES[NETWORK]
    labels = only("Deployment")["spec"]["template"]["metadata"]["labels"]
    selected = servers["spec"]["podSelector"]["matchLabels"]
    assert selected and selected.items() <= labels.items()
    ports = {port["name"] for port in container(light_pod())["ports"]}
    named = {port["port"] for rule in servers["spec"]["ingress"] for port in rule["ports"]}
    assert named == ports
    training = only("Service", TRAINING)["spec"]["selector"]
    assert workers["spec"]["podSelector"]["matchLabels"] == training
    among_workers = [{"podSelector": {"matchLabels": training}}]
    assert workers["spec"]["ingress"] == [{"from": among_workers}]
    assert workers["spec"]["egress"][0] == {"to": among_workers}
    [dns] = workers["spec"]["egress"][1:]
    assert {(port["port"], port["protocol"]) for port in dns["ports"]} == {(53, "UDP"), (53, "TCP")}
    for policy in (servers, workers):
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]


def get(port: int, path: str) -> str:
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def get_once_ready(port: int, path: str, server: subprocess.Popen[bytes]) -> str:
    """The answer of a server that is still starting, or an error once it has ended."""
    while server.poll() is None:
        try:
            return get(port, path)
        except (HTTPError, URLError, ConnectionError):
            continue
    raise AssertionError(f"the server ended with {server.returncode}")


@pytest.mark.timeout(120)
def test_a_server_with_the_flags_of_the_pod_answers_the_probes_and_publishes_the_metric(
    fitted: FitResult, tmp_path: Path
) -> None:
    """The real command, with free ports and the folders of this machine."""
    flags = dict(flag.partition("=")[::2] for flag in container(light_pod())["args"][1:])
    config = only("ConfigMap", LIGHT_SERVING)["data"]
    base_path, here = "/models/sentiment", tmp_path / "sentiment"
    for version in (1, 2):
        add_version(here, version, fitted)
    assert base_path in config["models.config"]
    for name, text in config.items():
        (tmp_path / name).write_text(text.replace(base_path, str(here)))
    port, rest_port = (int(address.rpartition(":")[2]) for address in free_addresses(2))
    flags |= {"--port": str(port), "--rest-api-port": str(rest_port), "--host": "127.0.0.1"}
    for flag in ("--model-config-file", "--monitoring-config-file"):
        flags[flag] = str(tmp_path / Path(flags[flag]).name)
    flags["--allowed-hosts"] = flags["--allowed-hosts"].replace("$(POD_NAMESPACE)", "default")
    arguments = ["serve", *(f"{flag}={value}" if value else flag for flag, value in flags.items())]
    with subprocess.Popen([sys.executable, str(REPOSITORY / "cli.py"), *arguments]) as server:
        try:
            for name in ("startup", "readiness", "liveness"):
                probe = container(light_pod())[f"{name}Probe"]["httpGet"]
                get_once_ready(rest_port, probe["path"], server)
            annotations = only("Deployment", LIGHT_SERVING)["spec"]["template"]["metadata"][
                "annotations"
            ]
            page = get(rest_port, annotations["prometheus.io/path"])
            [rule] = OTHERS[ADAPTER][0]["rules"]["custom"]
            series = rule["seriesQuery"].partition("{")[0]
            assert f'{series}{{model_name="sentiment"}} 0' in page
        finally:
            server.terminate()
        assert server.wait() == 0


@SERVERS
def test_the_server_writes_nowhere_but_to_tmp(pod: Manifest) -> None:
    writable = [m["mountPath"] for m in container(pod)["volumeMounts"] if not m.get("readOnly")]
    assert writable == ["/tmp"]

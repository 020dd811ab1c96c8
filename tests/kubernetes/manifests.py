"""The manifests under `serving_configs/kubernetes`, and what tests look up in them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from lstm_sentiment.cli.app import app
from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "serving_configs" / "kubernetes"
Manifest = dict[str, Any]


def read(path: Path) -> list[Manifest]:
    return [document for document in yaml.safe_load_all(path.read_text("utf-8")) if document]


SERVING, LIGHT_SERVING, TRAINING = "serving.yaml", "serving-light.yaml", "training.yaml"
QUEUE, KEDA, ADAPTER = "autoscaling-queue.yaml", "autoscaling-keda.yaml", "prometheus-adapter.yaml"
NETWORK = "network-policy.yaml"
# Values of a Helm chart, and a kind that Kubernetes itself does not have.
OTHERS = {name: read(FOLDER / name) for name in (ADAPTER, KEDA)}
FILES = {path.name: read(path) for path in sorted(FOLDER.glob("*.yaml")) if path.name not in OTHERS}
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


def commands() -> dict[str, Any]:
    return dict(vars(get_command(app))["commands"])


def unknown_flags(arguments: list[str]) -> set[str]:
    known = {opt for option in commands()[arguments[0]].params for opt in option.opts}
    return {argument for argument in arguments if argument.startswith("-")} - known


def dockerfile() -> dict[str, list[str]]:
    """The arguments of each instruction, in order."""
    lines = re.findall(r"^([A-Z]+) (.*)$", (FOLDER / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    return {word: [rest for other, rest in lines if other == word] for word, _ in lines}


def image_user() -> int:
    [user] = dockerfile()["USER"]
    return int(user.split(":")[0])

"""`serving_configs/docker-compose.yml`, against the files that it mounts."""

import ipaddress
import re
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
import yaml

from lstm_sentiment.models_config.config import load_models_config
from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "serving_configs"
# tensorflow_serving/model_servers/main.cc
STOCK_FLAGS = {
    "port",
    "rest_api_port",
    "model_config_file",
    "model_config_file_poll_wait_seconds",
    "allow_version_labels_for_unavailable_models",
    "enable_batching",
    "batching_parameters_file",
    "grpc_max_threads",
    "monitoring_config_file",
}


@pytest.fixture(scope="module")
def serving() -> dict[str, Any]:
    """The one service."""
    document = yaml.safe_load((FOLDER / "docker-compose.yml").read_text("utf-8"))
    assert list(document) == ["services"]
    [(name, service)] = document["services"].items()
    assert name == "serving"
    return dict(service)


def flags(serving: dict[str, Any]) -> dict[str, str]:
    return dict(flag.removeprefix("--").split("=", 1) for flag in serving["command"])


def mounts(serving: dict[str, Any]) -> dict[str, Path]:
    """From a path in the container to that in the repository."""
    volumes = [volume.split(":") for volume in serving["volumes"]]
    assert {mode for _, _, mode in volumes} == {"ro"}
    return {inside: (FOLDER / outside).resolve() for outside, inside, _ in volumes}


def test_the_server_is_of_our_tensorflow(serving: dict[str, Any]) -> None:
    image, tag = serving["image"].split(":")
    assert image == "tensorflow/serving"
    assert tag.split(".")[:2] == tf.__version__.split(".")[:2]
    assert serving["entrypoint"] == ["tensorflow_model_server"]


def test_the_files_that_it_reads_are_there(serving: dict[str, Any]) -> None:
    assert set(flags(serving)) == STOCK_FLAGS
    files = {value for name, value in flags(serving).items() if name.endswith("_file")}
    inside = mounts(serving)
    assert files == {path for path in inside if path.endswith(".config")}
    assert {inside[path] for path in files} == set(FOLDER.glob("*.config"))


def test_the_models_are_where_fit_exports_them(serving: dict[str, Any]) -> None:
    [model] = load_models_config(FOLDER / "models.config").model_config_list.config
    assert mounts(serving)[model.base_path] == REPOSITORY / "models" / "sentiment"
    # The config has labels: see its first lines.
    assert flags(serving)["allow_version_labels_for_unavailable_models"] == "true"


def test_only_this_machine_can_ask(serving: dict[str, Any]) -> None:
    published = [port.split(":") for port in serving["ports"]]
    assert all(ipaddress.ip_address(host).is_loopback for host, _, _ in published)
    ports = {flags(serving)["port"], flags(serving)["rest_api_port"]}
    assert {inside for _, _, inside in published} == ports


def test_the_container_may_do_nothing_but_serve(serving: dict[str, Any]) -> None:
    assert serving["read_only"] is True
    assert serving["cap_drop"] == ["ALL"]
    assert serving["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.*")), ids=lambda path: path.name)
def test_pages_that_comments_name_are_there(path: Path) -> None:
    comments = re.findall(r"^ *#(.*)", path.read_text("utf-8"), re.MULTILINE)
    pages = re.findall(r"[\w/.-]+\.md|README\b(?!\.)", "\n".join(comments))
    assert [page for page in pages if not (REPOSITORY / page).is_file()] == []

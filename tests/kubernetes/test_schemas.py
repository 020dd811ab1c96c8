"""The manifests against published schemas, and what holds for all of them."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest

from tests.conftest import REPOSITORY
from tests.kubernetes.manifests import (
    FILES,
    FOLDER,
    MANIFESTS,
    POD_NAMES,
    PODS,
    SERVING,
    TRAINING,
    Manifest,
    container,
    dockerfile,
    image_user,
    names,
    only,
)

# The oldest that the README names, and the latest there are schemas for.
KUBERNETES_VERSIONS = ["1.33", kubernetes_validate.latest_version()]
INVALID = kubernetes_validate.ValidationError


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


@pytest.mark.parametrize("pod", PODS, ids=POD_NAMES)
def test_volumes_exist(pod: Manifest) -> None:
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert {mount["name"] for mount in container(pod)["volumeMounts"]} == set(volumes)
    for volume in volumes.values():
        if claim := volume.get("persistentVolumeClaim"):
            assert claim["claimName"] in names("PersistentVolumeClaim")


@pytest.mark.parametrize("pod", PODS, ids=POD_NAMES)
def test_pods_meet_the_restricted_standard_with_a_read_only_image(pod: Manifest) -> None:
    # https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == image_user()
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    context = container(pod)["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["readOnlyRootFilesystem"] is True
    assert pod["automountServiceAccountToken"] is False
    assert {next(iter(volume.keys() - {"name"})) for volume in pod["volumes"]} <= {
        *("configMap", "emptyDir", "persistentVolumeClaim"),
    }


def test_the_image_is_built_from_files_that_exist() -> None:
    sources = [source for line in dockerfile()["COPY"] for source in line.split()[:-1]]
    assert "lstm_sentiment" in sources
    assert [source for source in sources if not (REPOSITORY / source).exists()] == []


def test_the_readme_names_the_files_there_are() -> None:
    linked = set(re.findall(r"\]\(([A-Za-z.-]+)\)", (FOLDER / "README.md").read_text("utf-8")))
    assert linked == {path.name for path in FOLDER.iterdir()} - {"README.md"}

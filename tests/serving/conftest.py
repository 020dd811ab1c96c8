from collections.abc import Iterator
from pathlib import Path

import pytest

from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions
from tests.serving.saved_models import copy_version, save_version


@pytest.fixture(scope="session")
def saved_versions(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Versions 1, 2 and 3, never to be changed."""
    base_path = tmp_path_factory.mktemp("saved")
    return {version: save_version(base_path, version) for version in (1, 2, 3)}


@pytest.fixture
def base_path(tmp_path: Path, saved_versions: dict[int, Path]) -> Path:
    """A base path with versions 1 and 2, to be changed at will."""
    path = tmp_path / "sentiment"
    path.mkdir()
    for version in (1, 2):
        copy_version(saved_versions[version], path, version)
    return path


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory, saved_versions: dict[int, Path]
) -> Iterator[ModelServer]:
    """A server of versions 1 and 2 with the labels stable and canary; only to be asked."""
    folder = tmp_path_factory.mktemp("served")
    base_path = folder / "sentiment"
    base_path.mkdir()
    for version in (1, 2):
        copy_version(saved_versions[version], base_path, version)
    config = folder / "models.config"
    config.write_text(
        f"""
        model_config_list {{
          config {{
            name: "sentiment"
            base_path: "{base_path}"
            model_platform: "tensorflow"
            model_version_policy {{ specific {{ versions: 1 versions: 2 }} }}
            version_labels {{ key: "stable" value: 1 }}
            version_labels {{ key: "canary" value: 2 }}
          }}
        }}
        """
    )
    with ModelServer(config, ServerOptions(file_system_poll_wait_seconds=0), port=0) as server:
        yield server

"""Which folders a config by request may name."""

import os
from pathlib import Path

import pytest

from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.serving.access.base_paths import AllowedBasePaths
from lstm_sentiment.serving.errors import PermissionDeniedError


def config_of(*base_paths: str | Path, log: str | Path | None = None) -> ModelServerConfig:
    config = ModelServerConfig()
    for number, base_path in enumerate(base_paths):
        model = config.model_config_list.config.add(name=f"m{number}", base_path=str(base_path))
        if log is not None:
            model.logging_config.log_collector_config.filename_prefix = str(log)
    return config


def allows(paths: AllowedBasePaths, *base_paths: str | Path, log: str | Path | None = None) -> bool:
    config = config_of(*base_paths, log=log)
    try:
        paths.check(config)
    except PermissionDeniedError as error:
        assert "\n" not in str(error)
        assert "--allowed-base-paths" in str(error)
        return False
    return True


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with the base paths `hotel` and `books`, beside `models2`, `secret` and links."""
    for name in ("models/hotel/1", "models/books/1", "models2/evil", "secret/evil/1"):
        (tmp_path / name).mkdir(parents=True)
    models = tmp_path / "models"
    (models / "way-out").symlink_to(tmp_path / "secret" / "evil")
    (models / "way-up").symlink_to(tmp_path)
    (tmp_path / "way-in").symlink_to(models)
    return models


def served(
    *folders: str | Path | None, base_path: Path, log: Path | None = None
) -> AllowedBasePaths:
    paths = AllowedBasePaths() if folders == (None,) else AllowedBasePaths(map(str, folders))
    paths.trust(config_of(base_path, log=log))
    return paths


def test_by_default_what_is_served_and_what_is_beside_it_may_be_named(models: Path) -> None:
    paths = served(None, base_path=models / "hotel")
    for name in ("hotel", "books", "hotel/", "./books", "books/../hotel", "comes/../later", "new"):
        assert allows(paths, f"{models}/{name}"), name
    assert allows(paths, models.parent / "way-in" / "books")
    assert allows(paths, models / "hotel", models / "books")
    assert allows(paths)  # no model at all


@pytest.mark.parametrize("folders", [(None,), ("models",)])
@pytest.mark.parametrize(
    "name",
    [
        "../models2/evil",
        "../models2",
        "..",
        "way-out",
        "way-up",
        "way-up/secret/evil",
        "hotel/../../secret/evil",
        "way-up/models2/evil",
        "../secret/../models2/evil",
    ],
)
def test_nothing_else_may_be_named(
    models: Path, name: str, folders: tuple[str | None, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(models.parent)
    paths = served(*folders, base_path=models / "hotel")
    assert not allows(paths, f"{models}/{name}")
    # One is enough to refuse all.
    assert not allows(paths, models / "hotel", f"{models}/{name}")


@pytest.mark.parametrize(
    "path", ["/", "/etc", "/proc/self/root", "/tmp", "/models\x00x", "/a" * 5000]
)
def test_no_folder_of_the_machine_may_be_named(models: Path, path: str) -> None:
    for paths in (served(None, base_path=models / "hotel"), served(models, base_path=models)):
        assert not allows(paths, path)


def test_named_folders_allow_what_is_in_them_at_any_depth_and_what_is_served(models: Path) -> None:
    paths = served(models.parent / "secret", base_path=models / "hotel")
    assert allows(paths, models.parent / "secret" / "evil")
    assert allows(paths, models.parent / "secret" / "a" / "b" / "c")
    assert allows(paths, models / "way-out")
    assert allows(paths, models / "hotel")
    assert not allows(paths, models / "books")
    assert allows(served("/", base_path=models), "/anywhere")


def test_no_folder_allows_only_what_is_served(models: Path) -> None:
    paths = AllowedBasePaths([])
    paths.trust(config_of(models / "hotel"))
    assert allows(paths, models / "hotel")
    assert not allows(paths, models / "books")


def test_a_folder_that_is_a_link_may_be_named_as_it_was_served(models: Path) -> None:
    link = models.parent / "current"
    link.symlink_to(models / "hotel")
    paths = served(None, base_path=link)
    assert allows(paths, link)
    # Whoever runs the server has moved it.
    link.unlink()
    link.symlink_to(models.parent / "secret" / "evil")
    assert allows(paths, link)


def test_folders_beside_one_in_the_root_or_in_a_folder_of_all_are_not_allowed(
    tmp_path: Path,
) -> None:
    paths = AllowedBasePaths()
    paths.trust(config_of("/models", tmp_path / "hotel"))
    assert allows(paths, "/models")
    assert allows(paths, "/models/")
    assert not allows(paths, "/etc")
    assert allows(paths, tmp_path / "books")
    tmp_path.chmod(0o1777)
    assert not allows(paths, tmp_path / "books")
    assert allows(paths, tmp_path / "hotel")


def test_what_is_served_later_may_be_named_too(models: Path) -> None:
    paths = served(None, base_path=models / "hotel")
    assert not allows(paths, models.parent / "secret" / "evil")
    paths.trust(config_of(models.parent / "secret" / "evil"))
    assert allows(paths, models.parent / "secret" / "evil", models / "hotel")


def test_paths_that_other_rules_refuse_are_left_to_them(models: Path) -> None:
    paths = served(None, base_path=models / "hotel")
    for path in ("", "relative", "s3://bucket/x"):
        assert allows(paths, path)


def test_a_request_log_is_written_where_a_base_path_may_be(models: Path, tmp_path: Path) -> None:
    log = tmp_path / "logs"
    paths = served(None, base_path=models / "hotel", log=log / "requests")
    assert allows(paths, models / "hotel", log=log / "others")
    assert allows(paths, models / "hotel", log=models / "logs" / "requests")
    for prefix in (tmp_path / "secret" / "x", log / ".." / "x", "/etc/cron.d/x", "x"):
        assert not allows(paths, models / "hotel", log=prefix), prefix


def test_the_refusal_quotes_what_came_and_tells_no_folder_of_the_server(models: Path) -> None:
    paths = served(models.parent / "secret", base_path=models / "hotel")
    with pytest.raises(PermissionDeniedError) as caught:
        paths.check(config_of("/e\nvil"))
    assert str(caught.value) == (
        "base_path must be in a folder that a reload request may name: one that is served, a "
        "neighbour of it, or one of the server's --allowed-base-paths. "
        "Received: base_path='/e\\nvil' for model 'm0'."
    )


def test_relative_folders_are_of_the_folder_that_the_server_started_in(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(models.parent)
    paths = served("secret", base_path=models / "hotel")
    os.chdir(models)
    assert allows(paths, models.parent / "secret" / "evil")

"""Where a URL of another tool is given for a path: refused in one line, or taken."""

from pathlib import Path

import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.local_paths import sqlite_path
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.pipeline.overrides import with_overrides
from lstm_sentiment.ranges import PATH


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("hdfs://namenode:8020/a", "mount what is elsewhere, or copy it"),
        ("S3://bucket/a", "mount what is elsewhere"),
        ("https://host/a.csv", "download it first"),
        ("file:///data/a.csv", "write /data/a.csv without `file:`"),
        ("sqlite:///a.db", "mount what is elsewhere"),
    ],
)
def test_a_url_is_no_path(given: str, told: str) -> None:
    for kind in (str, Path):
        assert told in str(PATH.broken_by(kind(given)))


@pytest.mark.parametrize("given", ["a", "/a/b:c", "C:/a", "C:\\a", "a:b", "https", "a/s3://b"])
def test_any_other_path_passes(given: str) -> None:
    assert PATH.broken_by(given) is None


def test_a_file_of_that_name_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd:").mkdir()
    (tmp_path / "odd:/a.csv").touch()
    assert PATH.broken_by(Path("odd:/a.csv")) is None


@pytest.mark.parametrize("name", ["data", "model_dir", "vectors", "run_dir"])
def test_a_config_holds_no_url(name: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"^`{name}` must be a file or folder of this"):
        with_overrides(PipelineConfig(), {name: ("gs://b/a",) if name == "data" else "gs://b/a"})


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("tn/u.db", "tn/u.db"),
        (Path("/tn/u.db"), "/tn/u.db"),
        ("sqlite:///tn/u.db", "tn/u.db"),
        ("sqlite:////tn/u.db", "/tn/u.db"),
        ("sqlite+pysqlite:///u.db", "u.db"),
    ],
)
def test_an_sqlite_file_is_a_path_or_its_url(given: str | Path, path: str) -> None:
    assert sqlite_path(given) == Path(path)


@pytest.mark.parametrize(
    "given",
    [
        *("sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://host/u.db", "sqlite:u.db"),
        *("sqlite:///u.db?timeout=3", "mysql://u:secret@h/db", "postgresql+psycopg://h/db"),
        *("redis://h", "file:///u.db"),
    ],
)
def test_any_other_database_is_refused(given: str) -> None:
    with pytest.raises(InvalidInputError, match=r"must be the path of an SQLite file") as raised:
        sqlite_path(given)
    assert "secret" not in str(raised.value)

import shutil
from collections.abc import Set
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.errors import ExportError, InvalidInputError
from lstm_sentiment.export.retention import remove_old_versions


def write_version(base_path: Path, name: int | str) -> Path:
    folder = base_path / str(name)
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").touch()
    (folder / "variables" / "variables.index").touch()
    return folder


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


@given(
    versions=st.sets(st.integers(0, 20) | st.integers(0, 2**63 - 1), max_size=6),
    keep=st.integers(1, 7),
    protected=st.frozensets(st.integers(0, 20), max_size=6),
)
def test_the_highest_and_the_protected_stay_and_all_others_go(
    tmp_path_factory: pytest.TempPathFactory,
    versions: Set[int],
    keep: int,
    protected: frozenset[int],
) -> None:
    base_path = tmp_path_factory.mktemp("versions")
    for version in versions:
        write_version(base_path, version)
    removed = remove_old_versions(base_path, keep, protected)
    highest = set(sorted(versions, reverse=True)[:keep])
    stay = highest | (versions & protected)
    assert names(base_path) == {str(version) for version in stay}
    assert removed == sorted(versions - stay)
    assert all((base_path / str(version) / "saved_model.pb").is_file() for version in stay)
    assert remove_old_versions(base_path, keep, protected) == []
    shutil.rmtree(base_path)


def test_nothing_but_versions_is_touched(tmp_path: Path) -> None:
    odd = {"+1", "-1", "1.0", "٣", "1_0", str(2**63), ".writing-x", "best", "2 "}
    for name in odd:
        write_version(tmp_path, name)
    (tmp_path / "4").mkdir()  # no saved model in it: it is not for us to remove
    (tmp_path / "5").touch()
    for version in (0, 1, 2, 3):
        write_version(tmp_path, version)
    assert remove_old_versions(tmp_path, 1) == [0, 1, 2]
    assert names(tmp_path) == odd | {"3", "4", "5"}


def test_a_version_is_out_of_sight_before_a_file_of_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in (1, 2, 10):
        write_version(tmp_path, version)
    seen: list[str] = []
    rmtree = shutil.rmtree

    def watched(folder: Path, **options: Any) -> None:
        assert {name for name in names(tmp_path) if not name.startswith(".")} == {"10"}
        assert (folder / "saved_model.pb").exists()
        seen.append(folder.name)
        rmtree(folder, **options)

    monkeypatch.setattr(shutil, "rmtree", watched)
    assert remove_old_versions(tmp_path, 1) == [1, 2]
    assert {name.rsplit("-", 1)[0] for name in seen} == {".removing-1", ".removing-2"}


def test_the_oldest_is_put_aside_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in (10, 9, 2):
        write_version(tmp_path, version)
    seen = []
    rename = Path.rename

    def watched(self: Path, target: Path) -> Path:
        seen.append(self.name)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", watched)
    remove_old_versions(tmp_path, 1)
    assert seen == ["2", "9"]


def test_what_a_killed_process_left_is_deleted(tmp_path: Path) -> None:
    write_version(tmp_path, ".removing-1-abc")
    (tmp_path / ".removing-2-def").mkdir()
    write_version(tmp_path, 3)
    assert remove_old_versions(tmp_path, 5) == []
    assert names(tmp_path) == {"3"}


def test_a_version_kept_elsewhere_loses_its_link_only(tmp_path: Path) -> None:
    elsewhere = write_version(tmp_path / "elsewhere", "seven")
    base_path = tmp_path / "versions"
    write_version(base_path, 8)
    (base_path / "7").symlink_to(elsewhere)
    assert remove_old_versions(base_path, 1) == [7]
    assert names(base_path) == {"8"}
    assert (elsewhere / "saved_model.pb").exists()


def test_a_version_that_a_kept_one_links_to_stays(tmp_path: Path) -> None:
    for version in (1, 2, 3):
        write_version(tmp_path, version)
    (tmp_path / "4").symlink_to("2")
    assert remove_old_versions(tmp_path, 1) == [1, 3]
    assert names(tmp_path) == {"2", "4"}


def test_two_processes_may_remove_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in (1, 2, 3):
        write_version(tmp_path, version)
    rename, rmtree = Path.rename, shutil.rmtree

    def too_late(self: Path, target: Path) -> Path:
        if self.name == "1":
            rmtree(self)
        return rename(self, target)

    def interrupted(folder: Path) -> None:
        monkeypatch.setattr(shutil, "rmtree", rmtree)
        (folder / "saved_model.pb").unlink()
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(Path, "rename", too_late)
    monkeypatch.setattr(shutil, "rmtree", interrupted)
    assert remove_old_versions(tmp_path, 1) == [2]
    assert names(tmp_path) == {"3"}


@pytest.mark.parametrize("keep", [0, -1])
def test_at_least_one_version_is_kept(tmp_path: Path, keep: int) -> None:
    write_version(tmp_path, 1)
    with pytest.raises(InvalidInputError, match=f"positive integer. Received: keep={keep}"):
        remove_old_versions(tmp_path, keep)
    assert names(tmp_path) == {"1"}


def test_what_cannot_be_removed_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    with pytest.raises(ExportError, match=r"absent: cannot be read: No such file or directory\.$"):
        remove_old_versions(tmp_path / "absent", 1)
    for version in (1, 2):
        write_version(tmp_path, version)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", refused)
        with pytest.raises(ExportError, match=r"/1: cannot be removed: Permission denied\.$"):
            remove_old_versions(tmp_path, 1)
    assert names(tmp_path) == {"1", "2"}
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", refused)
        with pytest.raises(ExportError, match=r"\.removing-1-\w+: cannot be removed: Permission"):
            remove_old_versions(tmp_path, 1)
    assert remove_old_versions(tmp_path, 1) == []
    assert names(tmp_path) == {"2"}

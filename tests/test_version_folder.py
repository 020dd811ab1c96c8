"""The rule of what a version is, as the server, `predict`, `--keep` and `fit` apply it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.errors import ExportError, ServableNotFoundError
from lstm_sentiment.export.retention import remove_old_versions
from lstm_sentiment.models_config.version_policy import All, ServableToMonitor
from lstm_sentiment.serving.reload.source import FileSystemStoragePathSource
from lstm_sentiment.version_folder import (
    GRAPH,
    MAX_VERSION,
    find_version,
    find_versions,
    next_version,
    parse_version,
    probabilities_of,
    version_folders,
    version_number,
)

NO_VERSIONS = (
    "-1",
    "+1",
    "1.0",
    "1_0",
    "٣",
    " 2",
    "2 ",
    "best",
    ".writing-9",
    str(2**63),
    "9" * 5000,
)


def write_versions(base_path: Path, names: Iterable[str]) -> None:
    for name in names:
        (base_path / name).mkdir(parents=True)
        (base_path / name / GRAPH).touch()


def served(base_path: Path) -> Mapping[int, Path]:
    """The versions that a server told to serve all of them would load."""
    aspired: dict[str, Mapping[int, Path]] = {}
    FileSystemStoragePathSource(
        [ServableToMonitor("m", base_path, All())], aspired.__setitem__
    ).poll_once()
    return aspired["m"]


@pytest.mark.parametrize(
    ("names", "version", "folder"),
    [
        (("3", "10"), 10, "10"),
        (("3", "007"), 7, "007"),
        (("3", "007", "7"), 7, "7"),
        (("0",), 0, "0"),
        (("3", str(2**63), "-8", "٩", "best"), 3, "3"),
        (("3", str(MAX_VERSION - 1)), MAX_VERSION - 1, str(MAX_VERSION - 1)),
    ],
)
def test_server_predict_keep_and_fit_agree_on_the_highest_version(
    tmp_path: Path, names: tuple[str, ...], version: int, folder: str
) -> None:
    write_versions(tmp_path, names)
    assert max(served(tmp_path)) == version
    assert served(tmp_path)[version] == tmp_path / folder
    assert find_version(tmp_path) == tmp_path / folder
    assert find_versions(tmp_path, [version]) == [tmp_path / folder]
    assert version_number(tmp_path / folder) == version
    assert next_version(tmp_path) == version + 1
    remove_old_versions(tmp_path, keep=1)
    assert dict(served(tmp_path)) == {version: tmp_path / folder}


def test_the_folder_that_was_meant_is_named(tmp_path: Path) -> None:
    write_versions(tmp_path / "models" / "reviews", ("1",))
    (tmp_path / "models" / "another").mkdir()
    with pytest.raises(ServableNotFoundError) as above:
        find_version(tmp_path / "models")
    assert str(above.value).endswith(f" Did you mean {str(tmp_path / 'models' / 'reviews')!r}?")
    with pytest.raises(ServableNotFoundError, match=r"Received: no folder\. `fit` makes one\.$"):
        find_version(tmp_path / "models" / "1" / "none")


def test_a_file_is_no_version_but_its_number_is_not_given_again(tmp_path: Path) -> None:
    write_versions(tmp_path, ["3"])
    (tmp_path / "5").write_text("not a version")
    assert set(served(tmp_path)) == {3}
    assert find_version(tmp_path) == tmp_path / "3"
    assert next_version(tmp_path) == 6
    assert remove_old_versions(tmp_path, keep=1) == []
    assert (tmp_path / "5").read_text() == "not a version"


def test_an_old_version_under_two_names_goes_under_both(tmp_path: Path) -> None:
    write_versions(tmp_path, ["7", "007", "8"])
    assert remove_old_versions(tmp_path, keep=1) == [7]
    assert set(served(tmp_path)) == {8}


def test_above_the_largest_number_there_is_none(tmp_path: Path) -> None:
    write_versions(tmp_path, [str(MAX_VERSION)])
    assert set(served(tmp_path)) == {MAX_VERSION}
    with pytest.raises(
        ExportError, match=f"must be below {MAX_VERSION}, .* Received: {MAX_VERSION}"
    ):
        next_version(tmp_path)


def test_the_first_version_is_1(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    assert version_folders(tmp_path) == {}
    assert next_version(tmp_path) == 1
    with pytest.raises(ServableNotFoundError, match="Received: a folder without any"):
        find_version(tmp_path)


@given(st.integers(0, MAX_VERSION), st.integers(0, 30))
def test_every_number_is_read_back_whatever_zeros_lead(number: int, zeros: int) -> None:
    assert parse_version("0" * zeros + str(number)) == number


@pytest.mark.parametrize("name", [*NO_VERSIONS, ""])
def test_nothing_else_is_a_number(name: str) -> None:
    assert parse_version(name) is None


@given(
    st.lists(st.lists(st.floats(-300, 300), min_size=3, max_size=3), min_size=1, max_size=4),
    st.floats(0.1, 10),
)
def test_probabilities_sum_to_one_and_keep_the_order(
    logits: list[list[float]], temperature: float
) -> None:
    for row, probabilities in zip(logits, probabilities_of(logits, temperature), strict=True):
        assert probabilities.sum() == pytest.approx(1)
        assert probabilities[row.index(max(row))] == probabilities.max()

from pathlib import Path

import pytest

from lstm_sentiment import system
from lstm_sentiment.cgroup import cpu_limit


@pytest.mark.parametrize(
    ("own", "limits", "expected"),
    [
        # A container, which sees its own cgroup as the root.
        ("0::/\n", {"": "150000 100000\n"}, 1.5),
        ("0::/\n", {"": "max 100000\n"}, None),
        ("0::/\n", {}, None),
        # A service of systemd: the lowest limit of the groups above counts.
        ("0::/a/b.service\n", {"a/b.service": "max 100000", "a": "200000 100000"}, 2.0),
        ("0::/a/b.service\n", {"a/b.service": "50000 100000", "a": "200000 100000"}, 0.5),
        ("0::/a\n", {"other": "50000 100000"}, None),
        # Version 1 beside version 2, or alone.
        ("3:cpuset:/x\n0::/a\n", {"a": "300000 100000"}, 3.0),
        ("3:cpuset:/x\n", {}, None),
        ("0::/\n", {"": "what no kernel writes"}, None),
    ],
)
def test_the_lowest_limit_counts(
    tmp_path: Path, own: str, limits: dict[str, str], expected: float | None
) -> None:
    (tmp_path / "own").write_text(own)
    root = tmp_path / "cgroup"
    for folder, limit in limits.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "cpu.max").write_text(limit)
    assert cpu_limit(root, tmp_path / "own") == expected


def test_without_cgroups_there_is_no_limit(tmp_path: Path) -> None:
    assert cpu_limit(tmp_path / "absent", tmp_path / "absent") is None


@pytest.mark.parametrize(("limit", "cpus"), [(None, 8), (16.0, 8), (2.5, 3), (1.0, 1), (0.1, 1)])
def test_threads_are_counted_by_the_limit_of_a_container(
    monkeypatch: pytest.MonkeyPatch, limit: float | None, cpus: int
) -> None:
    monkeypatch.setattr(system, "_runnable_cpus", lambda: 8)
    monkeypatch.setattr(system, "cpu_limit", lambda: limit)
    assert system.usable_cpus() == cpus

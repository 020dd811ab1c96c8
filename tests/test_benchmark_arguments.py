"""Benchmarks that documentation names refuse bad arguments in one line, before they measure."""

from pathlib import Path

import pytest

from benchmarks import load_cycles, uneven_batches


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "{here}", "--cycles", "0"], "--cycles must be at least 5. Received: 0"),
        (["--model", "{here}/missing"], "Received: no folder"),
    ],
)
def test_load_cycles(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [argument.format(here=tmp_path) for argument in arguments]
    monkeypatch.setattr("sys.argv", ["load_cycles", *given])
    with pytest.raises(SystemExit) as ended:
        load_cycles.main()
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_uneven_batches_shows_its_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["uneven_batches", "--help"])
    with pytest.raises(SystemExit) as ended:
        uneven_batches.main()
    assert ended.value.code == 0
    assert "largest difference of a weight" in capsys.readouterr().out

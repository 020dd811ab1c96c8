"""`show_progress`: long steps of the library become visible in scripts and notebooks."""

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from lstm_sentiment import read_corpus, show_progress
from lstm_sentiment.cli.shown_progress import NotebookProgress
from lstm_sentiment.progress import CHOSEN, SILENT, in_parts


@pytest.fixture(autouse=True)
def _silent_again() -> Iterator[None]:
    yield
    show_progress(False)


class Shown:
    """In the place of IPython's display handle."""

    def __init__(self) -> None:
        self.lines: list[Any] = []

    def display(self, line: Any, *, display_id: bool) -> "Shown":
        assert display_id
        self.lines.append(line)
        return self

    def update(self, line: Any) -> None:
        self.lines.append(line)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 0.15
        return self.seconds


def test_a_file_gets_the_messages_until_progress_is_hidden_again(
    capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    (tmp_path / "a.csv").write_text("text,label\na,1\nb,1.0\n")
    read_corpus([tmp_path / "a.csv"])
    assert capsys.readouterr().err == ""
    show_progress()
    read_corpus([tmp_path / "a.csv"])
    shown = capsys.readouterr()
    assert "`1` and `1.0` are one class" in shown.err
    assert shown.out == ""
    show_progress(False)
    read_corpus([tmp_path / "a.csv"])
    assert capsys.readouterr().err == ""


def test_the_chosen_display_gets_steps_of_functions_without_progress() -> None:
    shown = Shown()
    CHOSEN.display = NotebookProgress(shown.display, Clock())
    list(in_parts(range(4), 2, "Counting", SILENT))
    assert repr(shown.lines[-1]).startswith("Counting: 4/4")


def test_a_notebook_shows_a_bar_that_is_updated_in_place(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = Shown()
    progress = NotebookProgress(shown.display, Clock())
    with progress.step("Training <b>", 4) as advance:
        advance(1, status="loss 0.5")
        advance(1)
        advance(2)
    assert repr(shown.lines[0]).startswith("Training <b>: 0/4")
    assert repr(shown.lines[-1]) == "Training <b>: 4/4, 0:01, loss 0.5"
    assert "left" in repr(shown.lines[1])
    html = shown.lines[-1]._repr_html_()
    assert "Training &lt;b&gt;" in html
    assert '<progress value="4" max="4">' in html
    progress.say("Read 4 texts")
    assert capsys.readouterr().out == "Read 4 texts\n"


def test_a_step_without_parts_and_one_that_fails_end_their_line() -> None:
    shown = Shown()
    progress = NotebookProgress(shown.display, Clock())
    with progress.step("Exporting", 0):
        pass
    with pytest.raises(ValueError), progress.step("Training", 2) as advance:
        advance()
        raise ValueError
    assert repr(shown.lines[-1]).startswith("Training: 1/2")


def test_a_notebook_is_recognized(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=Shown().display))
    show_progress()
    assert isinstance(CHOSEN.display, NotebookProgress)
    del shell.kernel  # IPython in a terminal
    show_progress()
    assert not isinstance(CHOSEN.display, NotebookProgress)

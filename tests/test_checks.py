import importlib.util
import platform
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.checks import (
    at_least,
    closest,
    did_you_mean,
    in_range,
    one_of,
    positive,
    positive_number,
    positive_number_or_auto,
    positive_seconds,
    require_train,
    share,
    share_below_one,
    unreadable,
)
from lstm_sentiment.errors import InvalidInputError, MissingExtraError

NAMES = st.text(min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("predcit", "predict"),
        ("PREDICT", "predict"),
        ("text_column", "--text-column"),
        ("--text-colum", "--text-column"),
        ("xyz", None),
        ("", None),
        (3, None),
        (None, None),
    ],
)
def test_the_closest_choice_is_found_or_none_is(given: object, meant: str | None) -> None:
    assert closest(given, ["fit", "predict", "--text-column"]) == meant


@given(NAMES, st.lists(NAMES))
def test_what_is_suggested_is_among_the_choices(given: str, choices: list[str]) -> None:
    assert closest(given, choices) in {*choices, None}


@given(NAMES.filter(lambda name: name.strip("-_")), st.lists(NAMES))
def test_a_choice_itself_is_closest_to_itself_but_for_its_spelling(
    choice: str, others: list[str]
) -> None:
    found = closest(choice, [choice, *others])
    assert found is not None
    assert closest(found, [choice]) is not None


def test_a_message_has_rule_what_arrived_and_what_was_meant() -> None:
    assert did_you_mean("fast", ["accurate"]) == ""
    one_of(["fast", "accurate"], preset="fast")
    with pytest.raises(InvalidInputError) as refusal:
        one_of(["fast", "accurate"], preset="fst")
    assert str(refusal.value) == (
        "`preset` must be one of: fast, accurate. Received: 'fst'. Did you mean 'fast'?"
    )


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("check", "good", "bad", "rule"),
    [
        (positive, [1, 2**70], [0, -1, 1.0, True, "1", NAN], "a positive integer"),
        (
            positive_number_or_auto,
            ["auto", 1e-9, 3],
            ["car", True, 0, NAN, INF],
            "a positive number or 'auto'",
        ),
        (positive_number, [1e-9, 3], [0, -0.5, NAN, INF], "a positive number"),
        (positive_seconds, [1e-9, 3, INF], [0, -0.5, NAN], "a positive number"),
        (share, [0, 0.5, 1], [-0.1, 1.1, NAN], "from 0 to 1"),
        (share_below_one, [0, 0.999], [1, -0.1, NAN], "at least 0 and below 1"),
        (partial(at_least, 2), [2, 2.5], [1.9, NAN], "at least 2"),
        (partial(in_range, 1, 3), [1, 3], [0, 4, 2.0, True, NAN], "an integer from 1 to 3"),
    ],
)
def test_a_check_lets_the_good_pass_and_names_rule_and_value(
    check: Callable[..., None], good: list[Any], bad: list[Any], rule: str
) -> None:
    for value in (*good, None):
        check(fine=good[0], size=value)
    for value in bad:
        with pytest.raises(InvalidInputError) as refusal:
            check(fine=good[0], size=value)
        assert str(refusal.value) == f"`size` must be {rule}. Received: size={value!r}."


def test_no_minimum_lets_infinity_pass() -> None:
    with pytest.raises(InvalidInputError, match=r"`size` must be finite\. Received: size=inf"):
        at_least(0, size=INF)


def missing(path: Path) -> str:
    try:
        path.read_bytes()
    except OSError as error:
        return unreadable(path, error)
    raise AssertionError(path)


def test_a_file_of_a_similar_name_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").touch()
    (tmp_path / ".reviews2.csv").touch()
    assert missing(tmp_path / "reviews2.csv") == (
        f"{tmp_path}/reviews2.csv: cannot be read: No such file or directory. "
        f"Did you mean '{tmp_path}/reviews.csv'?"
    )


def test_where_a_folder_was_mistyped_the_folder_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    message = missing(tmp_path / "model" / "sentiment" / "1")
    assert message.endswith(f"Did you mean '{tmp_path}/models'?")


def test_nothing_is_suggested_where_nothing_is_alike(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    assert missing(tmp_path / "reviews.csv").endswith("No such file or directory.")
    assert missing(tmp_path).endswith("Is a directory.")
    assert "Did you mean" not in missing(Path("/nowhere/at/all"))


@pytest.mark.parametrize(
    ("system", "machine", "remedy"),
    [
        ("linux", "aarch64", "pip install 'lstm-sentiment[train]'"),
        ("darwin", "arm64", "pip install 'lstm-sentiment[train]'"),
        ("darwin", "x86_64", "use Linux, as in a container"),
        ("win32", "AMD64", "use WSL or Linux"),
    ],
)
def test_who_cannot_install_tensorflow_text_learns_where_training_works(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, remedy: str
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    with pytest.raises(MissingExtraError) as raised:
        require_train()
    assert str(raised.value).startswith("training needs TensorFlow: ")
    assert str(raised.value).endswith(remedy)

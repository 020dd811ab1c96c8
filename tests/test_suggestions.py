from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.suggestions import closest, did_you_mean, not_among, unreadable

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
    assert not_among("preset", ["fast", "accurate"], "fst") == (
        "`preset` must be one of: fast, accurate. Received: 'fst'. Did you mean 'fast'?"
    )


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

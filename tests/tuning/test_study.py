"""A study whose file was damaged, by hand and by a disk."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from optuna.trial import TrialState

from lstm_sentiment import ConfigError
from lstm_sentiment.tuning.study import TURN, check_trials, open_study, seal


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """A study of three trials: complete, pruned and failed."""
    path = tmp_path / "tune.db"
    with open_study(path, "tune") as study:
        for turn, state in enumerate(("COMPLETE", "PRUNED", "FAIL"), start=1):
            trial = study.ask()
            trial.set_user_attr(TURN, turn)
            trial.suggest_float("training.dropout", 0.0, 1.0)
            losses = [0.75, 0.5]
            for epoch, loss in enumerate(losses, start=1):
                trial.report(loss, epoch)
            seal(trial, state, losses)
            if state == "FAIL":
                trial.set_user_attr("failure", "no number")
            study.tell(trial, 0.5 if state == "COMPLETE" else None, state=TrialState[state])
    return path


def check(storage: Path) -> None:
    with open_study(storage, "tune") as study:
        check_trials(study, storage)


def change(storage: Path, statement: str) -> None:
    with closing(sqlite3.connect(storage)) as database, database:
        assert database.execute(statement).rowcount > 0


def test_a_study_as_it_was_stored_passes(storage: Path) -> None:
    check(storage)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trial_params SET param_value = param_value + 0.125 WHERE trial_id = 1",
        "UPDATE trial_intermediate_values SET intermediate_value = 0.25 WHERE trial_id = 2",
        "UPDATE trials SET state = 'COMPLETE' WHERE trial_id = 2",
        "DELETE FROM trial_intermediate_values WHERE trial_id = 3 AND step = 2",
    ],
)
def test_another_value_is_told(storage: Path, statement: str) -> None:
    change(storage, statement)
    with pytest.raises(
        ConfigError, match=r"tune\.db: trial \d of study 'tune' must be as .*--study"
    ):
        check(storage)


def test_what_optuna_cannot_read_is_told(storage: Path) -> None:
    change(storage, "UPDATE trial_params SET distribution_json = '{' WHERE trial_id = 1")
    with pytest.raises(ConfigError, match=r"tune\.db: must hold trials that `tune` stored"):
        check(storage)


def test_trials_of_an_earlier_release_are_taken_as_they_are(storage: Path) -> None:
    change(storage, "DELETE FROM trial_user_attributes WHERE key = 'digest'")
    change(storage, "UPDATE trial_intermediate_values SET intermediate_value = 0.25")
    check(storage)


def test_damaged_pages_are_told(storage: Path) -> None:
    content = bytearray(storage.read_bytes())
    content[4096 : 3 * 4096] = bytes(range(256)) * 32
    storage.write_bytes(content)
    with pytest.raises(ConfigError, match=r"tune\.db: must be a whole SQLite file: put a copy"):
        check(storage)

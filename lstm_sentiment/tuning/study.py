"""Keeps a search in an Optuna study in an SQLite file; imports no TensorFlow.

Trials are numbered in turns from 1. The values of a turn depend only on the seed, the number of the
turn and the results before it, so a killed search continues with the same values.
"""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_sentiment.errors import ConfigError, InvalidInputError
from lstm_sentiment.file_locks import try_lock
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.pipeline.config_file import to_table
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.vectors.word_vectors import WordVectors

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

    from lstm_sentiment.tuning.space import Space

TURN = "turn"
FAILURE = "failure"
_DIGEST = "digest"
_SETTINGS = "settings"
_TEXTS = "texts"
_RANDOM_TURNS = 8
_UNPRUNED_TURNS = 5
_FIRST_PRUNED_EPOCH = 2
_TAKEN_AT_MOST = 3
# The texts and vectors read from these paths are compared, or the setting changes no dev loss.
_NOT_COMPARED = frozenset(
    {
        *("data", "dev_data", "test_data", "corrections"),
        *("unlabelled", "exclude_data", "vectors"),
        *("model_dir", "run_dir", "cache", "tensorboard"),
    }
)


def require_optuna() -> None:
    """Checks that Optuna is installed.

    Raises:
        InvalidInputError: If Optuna is missing; the message names the extra.
    """
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise InvalidInputError(
            "Tuning needs the `tune` extra: pip install 'lstm-sentiment[tune]'."
        ) from error


@contextmanager
def open_study(storage: Path, name: str) -> Iterator["Study"]:
    """Opens or creates a study, and locks the file against other processes.

    Args:
        storage: SQLite file, created with its folder if missing.
        name: Name of the study in the file.

    Raises:
        ConfigError: If the file cannot be opened, is no SQLite file, or is in use.
        InvalidInputError: If Optuna is not installed.
    """
    require_optuna()
    import optuna
    from sqlalchemy.engine import URL
    from sqlalchemy.exc import SQLAlchemyError

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with _locked(storage):
        database = None
        try:
            _check_whole(storage)
            url = URL.create("sqlite", database=str(storage)).render_as_string()
            database = optuna.storages.RDBStorage(url)
            yield optuna.create_study(
                study_name=name,
                storage=database,
                direction="minimize",
                load_if_exists=True,
                pruner=optuna.pruners.MedianPruner(
                    n_startup_trials=_UNPRUNED_TURNS, n_warmup_steps=_FIRST_PRUNED_EPOCH
                ),
            )
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
            # The message of SQLite itself: SQLAlchemy adds more lines.
            said = [getattr(part, "orig", None) for part in (error, error.__cause__)]
            reason = next((part for part in said if part is not None), error)
            raise ConfigError(f"{storage}: must be an SQLite file. Received: {reason}.") from error
        finally:
            optuna.logging.set_verbosity(verbosity)
            if database is not None:
                database.remove_session()
                database.engine.dispose()


def _check_whole(storage: Path) -> None:
    """Checks the pages of an SQLite file; a file that is no database is left to Optuna.

    Raises:
        ConfigError: If the file is damaged.
    """
    if not storage.is_file():
        return
    try:
        with closing(sqlite3.connect(storage)) as database:
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError:  # such as a file that may not be read
        return
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found not in ("ok", "file is not a database"):
        raise ConfigError(
            f"{storage}: must be a whole SQLite file: put a copy in its place, or give another "
            f"file. Received: {' '.join(found.split())}."
        )


def seal(trial: "Trial", state: str, losses: Sequence[float]) -> None:
    """Stores the digest of what a trial has found, just before the study gets the trial.

    Args:
        trial: The trial.
        state: `COMPLETE`, `PRUNED` or `FAIL`.
        losses: The dev loss after each epoch.
    """
    turn = trial.user_attrs[TURN]
    trial.set_user_attr(_DIGEST, _digest(turn, state, trial.params, losses))


def check_trials(study: "Study", storage: Path) -> None:
    """Checks that each finished trial is as it was stored.

    Trials without a digest, as of an earlier release, are taken as they are.

    Raises:
        ConfigError: If a trial is not.
    """
    advice = "put a copy of the file in its place, or name a new study with `--study`"
    try:
        for trial in study.get_trials(deepcopy=False):
            stored = trial.user_attrs.get(_DIGEST)
            if stored is None or not is_finished(trial):
                continue
            losses = [loss for _, loss in sorted(trial.intermediate_values.items())]
            turn = trial.user_attrs.get(TURN)
            if stored != _digest(turn, trial.state.name, trial.params, losses):
                raise ConfigError(
                    f"{storage}: trial {turn} of study {study.study_name!r} must be as `tune` "
                    f"stored it: {advice}. Received: other values."
                )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(
            f"{storage}: must hold trials that `tune` stored: {advice}. "
            f"Received: {type(error).__name__}: {error}."
        ) from error


def _digest(turn: object, state: str, params: Mapping[str, Any], losses: Sequence[float]) -> str:
    content = json.dumps([turn, state, dict(params), list(losses)], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()


def fail_cut_off_trials(study: "Study") -> None:
    """Marks the trials of killed processes as failed, so that their turns are repeated."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)


@contextmanager
def _locked(storage: Path) -> Iterator[None]:
    # A second process would take the first one's running trial for that of a killed process.
    if storage.is_dir():
        raise ConfigError(f"{storage}: must be a file. Received: a folder.")
    try:
        storage.parent.mkdir(parents=True, exist_ok=True)
        lock = storage.with_name(f".{storage.name}.lock").open("w")
    except OSError as error:
        raise ConfigError(f"{storage}: cannot be opened: {error.strerror}.") from error
    with lock:
        with suppress(OSError):  # some network file systems have no locks
            if not try_lock(lock.fileno()):
                raise ConfigError(
                    f"{storage}: must be in use by one `tune` at a time. Received: one is running."
                )
        yield


def check_settings(study: "Study", config: PipelineConfig, space: "Space") -> None:
    """Stores the settings of a new study, and compares those of an existing one.

    Raises:
        ConfigError: If a setting differs; the message names the setting.
    """
    settings = {
        name: value for name, value in _flat(to_table(config)).items() if name not in _NOT_COMPARED
    } | {f"search space of {name}": values for name, values in space.items()}
    now = json.loads(json.dumps(settings, default=str))
    before = study.user_attrs.get(_SETTINGS)
    if before is None and not study.get_trials(deepcopy=False):
        study.set_user_attr(_SETTINGS, now)
        return
    if before is None:
        raise ConfigError(f"Study {study.study_name!r} must be one that `tune` made.")
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            raise ConfigError(
                f"Study {study.study_name!r} goes on with the settings that it began with: {name} "
                f"{before.get(name)}. Received: {now.get(name)}. (Name a new one with `--study`.)"
            )


def check_texts(study: "Study", train: Corpus, dev: Corpus, vectors: WordVectors | None) -> None:
    """Stores the digest of a new study's texts and vectors, and compares an existing one's.

    Raises:
        ConfigError: If texts or word vectors differ.
    """
    digest = hashlib.sha256()
    for corpus in (train, dev):
        parts = (corpus.label_names, tuple(corpus.texts), [int(n) for n in corpus.labels])
        digest.update(json.dumps(parts).encode())
    if vectors is not None:
        digest.update(json.dumps(vectors.tokens).encode())
        digest.update(np.ascontiguousarray(vectors.matrix).data)
    now = digest.hexdigest()
    if study.user_attrs.get(_TEXTS) is None:
        study.set_user_attr(_TEXTS, now)
    elif study.user_attrs[_TEXTS] != now:
        raise ConfigError(
            f"Study {study.study_name!r} goes on with the texts and word vectors that it began "
            "with. Received: others. (Name a new one with `--study`.)"
        )


def next_turn(study: "Study") -> int:
    """Returns the number of the first turn without a result, from 1.

    An interrupted turn is repeated, but at most three times: it may be what kills the process.
    """
    settled, cut_off = set(), Counter[int]()
    for trial in study.get_trials(deepcopy=False):
        turn = trial.user_attrs.get(TURN)
        if turn is not None and is_finished(trial):
            settled.add(turn)
        elif turn is not None:
            cut_off[turn] += 1
    settled |= {turn for turn, times in cut_off.items() if times >= _TAKEN_AT_MOST}
    return len(settled) + 1


def is_finished(trial: "FrozenTrial") -> bool:
    """Returns whether a trial is complete, pruned, or failed for a known reason."""
    return trial.state.name in ("COMPLETE", "PRUNED") or FAILURE in trial.user_attrs


def ask(study: "Study", turn: int, space: "Space", first: Mapping[str, Any], seed: int) -> "Trial":
    """Starts the trial of a turn.

    Args:
        study: The study, in which earlier trials guide the values.
        turn: Number of the turn, see `next_turn`.
        space: The search space.
        first: Values of the first turn, by dotted name.
        seed: Seed of the values of all other turns.
    """
    import optuna

    entropy = int(np.random.SeedSequence([seed, turn]).generate_state(1)[0])
    study.sampler = optuna.samplers.TPESampler(n_startup_trials=_RANDOM_TURNS, seed=entropy)
    waiting = (optuna.trial.TrialState.WAITING,)
    if turn == 1 and not study.get_trials(deepcopy=False, states=waiting):
        study.enqueue_trial(dict(first))
    trial = study.ask({name: values.distribution() for name, values in space.items()})
    trial.set_user_attr(TURN, turn)
    return trial


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat

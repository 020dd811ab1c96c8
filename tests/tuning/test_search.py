"""The search, with trials whose dev loss follows from their settings at once."""

import math
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from sqlalchemy import Engine, event

from lstm_sentiment import (
    ConfigError,
    Corpus,
    InvalidInputError,
    ModelConfig,
    PipelineConfig,
    TrainingConfig,
    TuneResult,
    WordVectors,
    load_config,
    save_config,
    tune,
)
from lstm_sentiment.errors import TrainingError
from lstm_sentiment.tuning.space import SEARCH_SPACE, searched_values
from lstm_sentiment.tuning.study import open_study
from tests.corpora import hotel_like
from tests.recorder import Recorder

CONFIG = PipelineConfig(training=TrainingConfig(cross_validation="off", epochs=4))
CORPUS = hotel_like(30)
VECTORS = WordVectors(("a", "b"), np.eye(2, dtype=np.float32))

OnEpoch = Callable[[int, Mapping[str, float]], None]


@dataclass
class Prepared:
    train: Corpus = CORPUS
    dev: Corpus = CORPUS
    vectors: WordVectors | None = VECTORS
    tokenizer: object = None
    cache_dir: Path = Path("cache")
    soft_labels: None = None

    @property
    def test(self) -> Corpus:
        raise AssertionError("test texts must not be looked at")


@dataclass
class Trainer:
    """Stands for reading texts and training on them.

    `events` are what happens instead of the end of an epoch, by the number of the `fit` from 1.
    """

    prepared: Prepared = field(default_factory=Prepared)
    events: dict[int, BaseException | float] = field(default_factory=dict)
    prepared_for: list[PipelineConfig] = field(default_factory=list)
    fits: list[tuple[ModelConfig, TrainingConfig]] = field(default_factory=list)

    def prepare_run(self, config: PipelineConfig, progress: object) -> Prepared:
        self.prepared_for.append(config)
        return self.prepared

    def fit(
        self,
        train: Corpus,
        dev: Corpus,
        *,
        model: ModelConfig,
        training: TrainingConfig,
        cache_dir: Path,
        on_epoch: OnEpoch,
        **_: object,
    ) -> None:
        assert train is self.prepared.train
        assert cache_dir == self.prepared.cache_dir  # token ids are made once
        self.fits.append((model, training))
        final = abs(np.log10(training.learning_rate) + 3) + model.dropout
        assert isinstance(training.epochs, int)
        for epoch in range(1, training.epochs + 1):
            event = self.events.get(len(self.fits))
            if isinstance(event, BaseException) and epoch == 2:
                raise event
            loss = event if isinstance(event, float) else final + 1 / epoch
            on_epoch(epoch, {"loss": 0.0, "accuracy": 1.0, "val_loss": loss, "val_accuracy": 0.5})


def install(trainer: Trainer, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Trainer:
    monkeypatch.chdir(folder)
    monkeypatch.setattr("lstm_sentiment.pipeline.preparation.prepare_run", trainer.prepare_run)
    monkeypatch.setattr("lstm_sentiment.training.fit.fit", trainer.fit)
    monkeypatch.setattr("keras.utils.clear_session", lambda: None)  # slow, and nothing to clear
    return trainer


@pytest.fixture(scope="module", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    def relax(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", relax)
    yield
    event.remove(Engine, "connect", relax)


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Trainer:
    return install(Trainer(), monkeypatch, tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[TuneResult, Trainer]:
    """A search of ten trials in one call."""
    with pytest.MonkeyPatch.context() as patch:
        trainer = install(Trainer(), patch, tmp_path_factory.mktemp("whole"))
        return tune(CONFIG, trials=10), trainer


def outcome(result: TuneResult) -> tuple[object, ...]:
    """What must be the same however a search was cut into pieces."""
    return result.config, result.best, result.trials


def test_the_best_config_is_that_of_the_lowest_dev_loss(whole: tuple[TuneResult, Trainer]) -> None:
    result, trainer = whole
    complete = [trial for trial in result.trials if trial.state == "complete"]
    assert [trial.number for trial in result.trials] == list(range(1, 11))
    assert result.best.dev_loss == min(trial.dev_loss or 0 for trial in complete)
    assert result.best.dev_loss < (result.trials[0].dev_loss or 0)
    assert searched_values(result.config) == result.best.settings
    model, training = trainer.fits[result.best.number - 1]
    assert (result.config.model, result.config.training) == (model, training)
    assert (result.study, result.storage) == ("tune", Path("runs/tune.db"))


def test_the_first_trial_is_the_config_itself_wherever_it_lies(trainer: Trainer) -> None:
    config = replace(
        CONFIG,
        model=ModelConfig(lstm_units=7, dropout=0.9),
        training=TrainingConfig(
            cross_validation="off", learning_rate=0.123456789, batch_size=5, epochs=1
        ),
    )
    tune(config, trials=1)
    assert trainer.fits == [(config.model, config.training)]


def test_what_is_tried_stays_within_the_search_space(whole: tuple[TuneResult, Trainer]) -> None:
    result, trainer = whole
    tried = {name: {trial.settings[name] for trial in result.trials} for name in SEARCH_SPACE}
    for name, values in tried.items():
        assert len(values) > 1, name
        for value in values:
            assert SEARCH_SPACE[name].including(value) == SEARCH_SPACE[name]
    for model, training in trainer.fits:
        assert replace(CONFIG.training, **_searched("training", training)) == training
        assert replace(CONFIG.model, **_searched("model", model)) == model


def _searched(section: str, config: object) -> dict[str, Any]:
    names = [name.split(".")[1] for name in SEARCH_SPACE if name.startswith(f"{section}.")]
    return {name: getattr(config, name) for name in names}


def test_the_result_is_a_config_file_with_short_numbers(
    whole: tuple[TuneResult, Trainer], tmp_path: Path
) -> None:
    result, _ = whole
    save_config(result.config, tmp_path / "tuned.toml")
    assert load_config(tmp_path / "tuned.toml") == result.config
    assert result.best.number > 1
    assert len(str(result.config.model.dropout).removeprefix("0.").lstrip("0")) <= 3


def test_the_seed_decides_what_is_tried(
    trainer: Trainer, whole: tuple[TuneResult, Trainer]
) -> None:
    first, _ = whole
    again = tune(CONFIG, trials=3, storage="again.db")
    config = replace(CONFIG, training=replace(CONFIG.training, seed=1))
    other = tune(config, trials=3, storage="other.db")
    assert again.trials == first.trials[:3]
    assert [t.settings for t in other.trials[1:]] != [t.settings for t in again.trials[1:]]
    assert len({str(trial.settings) for trial in first.trials}) == 10


def test_a_search_in_pieces_is_the_same_search(
    trainer: Trainer, whole: tuple[TuneResult, Trainer]
) -> None:
    trainer.events = {4: KeyboardInterrupt(), 10: SystemExit()}
    tune(CONFIG, trials=2)
    for _ in range(2):
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            tune(CONFIG, trials=10)
    assert outcome(tune(CONFIG, trials=10)) == outcome(whole[0])
    assert len(trainer.fits) == 12
    study = optuna.load_study(study_name="tune", storage="sqlite:///runs/tune.db")
    states = [trial.state.name for trial in study.get_trials()]
    assert (states.count("FAIL"), states.count("RUNNING")) == (2, 0)
    assert study.best_value == whole[0].best.dev_loss
    assert outcome(tune(CONFIG, trials=5)) == outcome(whole[0])


def test_a_done_search_prepares_and_trains_nothing(trainer: Trainer) -> None:
    first = tune(CONFIG, trials=1)
    again = tune(CONFIG, trials=1)
    assert outcome(again) == outcome(first)
    assert trainer.prepared_for == [CONFIG]
    assert len(trainer.fits) == 1


def test_what_kills_every_process_is_given_up(trainer: Trainer) -> None:
    trainer.events = {2: SystemExit(), 3: SystemExit(), 4: SystemExit()}
    for _ in range(3):
        with pytest.raises(SystemExit):
            tune(CONFIG, trials=3)
    result = tune(CONFIG, trials=3)
    assert [trial.number for trial in result.trials] == [1, 3]
    assert trainer.fits[1] == trainer.fits[2] == trainer.fits[3] != trainer.fits[4]


def test_failed_trials_count_and_the_search_goes_on(trainer: Trainer) -> None:
    trainer.events = {1: TrainingError("the loss is no number."), 2: math.nan, 3: math.inf}
    reasons = [
        "the loss is no number.",
        "the dev loss must be finite. Received: nan.",
        "the dev loss must be finite. Received: inf.",
    ]
    recorder = Recorder()
    result = tune(CONFIG, trials=4, progress=recorder)
    assert [trial.state for trial in result.trials] == ["failed"] * 3 + ["complete"]
    assert [trial.failure for trial in result.trials] == [*reasons, None]
    for number, reason in enumerate(reasons, 1):
        assert f"Trial {number} of 4: failed: {reason}" in recorder.said
    assert result.best.number == 4


def test_a_search_of_failures_alone_says_so_and_can_go_on(trainer: Trainer) -> None:
    trainer.events = {1: TrainingError("a."), 2: TrainingError("the loss is no number.")}
    with pytest.raises(TrainingError, match=r"Received: 2 that failed. the loss is no number.$"):
        tune(CONFIG, trials=2)
    assert tune(CONFIG, trials=3).best.number == 3


def test_trials_that_fall_behind_are_stopped_and_never_chosen(trainer: Trainer) -> None:
    trainer.events = {6: 50.0, 7: 0.001}
    result = tune(CONFIG, trials=7)
    pruned = result.trials[5]
    assert (pruned.state, pruned.epochs, pruned.dev_loss) == ("pruned", 2, 50.0)
    assert result.best == result.trials[6]
    assert result.to_dict()["pruned"] == 1
    assert [trial.epochs for trial in result.trials if trial.state == "complete"] == [4] * 6


def test_no_trial_is_begun_when_the_time_is_over(trainer: Trainer) -> None:
    recorder = Recorder()
    result = tune(CONFIG, trials=2, timeout_seconds=1e-9, progress=recorder)
    assert len(result.trials) == 1
    assert recorder.said[-1] == "No time is left: 1 of 2 trials are done"
    assert len(tune(CONFIG, trials=2, timeout_seconds=1000).trials) == 2


def test_each_trial_is_told_in_one_line(trainer: Trainer) -> None:
    recorder = Recorder()
    tune(CONFIG, trials=1, progress=recorder)
    (line,) = recorder.said
    assert line.startswith("Trial 1 of 1: complete, dev loss 0.8510 after 4 epochs (learning_rate")
    assert "\n" not in line


def test_an_old_study_takes_the_texts_and_settings_that_it_began_with(trainer: Trainer) -> None:
    tune(CONFIG, trials=1)
    longer = replace(CONFIG, training=replace(CONFIG.training, epochs=9))
    with pytest.raises(
        ConfigError, match=r"^Study 'tune' .*: training.epochs 4. Received: 9. \(Name a new one"
    ):
        tune(longer, trials=2)
    assert len(trainer.prepared_for) == 1  # told before the texts are read
    for other in (
        replace(trainer.prepared, train=hotel_like(30, seed=1)),
        replace(trainer.prepared, dev=hotel_like(30, seed=1)),
        replace(trainer.prepared, vectors=None),
        replace(trainer.prepared, vectors=WordVectors(VECTORS.tokens, VECTORS.matrix * 2)),
        replace(trainer.prepared, vectors=WordVectors(("a", "c"), VECTORS.matrix)),
    ):
        trainer.prepared, kept = other, trainer.prepared
        with pytest.raises(ConfigError, match=r"^Study 'tune' .* texts .* Received: others"):
            tune(CONFIG, trials=2)
        trainer.prepared = kept
    assert len(trainer.fits) == 1
    assert len(tune(longer, trials=1, study="longer").trials) == 1
    moved = replace(CONFIG, run_dir="elsewhere", model_dir="m", cache="disk", data=["copy.csv"])
    assert len(tune(moved, trials=2).trials) == 2


def test_a_study_of_somebody_else_is_left_alone(trainer: Trainer) -> None:
    Path("runs").mkdir()
    foreign = optuna.create_study(storage="sqlite:///runs/tune.db", study_name="tune")
    foreign.ask()
    with pytest.raises(ConfigError, match=r"^Study 'tune' must be one that `tune` made"):
        tune(CONFIG)
    assert [trial.state.name for trial in foreign.get_trials()] == ["RUNNING"]


@pytest.fixture
def bad_storage(request: pytest.FixtureRequest, trainer: Trainer) -> Iterator[Path]:
    path = Path("study.db")
    if request.param == "folder":
        path.mkdir()
    elif request.param == "text":
        path.write_text("not a database " * 100)
    elif request.param == "under a file":
        path.write_text("")
        path = path / "study.db"
    elif request.param == "newer":
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE version_info (version_info_id, schema_version, l)")
    yield path


@pytest.mark.parametrize(
    ("bad_storage", "message"),
    [
        ("folder", "study.db: must be a file. Received: a folder."),
        ("text", "study.db: must be an SQLite file. Received: file is not a database."),
        ("under a file", "study.db/study.db: cannot be opened: "),
        ("newer", "study.db: must be an SQLite file. Received: "),
    ],
    indirect=["bad_storage"],
)
def test_a_storage_that_cannot_be_used_is_told(bad_storage: Path, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        tune(CONFIG, storage=bad_storage)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_two_searches_cannot_share_a_file_at_the_same_time(trainer: Trainer) -> None:
    storage = Path("a b?%20.db")
    with (
        open_study(storage, "tune"),
        pytest.raises(ConfigError, match=r"must be in use by one `tune` at a time"),
    ):
        tune(CONFIG, storage=storage)
    assert storage.is_file()
    assert len(tune(CONFIG, storage=storage, trials=1).trials) == 1


def test_another_error_of_training_is_not_hidden(trainer: Trainer) -> None:
    trainer.events = {1: MemoryError()}
    with pytest.raises(MemoryError):
        tune(CONFIG, trials=2)
    assert len(tune(CONFIG, trials=2).trials) == 2


def test_without_optuna_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InvalidInputError, match=r"pip install 'lstm-sentiment\[tune\]'"):
        tune(CONFIG)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trials": 0}, "`trials` must be a positive integer"),
        ({"timeout_seconds": 0}, "`timeout_seconds` must be a positive number"),
        ({"timeout_seconds": float("nan")}, "`timeout_seconds` must be a positive number"),
        ({"config": replace(CONFIG, init_from="models")}, "`init_from` must not be set"),
        (
            {"config": replace(CONFIG, training=TrainingConfig(strategy="multi-worker"))},
            "Trials train in one process",
        ),
    ],
)
def test_bad_arguments_are_told_before_anything_is_made(
    trainer: Trainer, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        tune(**{"config": CONFIG, **arguments})
    assert list(Path().iterdir()) == []


def test_optunas_own_logging_is_silent_and_left_as_it_was(
    trainer: Trainer, capsys: pytest.CaptureFixture[str]
) -> None:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.INFO)
    try:
        tune(CONFIG, trials=2)
        assert optuna.logging.get_verbosity() == optuna.logging.INFO
    finally:
        optuna.logging.set_verbosity(before)
    assert capsys.readouterr() == ("", "")

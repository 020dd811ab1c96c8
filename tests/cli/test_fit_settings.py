"""`fit`: where each setting comes from - defaults, preset, file, flags - and what is refused."""

import json
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tensorflow as tf
import typer

from lstm_sentiment import Evaluation, PipelineConfig, TrainingConfig
from lstm_sentiment.cli.app import app
from lstm_sentiment.cli.setting_flags import OLD_FLAGS, SETTING_OF_FLAG, set_settings
from lstm_sentiment.pipeline.config_file import to_table
from lstm_sentiment.pipeline.overrides import (
    PRESETS,
    nested,
    preset_config,
    setting_types,
    with_overrides,
)
from lstm_sentiment.training.workers.cluster import Cluster
from lstm_sentiment.training.workers.distribution import Workers
from tests.cli.running import Run, is_one_error_line

NO_SETTINGS = {
    *("files", "preset", "config", "settings", "resume", "as_json"),
    *("check", "print_config"),
}


@dataclass
class Calls:
    """What `fit` asked the library for."""

    configs: list[PipelineConfig] = field(default_factory=list)
    resumed: list[Path] = field(default_factory=list)
    run_config: PipelineConfig = field(default_factory=PipelineConfig)

    def run_pipeline(self, config: PipelineConfig, progress: object, texts: object) -> "Calls":
        self.configs.append(config)
        return self

    def load_unfinished_run(self, run_dir: Path) -> PipelineConfig:
        return self.run_config

    def resume_pipeline(self, run_dir: Path, progress: object, texts: object) -> "Calls":
        self.resumed.append(run_dir)
        return self

    def to_dict(self) -> dict[str, Any]:
        return {"calls": 1}

    test = Evaluation(0.9, 0.9, (), ((1, 0), (0, 1)), 0.1, 0.01, 0.02)
    dev, fit = test, SimpleNamespace(folds=5)
    version_dir, run_dir, seconds = Path("models/sentiment/1"), Path("runs/a"), 1.0


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Calls:
    calls = Calls()
    (tmp_path / "names.json").write_text("{}")  # read before TensorFlow is imported
    stand_ins = {
        "run.run_pipeline": calls.run_pipeline,
        "run.resume_pipeline": calls.resume_pipeline,
        "run_folder.load_unfinished_run": calls.load_unfinished_run,
        "run_texts.read_run_texts": lambda config, progress, **known: None,
    }
    for name, stand_in in stand_ins.items():
        monkeypatch.setattr(f"lstm_sentiment.pipeline.{name}", stand_in)
    return calls


def chosen(run: Run, calls: Calls, *args: object) -> PipelineConfig:
    """The config that `fit` makes of its flags."""
    outcome = run("fit", *args, "--json")
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out) == {"calls": 1}
    return calls.configs.pop()


def test_without_a_flag_all_is_default(run: Run, calls: Calls) -> None:
    assert chosen(run, calls) == PipelineConfig()


def fit_parameters() -> Sequence[Any]:
    return typer.main.get_command(app).commands["fit"].params  # type: ignore[attr-defined]


def test_every_flag_is_a_setting_and_what_help_shows_is_its_default() -> None:
    known = set(setting_types())
    defaults = PipelineConfig()
    for parameter in fit_parameters():
        if parameter.name in {*NO_SETTINGS, "help"}:
            continue
        name = SETTING_OF_FLAG[parameter.name]
        assert name in known
        if parameter.name in OLD_FLAGS:
            continue
        default: Any = defaults
        for part in name.split("."):
            default = getattr(default, part)
        assert (parameter.default or None) == (default or None), name


FLAGS: list[tuple[Sequence[object], dict[str, Any]]] = [
    (("--data", "a.csv", "--data", "b.csv"), {"data": (Path("a.csv"), Path("b.csv"))}),
    (("a.csv", "b.csv"), {"data": (Path("a.csv"), Path("b.csv"))}),
    (("--data", "b.csv", "a.csv"), {"data": (Path("a.csv"), Path("b.csv"))}),
    (("--dev-data", "d", "--test-data", "t"), {"dev_data": Path("d"), "test_data": Path("t")}),
    (("--text-column", "x", "--label-column", "y"), {"text_column": "x", "label_column": "y"}),
    (("--teacher", "more.scored.jsonl"), {"teacher": Path("more.scored.jsonl")}),
    (("--unlabelled", "u", "--unlabelled", "v w"), {"unlabelled": (Path("u"), Path("v w"))}),
    (("--corrections", "c", "--corrections", "d"), {"corrections": (Path("c"), Path("d"))}),
    (
        ("--vectors", "v", "--tokenizer", "characters"),
        {"vectors": Path("v"), "tokenizer": "characters"},
    ),
    (("--max-length", 9), {"model": {"max_length": 9}}),
    (
        ("--epochs", 2, "--batch-size", 3, "--seed", 4, "--strategy", "mirrored"),
        {"training": {"epochs": 2, "batch_size": 3, "seed": 4, "strategy": "mirrored"}},
    ),
    (("--bad-rows", "skip"), {"bad_rows": "skip"}),
    (("--encoding", "big5"), {"encoding": "big5"}),
    (("--label-names", "names.json"), {"label_names": Path("names.json")}),
    (("--model-dir", "m", "--run-dir", "r"), {"model_dir": Path("m"), "run_dir": Path("r")}),
    (
        ("--model-config-file", "models.config"),
        {"model_config_file": Path("models.config")},
    ),
]

OLD: list[tuple[Sequence[object], dict[str, Any]]] = [
    (("--streaming",), {"streaming": True}),
    (("--init-from", "models/a"), {"init_from": Path("models/a")}),
    (("--keep", 3), {"keep": 3}),
    (("--exclude-data", "e"), {"exclude_data": (Path("e"),)}),
    (("--vectors-limit", 3), {"vectors_limit": 3}),
    (("--cache", "disk"), {"cache": "disk"}),
    (("--normalization", "width", "--unknown", "run"), {"normalization": "width"}),
    (("--dictionary", "jieba"), {"dictionary": Path("jieba")}),
    (
        ("--dictionary", "jieba", "--dictionary", "more words.txt"),
        {"dictionary": (Path("jieba"), Path("more words.txt"))},
    ),
    (("--tensorboard",), {"tensorboard": True}),
    (("--no-tensorboard",), {"tensorboard": False}),
    (("--split-seed", 0), {"split_seed": 0}),
    (("--trainable-embeddings",), {"model": {"trainable_embeddings": True}}),
    (("--embedding-storage", "float16"), {"model": {"embedding_storage": "float16"}}),
    (
        ("--learning-rate", 1e-4, "--schedule", "linear", "--label-smoothing", 0.1),
        {"training": {"learning_rate": 1e-4, "schedule": "linear", "label_smoothing": 0.1}},
    ),
    (
        ("--class-weights", "balanced", "--precision", "mixed_bfloat16", "--patience", 5),
        {"training": {"class_weights": "balanced", "precision": "mixed_bfloat16", "patience": 5}},
    ),
    (
        ("--logical-devices", 2, "--start-timeout-seconds", 9),
        {"training": {"logical_devices": 2, "start_timeout_seconds": 9.0}},
    ),
    (
        ("--export-every", 500, "--export-unit", "steps"),
        {"export_every": 500, "export_unit": "steps"},
    ),
]


@pytest.mark.parametrize(("flags", "expected"), FLAGS)
def test_a_flag_sets_its_setting_and_no_other(
    run: Run, calls: Calls, flags: Sequence[object], expected: dict[str, Any]
) -> None:
    assert chosen(run, calls, *flags) == with_overrides(PipelineConfig(), expected)


@pytest.mark.parametrize(("flags", "expected"), OLD)
def test_an_old_flag_works_and_one_line_tells_the_form_that_replaces_it(
    run: Run, calls: Calls, flags: Sequence[object], expected: dict[str, Any]
) -> None:
    config = with_overrides(PipelineConfig(), expected)
    outcome = run("fit", *flags, "--json")
    assert (outcome.code, calls.configs.pop()) == (0, config)
    told, form = outcome.err.removesuffix("\n").split("; write ")
    named = [flag for flag in map(str, flags) if flag.startswith("--")]
    assert set(told.removeprefix("deprecated: ").split(", ")) == {
        flag.replace("--no-", "--") for flag in named
    }
    assert chosen(run, calls, *shlex.split(form)) == config


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("training.learning_rate=1e-4", {"training": {"learning_rate": 1e-4}}),
        ("training.learning_rate=.5", {"training": {"learning_rate": 0.5}}),
        ("training.gradient_clip_norm=2", {"training": {"gradient_clip_norm": 2.0}}),
        ("model.pooling=last", {"model": {"pooling": "last"}}),
        ("pooling=last", {"model": {"pooling": "last"}}),
        ("lstm_units=8", {"model": {"lstm_units": 8}}),
        ('model.pooling="last"', {"model": {"pooling": "last"}}),
        ("model.trainable_embeddings=true", {"model": {"trainable_embeddings": True}}),
        ("vector_training.epochs=4", {"vector_training": {"epochs": 4}}),
        ("text_column=1", {"text_column": "1"}),
        ("label_column=a=b", {"label_column": "a=b"}),
        ("run_dir=2026-11-29", {"run_dir": Path("2026-11-29")}),
        ("unlabelled=more texts.txt", {"unlabelled": (Path("more texts.txt"),)}),
        ('unlabelled=["a", "b"]', {"unlabelled": (Path("a"), Path("b"))}),
        ("data=[]", {"data": ()}),
    ],
)
def test_set_takes_any_setting_as_a_config_file_does_and_strings_without_quotes(
    run: Run, calls: Calls, typed: str, expected: dict[str, Any]
) -> None:
    assert chosen(run, calls, "--set", typed) == with_overrides(PipelineConfig(), expected)


@pytest.mark.parametrize("name", setting_types())
def test_each_setting_is_set_by_its_name(name: str) -> None:
    """A default can be typed as `--print-config` prints it; where there is none, another value."""
    value: Any = to_table(PipelineConfig())
    for part in name.split("."):
        value = value.get(part, 3)
    expected = set_settings([f"{name}={json.dumps(value)}"])
    config = with_overrides(PipelineConfig(), nested(expected))
    assert set(expected) == {name}
    if value != 3:
        assert config == PipelineConfig()


def test_set_overrides_file_and_flags_and_the_last_counts(
    run: Run, calls: Calls, tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text("[training]\nepochs = 2\npatience = 2\n")
    flags = ("--config", "a.toml", "--epochs", 3, "--seed", 4)
    sets = ("--set", "training.epochs=5", "--set", "training.epochs=6", "--set", "tensorboard=true")
    training = {"epochs": 6, "patience": 2, "seed": 4}
    assert chosen(run, calls, *flags, *sets) == with_overrides(
        PipelineConfig(), {"training": training, "tensorboard": True}
    )


def test_help_shows_what_is_set_often_in_panels(run: Run) -> None:
    shown = run("fit", "--help").out
    panels = ("Data", "Words and vectors", "Training", "Several machines", "Output")
    assert re.findall(r"^╭─ (.*?) ─", shown, re.MULTILINE) == [*panels, "Options"]
    flags = set(re.findall(r"^│ (--[a-z-]+)", shown, re.MULTILINE))
    assert len(flags - {"--help", "--verbose", "--quiet", "--json"}) == 27
    assert "--set" in flags
    assert not flags & {f"--{name.replace('_', '-')}" for name in OLD_FLAGS}


def test_a_bad_file_of_names_is_refused_before_tensorflow_is_imported(
    is_refused_at_once: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "names.json").write_text('{"0": {"cn": "x"}}')
    is_refused_at_once("names.json: the names of label '0'", "fit", "--label-names", "names.json")


def test_every_flag_is_tried() -> None:
    tried = {flag for flags, _ in (*FLAGS, *OLD) for flag in flags}
    assert {
        parameter.opts[0] for parameter in fit_parameters() if parameter.name not in NO_SETTINGS
    } - {"--help"} <= tried


def test_flags_override_the_file_and_the_file_the_preset(
    run: Run, calls: Calls, tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text(
        'data = ["file.csv"]\n[training]\nepochs = 2\nseed = 3\n[model]\ndropout = 0.0\n'
    )
    accurate = preset_config("accurate")
    assert chosen(run, calls, "--preset", "accurate") == accurate
    with_file = with_overrides(
        PipelineConfig(),
        {
            "data": (Path("file.csv"),),
            "training": {"epochs": 2, "seed": 3},
            "model": {"dropout": 0.0},
        },
    )
    config = ("--config", "a.toml")
    assert chosen(run, calls, *config) == with_file
    both = replace(with_file, model=replace(accurate.model, dropout=0.0))
    assert chosen(run, calls, *config, "--preset", "accurate").model == both.model
    # A default that is typed is a wish like any other.
    typed = chosen(run, calls, *config, "--epochs", PipelineConfig().training.epochs)
    assert typed.training == replace(with_file.training, epochs=PipelineConfig().training.epochs)
    assert chosen(run, calls, *config, "--data", "b.csv").data == (Path("b.csv"),)


def test_a_preset_of_the_file_gives_way_to_the_flag(run: Run, calls: Calls, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('preset = "accurate"\n')
    assert chosen(run, calls, "--config", "a.toml") == preset_config("accurate")
    flags = ("--config", "a.toml", "--preset", "fast")
    assert chosen(run, calls, *flags) == preset_config("fast")


def test_the_presets_are_listed(run: Run) -> None:
    outcome = run("fit", "--preset", "slow")
    assert is_one_error_line(outcome)
    for name in PRESETS:
        assert name in outcome.err


def test_resume_goes_on_with_a_run(run: Run, calls: Calls) -> None:
    outcome = run("fit", "--resume", "runs/a", "--json")
    assert outcome.code == 0, outcome.err
    assert (calls.resumed, calls.configs) == ([Path("runs/a")], [])
    assert json.loads(outcome.out) == {"calls": 1}


@pytest.mark.parametrize(
    "flags",
    [
        ("--model-config-file", "a b/models.config"),
        ("--set", "model_config_file=a b/models.config"),
        ("--config", "a.toml"),
        ("--resume", "runs/a"),
    ],
)
def test_the_next_command_serves_the_models_config_of_the_run(
    run: Run, calls: Calls, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    (tmp_path / "a.toml").write_text('model_config_file = "a b/models.config"\n')
    calls.run_config = PipelineConfig(model_config_file="a b/models.config")
    outcome = run("fit", *flags)
    assert outcome.code == 0, outcome.err
    name, _, command = outcome.out.splitlines()[-1].partition(" ")
    assert name == "next"
    assert command.strip() == "lstm-sentiment serve --model-config-file 'a b/models.config'"


@pytest.mark.parametrize("flags", [("--epochs", 9), ("--resume", "runs/a")])
def test_a_worker_that_is_not_the_chief_joins_it(
    run: Run, calls: Calls, monkeypatch: pytest.MonkeyPatch, flags: tuple[object, ...]
) -> None:
    joined: list[TrainingConfig] = []
    worker = Workers(tf.distribute.get_strategy(), Cluster(("a:1", "b:1"), 1))
    monkeypatch.setattr(
        "lstm_sentiment.training.workers.distribution.start_workers",
        lambda training, progress: worker,
    )
    monkeypatch.setattr(
        "lstm_sentiment.training.worker_run.join_fit",
        lambda training, progress: joined.append(training),
    )
    finished: list[Workers] = []  # the other worker is not there to wait for
    monkeypatch.setattr(Workers, "finish", lambda self: finished.append(self))
    outcome = run("fit", *flags, "--json")
    assert (outcome.code, outcome.out) == (0, ""), outcome.err  # the chief alone prints
    assert finished == [worker]
    assert [training.epochs for training in joined] == [9 if "--epochs" in flags else "auto"]
    assert (calls.resumed, calls.configs) == ([], [])


@pytest.mark.parametrize(
    "flags",
    [
        ("--epochs", "9"),
        ("--data", "a.csv"),
        ("a.csv",),
        ("--config", "a.toml"),
        ("--preset", "fast"),
        ("--no-tensorboard",),
        ("--seed", "0"),
        ("--set", "training.epochs=9"),
    ],
)
def test_resume_takes_no_other_flag(run: Run, calls: Calls, flags: tuple[str, ...]) -> None:
    outcome = run("fit", "--json", *flags, "--resume", "runs/a")
    assert is_one_error_line(outcome), outcome
    named = {"--no-tensorboard": "--tensorboard", "a.csv": "FILE"}.get(flags[0], flags[0])
    assert "`--resume` cannot be combined with other flags than `--json`" in outcome.err
    assert outcome.err.endswith(f"Received: `{named}`.\n")
    assert (calls.resumed, calls.configs) == ([], [])


@pytest.mark.parametrize(
    ("content", "flags", "message"),
    [
        (None, (), "error: a.toml: cannot be read: No such file or directory."),
        ("a =", (), "error: a.toml:1: must be TOML"),
        (
            "[training]\nepochs = 'ten'",
            (),
            "error: a.toml: training.epochs must be an integer or 'auto'. Received: 'ten'.",
        ),
        ("[training]\nepoch = 1", (), "Did you mean training.epochs?"),
        ("", ("--epochs", "0"), "error: `epochs` must be a positive integer. Received: epochs=0."),
        ("", ("--learning-rate", "nan"), "`learning_rate` must be a positive number"),
        ("", ("--label-smoothing", "1"), "`label_smoothing` must be at least 0 and below 1"),
        ("", ("--patience", "0"), "`patience` must be a positive integer"),
        ("", ("--schedule", "step"), "one of: cosine, linear, constant"),
        ("", ("--class-weights", "equal"), "one of: auto, none, balanced"),
        ("", ("--precision", "float16"), "one of: float32, mixed_bfloat16"),
        ("", ("--embedding-storage", "int4"), "one of: int8, float16, float32"),
        ("", ("--export-every", "0"), "`export_every` must be a positive integer"),
        ("", ("--export-unit", "hours"), "error: `--export-unit` must be one of: epochs, steps"),
        (
            "",
            ("--patience", "few"),
            "error: `--patience` must be an integer or 'auto'. Received: 'few'.",
        ),
        ("", ("--epochs", "few"), "`--epochs` must be an integer or 'auto'. Received: 'few'."),
        ("", ("--set", "training.epochs=0"), "error: `training.epochs` must be a positive integer"),
        (
            "",
            ("--set", "training.epochs=ten"),
            "`training.epochs` must be an integer or 'auto'. Received: 'ten'.",
        ),
        (
            "",
            ("--set", "training.epochs=1.5"),
            "`training.epochs` must be an integer or 'auto'. Received: 1.5.",
        ),
        (
            "",
            ("--set", "training.epochs="),
            "`training.epochs` must be an integer or 'auto'. Received: ''.",
        ),
        ("", ("--set", "data=[1]"), "`data`[0] must be a path. Received: 1."),
        ("", ("--set", "tensorboard=yes"), "`tensorboard` must be true or false. Received: 'yes'."),
        ("", ("--set", "model.pooling=maxmean"), "Did you mean 'max_mean'?"),
        ("", ("--set", "tokenizer=bpe"), "`tokenizer` must be one of: auto, unigram"),
        ("", ("--set", "training.epochs"), "`--set` must be followed by NAME=VALUE"),
        ("", ("--set", "training.epoch=1"), "Did you mean 'training.epochs'?"),
        ("", ("--set", "epochs=1"), "Received: 'epochs'. Did you mean 'training.epochs'?"),
        ("", ("--set", "training=1"), "must be that of a setting"),
        ("", ("--keep", "0"), "`keep` must be a positive integer"),
        ("export_unit = 'hours'", (), "must be one of: epochs, steps"),
        ("[model]\nembedding_storage = 'int4'", (), "must be one of: int8, float16, float32"),
    ],
)
def test_bad_settings_are_told_in_one_line_before_tensorflow_is_imported(
    is_refused_at_once: Callable[..., None],
    calls: Calls,
    tmp_path: Path,
    content: str | None,
    flags: Sequence[str],
    message: str,
) -> None:
    if content is not None:
        (tmp_path / "a.toml").write_text(content + "\n")
    is_refused_at_once(message, "fit", "--config", "a.toml", *flags)
    assert calls.configs == []

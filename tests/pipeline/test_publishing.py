"""What becomes of a run's versions; tests/integration/test_export_along_the_way.py exports some."""

from dataclasses import replace
from pathlib import Path

import pytest

from lstm_sentiment import ConfigError, FitResult, PipelineConfig
from lstm_sentiment.models_config.config import load_models_config
from lstm_sentiment.pipeline.publishing import Publisher
from lstm_sentiment.progress import SilentProgress
from lstm_sentiment.training.evaluation.metrics import Evaluation
from tests.recorder import Recorder


class Exports:
    """Stands for `export_servable`: it writes next to nothing, and keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[FitResult, Evaluation | None]] = []

    def __call__(self, result: FitResult, base: Path, *, test: Evaluation | None = None) -> Path:
        self.given.append((result, test))
        base.mkdir(parents=True, exist_ok=True)
        return write_version(base, max((int(path.name) for path in base.iterdir()), default=0) + 1)


@pytest.fixture
def exports() -> Exports:
    return Exports()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder with the versions 1, 2 and 3."""
    base = tmp_path / "models" / "sentiment"
    for version in (1, 2, 3):
        write_version(base, version)
    return base


def write_version(base: Path, version: int) -> Path:
    folder = base / str(version)
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").touch()
    return folder


def versions(base: Path) -> set[int]:
    return {int(path.name) for path in base.iterdir()}


def write_config(path: Path, base: Path, *, policy: str = "all { }", labels: str = "") -> Path:
    path.write_text(
        f"""# Ours.
model_config_list {{
  config {{
    name: "hotel"
    base_path: "{base}"
    model_platform: "tensorflow"
    model_version_policy {{ {policy} }}
    {labels}
  }}
}}
"""
    )
    return path


def labels(path: Path) -> dict[str, int]:
    (model,) = load_models_config(path).model_config_list.config
    return dict(model.version_labels)


def test_without_a_wish_versions_are_exported_and_nothing_else_happens(
    exports: Exports, base: Path, fitted: FitResult
) -> None:
    recorder = Recorder()
    publisher = Publisher(PipelineConfig(model_dir=base), recorder, export=exports)
    snapshot = replace(fitted, snapshot_step=1200)
    publisher.snapshot(snapshot)
    assert publisher.best(fitted, fitted.dev) == base / "5"
    assert versions(base) == {1, 2, 3, 4, 5}
    assert [path.name for path in base.parent.iterdir()] == [base.name]
    assert recorder.said == [f"Version 4: step 1,200, dev accuracy {fitted.dev.accuracy:.4f}"]
    # The scores of the test texts go with the best alone: training must not be led by them.
    assert exports.given == [(snapshot, None), (fitted, fitted.dev)]


def test_the_best_is_labelled_in_a_config_and_a_snapshot_is_not(
    exports: Exports, base: Path, fitted: FitResult, tmp_path: Path
) -> None:
    stable = 'version_labels { key: "stable" value: 2 }'
    path = write_config(tmp_path / "models.config", base, labels=stable)
    before = path.read_text()
    recorder = Recorder()
    publisher = Publisher(
        PipelineConfig(model_dir=base, model_config_file=path), recorder, export=exports
    )
    publisher.snapshot(replace(fitted, snapshot_step=3))
    assert path.read_text() == before
    publisher.best(fitted, fitted.dev)
    assert labels(path) == {"stable": 2, "best": 5}
    assert path.read_text().startswith("# Ours.\n")
    assert recorder.said[1:] == [f"Label 'best' of model 'hotel' points to version 5: {path}"]
    publisher.best(fitted, fitted.dev)
    assert labels(path) == {"stable": 2, "best": 6}


def test_a_config_that_is_not_there_is_made(
    exports: Exports, fitted: FitResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recorder = Recorder()
    config = PipelineConfig(model_dir="models/hotel", model_config_file="configs/models.config")
    Publisher(config, recorder, export=exports).best(fitted, fitted.dev)
    path = Path("configs/models.config")
    (model,) = load_models_config(path).model_config_list.config
    assert (model.name, model.base_path) == ("hotel", str(tmp_path / "models" / "hotel"))
    assert labels(path) == {"best": 1}
    assert recorder.said == [f"Label 'best' of model 'hotel' points to version 1: {path}"]


def test_old_versions_go_as_new_ones_come(exports: Exports, base: Path, fitted: FitResult) -> None:
    recorder = Recorder()
    publisher = Publisher(PipelineConfig(model_dir=base, keep=2), recorder, export=exports)
    publisher.snapshot(replace(fitted, snapshot_step=3))
    assert versions(base) == {3, 4}
    publisher.snapshot(replace(fitted, snapshot_step=6))
    assert versions(base) == {4, 5}
    publisher.best(fitted, fitted.dev)
    assert versions(base) == {5, 6}
    assert [line for line in recorder.said if line.startswith("Removed")] == [
        "Removed old versions: 1, 2",
        "Removed old versions: 3",
        "Removed old versions: 4",
    ]


@pytest.mark.parametrize(
    ("policy", "labelled"),
    [
        ("all { }", 'version_labels { key: "stable" value: 2 }'),
        ("specific { versions: 2 }", ""),
    ],
)
def test_a_version_that_the_config_names_stays(
    exports: Exports, base: Path, fitted: FitResult, tmp_path: Path, policy: str, labelled: str
) -> None:
    path = write_config(tmp_path / "models.config", base, policy=policy, labels=labelled)
    publisher = Publisher(
        PipelineConfig(model_dir=base, keep=1, model_config_file=path), export=exports
    )
    publisher.snapshot(replace(fitted, snapshot_step=3))
    assert versions(base) == {2, 4}
    publisher.best(fitted, fitted.dev)
    assert versions(base) == {2, 5}


def test_the_best_of_the_run_before_stays_until_there_is_a_new_one(
    exports: Exports, base: Path, fitted: FitResult, tmp_path: Path
) -> None:
    path = tmp_path / "models.config"
    config = PipelineConfig(model_dir=base, keep=1, model_config_file=path)
    Publisher(config, export=exports).best(fitted, fitted.dev)
    assert versions(base) == {4}
    next_run = Publisher(config, export=exports)
    for step in (3, 6):
        next_run.snapshot(replace(fitted, snapshot_step=step))
        assert versions(base) == {4, 4 + step // 3}
    next_run.best(fitted, fitted.dev)
    assert versions(base) == {4, 7}, "a server that polls the file may not have read it yet"
    assert labels(path) == {"best": 7}
    Publisher(config, export=exports).best(fitted, fitted.dev)
    assert versions(base) == {7, 8}


def test_a_server_that_still_has_the_file_of_before_keeps_its_version(
    exports: Exports, base: Path, fitted: FitResult, tmp_path: Path
) -> None:
    path = write_config(
        tmp_path / "models.config", base, labels='version_labels { key: "best" value: 3 }'
    )
    seen = []

    class Watcher(SilentProgress):
        def say(self, message: str) -> None:
            seen.append((message.split()[0], labels(path)["best"], versions(base)))

    config = PipelineConfig(model_dir=base, keep=1, model_config_file=path)
    Publisher(config, Watcher(), export=exports).best(fitted, fitted.dev)
    assert seen == [("Label", 4, {1, 2, 3, 4}), ("Removed", 4, {3, 4})]


def test_a_config_that_serves_something_else_is_refused_before_training(
    base: Path, tmp_path: Path
) -> None:
    path = write_config(tmp_path / "models.config", tmp_path / "models" / "cars")
    with pytest.raises(ConfigError) as caught:
        Publisher(PipelineConfig(model_dir=base, model_config_file=path))
    assert str(caught.value) == (
        f"{path}: must serve one model from {base}, to label its best version. "
        f"Received: {tmp_path / 'models' / 'cars'}."
    )
    path.write_text("model_config_list {\n config {\n nam: 'a' } }")
    with pytest.raises(ConfigError, match=r"models\.config:3: "):
        Publisher(PipelineConfig(model_dir=base, model_config_file=path))
    assert versions(base) == {1, 2, 3}

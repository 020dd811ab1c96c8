"""The commands that are struck, with small inputs."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_GOOD = ("房间干净", "服务很好", "早餐不错", "位置方便", "前台热情", "非常满意")
_BAD = ("房间太吵", "服务很差", "早餐难吃", "位置偏僻", "前台冷淡", "非常失望")
MODELS = Path("models") / "sentiment"


@dataclass(frozen=True)
class Command:
    """A command and the folder that it is run in.

    Attributes:
        name: A word for the table.
        arguments: The command and its arguments.
        prepare: Fills the folder of a case, given that of a version.
        again: Returns the arguments with which to start it again, given the folder that it left;
            `None` if it had done all.
        trains: Whether TensorFlow computes: each run takes seconds.
        sizes: Sizes of files, in bytes, at which it is cut off in the middle of a write.
    """

    name: str
    arguments: tuple[str, ...]
    prepare: Callable[[Path, Path], None]
    again: Callable[[Path], tuple[str, ...] | None] | None = None
    trains: bool = False
    sizes: tuple[int, ...] = (1, 100, 1_000, 10_000)


def all_commands() -> dict[str, Command]:
    """Returns the commands by name, the quick ones first."""
    model = ("--model", str(MODELS))
    commands = (
        Command(
            "convert",
            ("vectors", "convert", "vectors.vec", "out/vectors.npy"),
            _with_vectors,
        ),
        Command(
            "label",
            ("models", "label", "best", "2", "--model-config-file", "models.config"),
            _with_config,
        ),
        Command(
            "predict",
            ("predict", "--input", "texts.csv", "--output", "out/answers.jsonl", "--json", *model),
            _with_version,
        ),
        Command("score", ("score", "texts", *model, "--output", "out"), _with_version),
        Command(
            "check",
            (
                *("labels", "check", "--quick", "--data", "labelled.csv", "--folds", "2"),
                *("--output", "out/suspects.csv", "--page", "out/page.html"),
            ),
            _with_texts,
        ),
        Command(
            "report",
            ("evaluate", *model, "--data", "labelled.csv", "--report", "out"),
            _with_version,
            sizes=(1, 10_000, 100_000),
        ),
        Command("twin", ("models", "twin", str(MODELS)), _without_twin, trains=True),
        Command("reexport", ("models", "reexport", str(MODELS)), _with_version, trains=True),
        Command(
            "tune",
            (
                *("tune", "--config", "fit.toml", "--trials", "2"),
                *("--storage", "out/tune.db", "--output", "out/best.toml"),
            ),
            _with_settings,
            trains=True,
        ),
        Command(
            "fit",
            ("fit", "--config", "fit.toml"),
            _with_settings,
            again=_resumed,
            trains=True,
            sizes=(1, 1_000, 10_000, 50_000, 200_000),
        ),
    )
    return {command.name: command for command in commands}


def _resumed(case: Path) -> tuple[str, ...] | None:
    if (case / "run" / "metrics.json").exists():
        return None
    if (case / "run" / "config.toml").exists():
        return ("fit", "--resume", "run")
    return ("fit", "--config", "fit.toml")


def _with_texts(case: Path, version_dir: Path) -> None:
    rows = [
        (f"{text}{n}", label)
        for n in range(10)
        for texts, label in ((_GOOD, 1), (_BAD, 0))
        for text in texts
    ]
    labelled = "".join(f"{text},{label}\n" for text, label in rows)
    (case / "labelled.csv").write_text(f"text,label\n{labelled}", "utf-8")
    texts = "text\n" + "".join(f"{text}\n" for text, _ in rows)
    (case / "texts.csv").write_text(texts, "utf-8")
    (case / "texts").mkdir()
    for name in ("a.csv", "b.csv"):
        (case / "texts" / name).write_text(texts, "utf-8")
    (case / "out").mkdir()
    # Of an earlier command, to be kept until the new file is there.
    for name in ("answers.jsonl", "suspects.csv", "report.html", "page.html"):
        (case / "out" / name).write_text("<html></html>" if "html" in name else "{}\n", "utf-8")


def _with_version(case: Path, version_dir: Path) -> None:
    _with_texts(case, version_dir)
    shutil.copytree(version_dir, case / MODELS / "1")


def _without_twin(case: Path, version_dir: Path) -> None:
    _with_version(case, version_dir)
    shutil.rmtree(case / MODELS / "1" / "assets.extra" / "light", ignore_errors=True)


def _with_vectors(case: Path, version_dir: Path) -> None:
    _with_texts(case, version_dir)
    rows = [f"{text}{n} {' '.join(['0.5'] * 50)}\n" for n in range(50) for text in _GOOD]
    (case / "vectors.vec").write_text(f"{len(rows)} 50\n{''.join(rows)}", "utf-8")
    (case / "out" / "vectors.npy").write_bytes((case / "vectors.vec").read_bytes()[:0])
    (case / "out" / "vectors.npy").unlink()


def _with_config(case: Path, version_dir: Path) -> None:
    _with_version(case, version_dir)
    shutil.copytree(version_dir, case / MODELS / "2")
    path = json.dumps(str(case / MODELS))
    (case / "models.config").write_text(
        "# Ours.\nmodel_config_list {\n  config {\n"
        f'    name: "sentiment"\n    base_path: {path}\n    model_platform: "tensorflow"\n'
        "    model_version_policy { all {} }\n"
        '    version_labels { key: "best" value: 1 }\n  }\n}\n',
        "utf-8",
    )


def _with_settings(case: Path, version_dir: Path) -> None:
    _with_config(case, version_dir)
    (case / "fit.toml").write_text(SETTINGS, "utf-8")


SETTINGS = """data = ["labelled.csv"]
model_dir = "models/sentiment"
model_config_file = "models.config"
run_dir = "run"
keep = 2
cache = "disk"
tokenizer = "unigram"

[model]
lstm_units = 2
bidirectional = false
max_length = 8

[training]
epochs = 2
batch_size = 32
cross_validation = "off"
checkpoint_steps = 2

[vector_training]
dim = 4
epochs = 1
characters = false
"""

"""Does the runs of the learning curve that a file of results lacks, one after the other."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from benchmarks.accuracy.curve import BENCHMARK
from benchmarks.accuracy.curve.baselines import BASELINES, run_baseline
from benchmarks.accuracy.curve.draws import LabelledSet
from benchmarks.accuracy.curve.recipes import RECIPES, Request
from benchmarks.accuracy.sets import Sets

_PROGRAM = Path(__file__).parent / "training.py"
_KEY = ("set", "size", "draw", "recipe", "commit")
_NOT_PRINTED = ("labels", "answers", "messages")
ALL = "all"


@dataclass(frozen=True)
class Checkout:
    """A checkout of the repository, whose `lstm_sentiment` trains.

    Attributes:
        path: Its folder.
        commit: The last commit that changed the library.
    """

    path: Path
    commit: str

    @classmethod
    def at(cls, path: Path) -> "Checkout":
        """Finds the commit of a checkout."""
        command = ("git", "log", "-1", "--format=%h", "--abbrev=7", "--", "lstm_sentiment")
        found = subprocess.run(command, cwd=path, capture_output=True, text=True, check=True)
        return cls(path.resolve(), found.stdout.strip())


@dataclass(frozen=True)
class Curve:
    """Where the runs take their texts from, and where their files and results go.

    Attributes:
        checkout: Trains the classifiers.
        sets: Gives the English word vectors, and the folder for files.
        results: A file of one JSON object a run; runs are appended.
    """

    checkout: Checkout
    sets: Sets
    results: Path

    def run(
        self,
        labelled: Sequence[LabelledSet],
        sizes: Sequence[int | None],
        draws: Sequence[int],
        recipes: Sequence[str],
    ) -> None:
        """Does all runs that the results lack, small sizes first.

        A run that another process does at this moment is left to it. A run that fails is reported
        on standard error, and the next one begins.
        """
        for size in sizes:
            for one in labelled:
                for draw in draws:
                    request = Request(one, size, draw, self.sets.english_vectors)
                    for recipe in recipes:
                        self._run_if_missing(request, recipe)

    def _run_if_missing(self, request: Request, recipe: str) -> None:
        commit = "" if recipe in BASELINES else self.checkout.commit
        size = ALL if request.size is None else request.size
        values = (request.labelled.name, size, request.draw, recipe, commit)
        key = dict(zip(_KEY, values, strict=True))
        with self._claimed(key) as is_ours:
            if not is_ours or self._is_done(key):
                return
            try:
                scores = self._scores(request, recipe, key)
            except subprocess.CalledProcessError as error:
                last = (error.stderr or "").strip().splitlines()[-1:]
                print(f"{' '.join(map(str, values))}: failed: {last}", file=sys.stderr)
                return
            self._keep({"benchmark": BENCHMARK, **key, **_rounded(scores)})

    def _scores(self, request: Request, recipe: str, key: Mapping[str, Any]) -> dict[str, Any]:
        if recipe in BASELINES:
            return run_baseline(recipe, request)
        folder = self.sets.work / "runs" / _digest(key)
        for left_over in (folder, self._run_dir(folder)):
            shutil.rmtree(left_over, ignore_errors=True)
        folder.mkdir(parents=True)
        config, job, result = (folder / name for name in ("run.toml", "job.json", "result.json"))
        config.write_text(tomli_w.dumps(self._settings(request, recipe, folder)), "utf-8")
        job.write_text(json.dumps({"config": str(config), "result": str(result)}), "utf-8")
        environment = {**os.environ, "PYTHONPATH": str(self.checkout.path)}
        command = [sys.executable, "-P", str(_PROGRAM), str(job)]
        subprocess.run(
            command,
            cwd=self.checkout.path,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
        )
        scores: dict[str, Any] = json.loads(result.read_text("utf-8"))
        shutil.rmtree(folder)
        shutil.rmtree(self._run_dir(folder))
        return scores

    def _run_dir(self, folder: Path) -> Path:
        """The run's folder; trained word vectors are kept beside it."""
        return folder.with_name(f"run-{folder.name}")

    def _settings(self, request: Request, recipe: str, folder: Path) -> dict[str, Any]:
        labelled, size = request.labelled, request.size
        settings: dict[str, Any] = {
            "run_dir": str(self._run_dir(folder)),
            "model_dir": str(folder / "models"),
            "training": {"seed": request.draw},
        }
        if size is None:
            settings |= {
                "data": [str(path) for path in labelled.data],
                "text_column": labelled.text_column,
                "label_column": labelled.label_column,
                "split_seed": 0,
            }
        else:
            settings |= {
                "data": [str(labelled.draw_file(size, request.draw))],
                "test_data": str(labelled.test_file()),
            }
        for name, value in RECIPES[recipe](request).items():
            settings[name] = settings.get(name, {}) | value if isinstance(value, dict) else value
        return settings

    def _is_done(self, key: Mapping[str, Any]) -> bool:
        if not self.results.exists():
            return False
        lines = self.results.read_text("utf-8").splitlines()
        return any(key.items() <= json.loads(line).items() for line in lines)

    def _keep(self, run: Mapping[str, Any]) -> None:
        self.results.parent.mkdir(parents=True, exist_ok=True)
        with self.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(run, ensure_ascii=False) + "\n")
        shown = {name: value for name, value in run.items() if name not in _NOT_PRINTED}
        print(json.dumps(shown, ensure_ascii=False), flush=True)

    @contextmanager
    def _claimed(self, key: Mapping[str, Any]) -> Iterator[bool]:
        """Yields whether no other process does the same run at this moment."""
        path = self.sets.work / "claims" / _digest(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


def _digest(key: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]


def _rounded(scores: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in scores.items()
    }

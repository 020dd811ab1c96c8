"""Measures the light engine, by turns with an older commit that needs TensorFlow.

    git worktree add ../before 80386b1
    python -m benchmarks.light --against ../before --model models/sentiment \
        --data hotel_reviews.csv --text-column review

Both checkouts run with this Python and load the same version; the older one ignores its light twin.
Each line is one JSON object with the medians of both; `ratio` above 1 means that this checkout is
the better, `goal` is the ratio that it shall have. Everything is measured in processes of their
own, those of the servers' callers apart. Takes about five minutes; `--only` names what to measure.
"""

import json
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.asked_texts import shuffled_texts
from benchmarks.callers import asking, grpc_predict, load_of
from benchmarks.light.disk import installed_mib
from benchmarks.processes import BATCHING, REPOSITORY, Checkout, commit_of, rounds_by_turns
from lstm_sentiment.version_folder import find_version

_CALLERS = 64
_LARGER_IS_BETTER = ("per_second", "per_cpu_second")

Figures = Mapping[str, float]

_IMPORT = "from lstm_sentiment import PredictClient"

_ONE_TEXT = """
import json, statistics, time
from lstm_sentiment import SavedModelPredictor

texts = json.load(open(sys.argv[2], encoding="utf-8"))
predictor = SavedModelPredictor(sys.argv[1])
for text in texts[:50]:
    predictor.predict([text])
taken, end = [], time.perf_counter() + float(sys.argv[3])
while time.perf_counter() < end:
    before = time.perf_counter()
    predictor.predict([texts[len(taken) % len(texts)]])
    taken.append(time.perf_counter() - before)
print(statistics.median(taken))
"""


@dataclass(frozen=True)
class Setting:
    """The settings of all measurements.

    Attributes:
        version_dir: The version.
        texts: Asked for.
        seconds: Of a measurement that goes on until its time is up.
        folder: For files.
    """

    version_dir: Path
    texts: Sequence[str]
    seconds: float
    folder: Path


def _import_of_client(checkout: Checkout, _: Setting) -> Figures:
    usage = checkout.run(_IMPORT)
    return {"cpu_seconds": usage.cpu_seconds, "mib": usage.mib}


def _server(checkout: Checkout, setting: Setting) -> Figures:
    with checkout.served(setting.version_dir.parent) as server:
        return {
            "seconds": server.start_seconds,
            "cpu_seconds": server.start_cpu_seconds,
            "mib": server.mib,
        }


def _predict(checkout: Checkout, setting: Setting) -> Figures:
    usage = checkout.command("predict", setting.texts[0], "--model", str(setting.version_dir))
    return {"cpu_seconds": usage.cpu_seconds, "seconds": usage.seconds, "mib": usage.mib}


def _one_text(checkout: Checkout, setting: Setting) -> Figures:
    texts = setting.folder / "texts.json"
    texts.write_text(json.dumps(list(setting.texts[:2000])), "utf-8")
    seconds = str(setting.seconds)
    usage = checkout.run(_ONE_TEXT, str(setting.version_dir), str(texts), seconds)
    return {"seconds": float(usage.output), "mib": usage.mib}


def _score(checkout: Checkout, setting: Setting) -> Figures:
    few, many = _scored(checkout, setting, 1), _scored(checkout, setting, len(setting.texts))
    count = len(setting.texts)
    return {
        "per_cpu_second": count / many,
        "per_cpu_second_once_started": (count - 1) / max(many - few, 1e-3),
    }


def _scored(checkout: Checkout, setting: Setting, count: int) -> float:
    """Seconds of CPU that the command takes for some texts."""
    with tempfile.TemporaryDirectory(dir=setting.folder) as name:
        texts = Path(name) / "texts.txt"
        lines = (" ".join(text.split()) for text in setting.texts[:count])
        texts.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        model = str(setting.version_dir)
        return checkout.command("score", str(texts), "--model", model).cpu_seconds


def _load(checkout: Checkout, setting: Setting) -> Figures:
    flags = ("--enable-batching", f"--batching-parameters-file={BATCHING}")
    threads = f"--grpc-max-threads={_CALLERS + 8}"
    with checkout.served(setting.version_dir.parent, threads, *flags) as server:
        requests = [grpc_predict([text]) for text in setting.texts[:4096]]
        asked = asking("gRPC", f"127.0.0.1:{server.port}", requests, _CALLERS)
        load = load_of(asked, _CALLERS, setting.seconds, server.process)
        return {
            "per_second": load.per_second,
            "per_cpu_second_of_server": 1 / load.cpu_seconds,
        }


def _disk(checkout: Checkout, _: Setting) -> Figures:
    return {"mib": installed_mib(checkout.path)}


@dataclass(frozen=True)
class Measurement:
    """One thing to measure.

    Attributes:
        name: On the lines, before the figure's name.
        measure: Called for each checkout and round.
        goals: The least ratio of figures that have a goal.
        repeats: Whether another round may give other figures.
    """

    name: str
    measure: Callable[[Checkout, Setting], Figures]
    goals: Figures
    repeats: bool = True


MEASUREMENTS: Mapping[str, Measurement] = {
    "import": Measurement(
        "import of the client", _import_of_client, {"cpu_seconds": 10, "mib": 10}
    ),
    "server": Measurement("server, start to ready, idle", _server, {"seconds": 5, "mib": 5}),
    "predict": Measurement("predict, one text", _predict, {"cpu_seconds": 5}),
    "text": Measurement("text, one text in process", _one_text, {"seconds": 2}),
    "score": Measurement("score", _score, {"per_cpu_second": 2}),
    "grpc": Measurement(f"gRPC, batching, {_CALLERS} callers", _load, {"per_second": 1.3}),
    "disk": Measurement("installed core", _disk, {"mib": 8}, repeats=False),
}


def main(
    against: Annotated[Path, typer.Option(help="A checkout of the older commit.")],
    model: Annotated[Path, typer.Option(help="A version's folder, or a folder of versions.")],
    data: Annotated[
        Path | None, typer.Option(help="Texts to ask for. Default: the demo corpus.")
    ] = None,
    text_column: str = "text",
    rounds: Annotated[int, typer.Option(help="Measurements of each checkout.", min=1)] = 3,
    seconds: Annotated[float, typer.Option(help="Of each measurement of speed.")] = 5.0,
    only: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(MEASUREMENTS)}; all by default.")
    ] = None,
) -> None:
    """Measures both checkouts by turns and prints a line for each figure."""
    ours, theirs = Checkout(REPOSITORY), Checkout(against)
    texts = shuffled_texts(data, text_column)
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(find_version(model).absolute(), texts, seconds, Path(folder))
        for key in only or MEASUREMENTS:
            if key not in MEASUREMENTS:
                raise SystemExit(f"error: --only must be one of {', '.join(MEASUREMENTS)}.")
            measurement = MEASUREMENTS[key]
            taken: dict[Checkout, list[Figures]] = {ours: [], theirs: []}
            for checkout in rounds_by_turns(list(taken), rounds if measurement.repeats else 1):
                taken[checkout].append(measurement.measure(checkout, setting))
            for line in _lines(measurement, taken[ours], taken[theirs], commit_of(against)):
                print(json.dumps(line), flush=True)


def _lines(
    measurement: Measurement, ours: Sequence[Figures], theirs: Sequence[Figures], against: str
) -> Iterator[dict[str, object]]:
    for figure in ours[0]:
        mine, other = (
            statistics.median(each[figure] for each in taken) for taken in (ours, theirs)
        )
        larger_is_better = figure.startswith(_LARGER_IS_BETTER)
        line: dict[str, object] = {
            "benchmark": "light",
            "name": f"{measurement.name}, {figure}",
            figure: round(mine, 6),
            "against": against,
            f"against_{figure}": round(other, 6),
            "ratio": round(mine / other if larger_is_better else other / mine, 3),
        }
        if figure in measurement.goals:
            line["goal"] = measurement.goals[figure]
        yield line


if __name__ == "__main__":
    typer.run(main)

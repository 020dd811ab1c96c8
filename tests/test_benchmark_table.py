"""`benchmarks.table`: from the lines that benchmarks print to the tables of the READMEs."""

import json
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from benchmarks import suite, table
from tests.conftest import REPOSITORY

RESULTS = REPOSITORY / "benchmarks" / "results.jsonl"
READMES = [REPOSITORY / "README.md", REPOSITORY / "README.zh-CN.md"]

LINES: list[dict[str, object]] = [
    {"benchmark": "machine", "name": "machine", "cpus": 2, "cores": 1},
    {"benchmark": "training", "name": "ours, bfloat16", "per_second": 9, "against": "x"},
    *(
        {
            "benchmark": "training",
            "name": "ours, float32",
            "per_second": 83088,
            "ratio": 1.0,
            "against": peer,
            "against_per_second": per_second,
        }
        for peer, per_second in {
            "keras.Sequential, padded to 200": 35454,
            "PyTorch, packed": 15507,
            "PyTorch, padded to the longest of the batch": 29356,
        }.items()
    ),
    *(
        {"benchmark": "inference", "name": f"{case}: {engine}", "seconds": seconds}
        for case, engine, seconds in [
            ("1 text of 100 tokens", "ours", 0.00331),
            ("1 text of 100 tokens", "ours, XLA", 0.001204),
            ("1 text of 100 tokens", "ours, light", 0.000412),
            ("1 text of 100 tokens", "keras predict", 0.0676),
            ("1 text of 100 tokens", "keras loop", 0.0055),
            ("1 text of 100 tokens", "pytorch eager", 0.00108),
            ("64 texts of mixed lengths", "ours", 0.0257),
        ]
    ),
    {
        "benchmark": "serving",
        "name": "plain app, concurrency 1",
        "per_second": 14.0,
        "p50_ms": 70.0,
    },
    {"benchmark": "serving", "name": "plain app, concurrency 64", "per_second": 13.0},
    {"benchmark": "serving", "name": "gRPC, no batching, concurrency 1", "p50_ms": 3.5},
    {"benchmark": "serving", "name": "gRPC, batching, concurrency 64", "per_second": 791.0},
    {"benchmark": "serving", "name": "gRPC, batching, concurrency 64", "texts_per_second": 792.0},
    {
        "benchmark": "serving",
        "name": "128 texts in one request",
        "seconds": 0.047,
        "against_seconds": 0.5875,
    },
    {
        "benchmark": "end_to_end",
        "name": "demo, seed 0",
        "seconds": 171.2,
        "test": {"accuracy": 0.9012, "macro_f1": 0.89},
    },
]

ENGLISH = """\
Printed by `make bench` on 2 hyperthreads of 1 core, without a GPU, with texts of the demo corpus.

| the same LSTM, the same weights | ours | Keras | PyTorch | ONNX Runtime |
| --- | --- | --- | --- | --- |
| training, real tokens a second | 83,088 | 35,454 | 29,356 | – |
| one text of 100 tokens, ms (light / XLA / plain; `predict` / graph) | \
0.41 / 1.2 / 3.3 | 67.6 / 5.5 | 1.1 | – |
| 64 texts of mixed lengths, ms (the same) | 25.7 | – | – | – |

| served, one text a request | ours | Starlette and `model.predict` | times better |
| --- | --- | --- | --- |
| 1 caller over gRPC, median ms | 3.5 | 70.0 | 20 |
| 64 callers over gRPC with batching, requests a second | 791 | 13.0 | 61 |

| a batch against single requests | 128 texts in one request, ms | 128 requests, ms | times faster |
| --- | --- | --- | --- |
| gRPC | 47.0 | 588 | 12 |

| the first command | seconds | accuracy, % | macro-F1, % |
| --- | --- | --- | --- |
| `fit` on the demo corpus | 171 | 90.1 | 89.0 |"""


def file_of(lines: list[dict[str, object]], folder: Path) -> Path:
    path = folder / "results.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return path


def run(*arguments: object) -> str:
    """What the command printed; its error message where it failed."""
    app = typer.Typer()
    app.command()(table.main)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.output if result.exit_code == 0 else str(result.exception)


def test_tables_are_made_of_the_lines(tmp_path: Path) -> None:
    assert run(file_of(LINES, tmp_path)) == ENGLISH + "\n"


def test_both_readmes_get_the_same_figures(tmp_path: Path) -> None:
    english, chinese = tmp_path / "README.md", tmp_path / "README.zh-CN.md"
    for readme in (english, chinese):
        readme.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n", "utf-8")
    run(file_of(LINES, tmp_path), "--write", english, "--write", chinese)
    first = english.read_text("utf-8")
    assert first == f"before\n{table.BEGIN}\n{ENGLISH}\n{table.END}\nafter\n"
    second = chinese.read_text("utf-8")
    assert "1 个物理核心的 2 个超线程" in second
    cells = [[line.split("|")[2:] for line in text.splitlines()[4:]] for text in (first, second)]
    shapes = [[len(row) for row in text] for text in cells]
    assert shapes[0] == shapes[1]
    figures = [[row for row in text if any(c.isdigit() for c in "".join(row))] for text in cells]
    assert figures[0][0] == figures[1][0] == [" 83,088 ", " 35,454 ", " 29,356 ", " – ", ""]
    # Written anew from the same lines, nothing changes.
    run(file_of(LINES, tmp_path), "--write", english)
    assert english.read_text("utf-8") == first


def test_tables_without_figures_are_left_out(tmp_path: Path) -> None:
    shown = run(file_of([LINES[0], LINES[-1]], tmp_path))
    assert "| `fit` on the demo corpus | 171 | 90.1 | 89.0 |" in shown
    assert "PyTorch" not in shown and "Starlette" not in shown


def test_a_machine_without_hyperthreads_has_cpus(tmp_path: Path) -> None:
    machine: dict[str, object] = {"benchmark": "machine", "name": "machine", "cpus": 8}
    for cores in (None, 8):
        assert "on 8 CPUs," in run(file_of([{**machine, "cores": cores}], tmp_path))


@pytest.mark.parametrize(
    "text", ["", f"{table.BEGIN}", f"{table.END}{table.BEGIN}", f"{table.BEGIN}{table.END}" * 2]
)
def test_a_readme_without_its_marks_is_refused_and_left(tmp_path: Path, text: str) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(text, "utf-8")
    assert run(file_of(LINES, tmp_path), "--write", readme).startswith(
        f"error: {readme}: must have"
    )
    assert readme.read_text("utf-8") == text


@pytest.mark.parametrize("line", ["no JSON", "[]", '{"name": "x"}'])
def test_a_line_that_no_benchmark_printed_is_told(tmp_path: Path, line: str) -> None:
    path = file_of(LINES[:1], tmp_path)
    path.write_text(path.read_text("utf-8") + line, "utf-8")
    assert f"{path}:2: must be" in run(path)
    assert "must tell the machine" in run(file_of(LINES[1:], tmp_path))


def test_the_suite_runs_benchmarks_that_are_there(tmp_path: Path) -> None:
    for quick in (False, True):
        listed = list(suite.commands(quick, tmp_path))
        modules = [arguments[2].removeprefix("benchmarks.") for arguments in listed]
        assert modules == ["end_to_end", "training", "inference", "serving"]
        folder = REPOSITORY / "benchmarks"
        for module, arguments in zip(modules, listed, strict=True):
            home = folder / f"{module}.py"
            source = (home if home.is_file() else folder / module / "__main__.py").read_text(
                "utf-8"
            )
            for flag in arguments[3:]:
                name = flag.removeprefix("--")
                assert not flag.startswith("--") or f"{name}:" in source or f'"{flag}"' in source
        # What the first leaves, the last is asked about.
        assert str(tmp_path) in listed[0] and str(tmp_path) in listed[-1]


def test_the_suite_keeps_what_benchmarks_print(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    talk = 'print(\'talk\'); print(\'{"benchmark": "x", "name": "y"}\')'
    monkeypatch.setattr(suite, "commands", lambda *_: iter([[sys.executable, "-c", talk]]))
    monkeypatch.setattr(suite, "NEEDED", ("json",))
    path = tmp_path / "results.jsonl"
    suite.main(output=path, quick=False, cores=1)
    first, second = path.read_text("utf-8").splitlines()
    assert json.loads(first)["cores"] == 1
    assert second == '{"benchmark": "x", "name": "y"}'
    assert capsys.readouterr().out.splitlines() == [first, second]


def test_a_suite_that_breaks_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = [sys.executable, "-c", "raise SystemExit(3)"]
    monkeypatch.setattr(suite, "commands", lambda *_: iter([failing]))
    monkeypatch.setattr(suite, "NEEDED", ("json",))
    with pytest.raises(SystemExit, match="exit code 3"):
        suite.main(output=tmp_path / "results.jsonl", quick=False, cores=None)
    with pytest.raises(SystemExit, match="--quick goes without --output"):
        suite.main(output=tmp_path / "results.jsonl", quick=True, cores=None)
    assert not (tmp_path / "results.jsonl").exists()


def test_a_suite_tells_what_is_missing_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "NEEDED", ("json", "no_such_module"))
    with pytest.raises(SystemExit, match="error: no_such_module must be installed: pip install"):
        suite.main(output=None, quick=True, cores=None)


@pytest.mark.skipif(not RESULTS.is_file(), reason="no `make bench` was kept")
@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_readmes_show_what_was_measured(readme: Path) -> None:
    text = readme.read_text("utf-8")
    shown = table.markdown(table.read_lines(RESULTS), table.language_of(readme))
    assert table.replaced(text, shown, readme) == text

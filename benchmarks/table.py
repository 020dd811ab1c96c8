"""Turns the lines that `make bench` prints into the tables of the READMEs.

    python -m benchmarks.table benchmarks/results.jsonl                          prints them
    python -m benchmarks.table benchmarks/results.jsonl --write README.md --write README.zh-CN.md

Each file named by `--write` gets them between `<!-- bench:begin -->` and `<!-- bench:end -->`, in
the language that its name tells (`.zh-CN.md`: Chinese). A cell that no line has a figure for is a
dash; a row without a figure of ours is left out, and so is a table without rows.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
Language = Literal["en", "zh"]
Line = Mapping[str, Any]
Words = Mapping[Language, str]

_NONE = "–"


class Figures:
    """What was measured, by benchmark, name and key; the first line that has it counts."""

    def __init__(self, lines: Sequence[Line]) -> None:
        """Takes the lines as they were printed."""
        self._lines = lines

    def get(self, benchmark: str, name: str, key: str, **where: str) -> float | None:
        """One figure, or `None` where no line has it.

        Args:
            benchmark: Whose line it is.
            name: Of the line.
            key: Of the figure; a dot goes into an object, as in `test.accuracy`.
            where: Values that the line must have besides.
        """
        for line in self._lines:
            if (line["benchmark"], line["name"]) == (benchmark, name) and where.items() <= {
                key: value for key, value in line.items() if isinstance(value, str)
            }.items():
                found: Any = line
                for part in key.split("."):
                    found = found.get(part) if isinstance(found, Mapping) else None
                if isinstance(found, int | float):
                    return float(found)
        return None


@dataclass(frozen=True)
class Table:
    """One table: its head, and how the cells of its rows are made of figures.

    Attributes:
        head: Cells of the first line.
        rows: The first cell of each row, and what makes the others.
    """

    head: tuple[Words, ...]
    rows: tuple[tuple[Words, Callable[[Figures], Sequence[str]]], ...]

    def lines(self, figures: Figures, language: Language) -> Iterator[str]:
        """The Markdown, or nothing where there are no figures."""
        rows = [(words[language], list(cells(figures))) for words, cells in self.rows]
        kept = [(name, cells) for name, cells in rows if cells[0] != _NONE]
        if kept:
            yield _row([words[language] for words in self.head])
            yield _row(["---"] * len(self.head))
            for name, cells in kept:
                yield _row([name, *cells])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _rounded(value: float) -> str:
    """Two significant digits at least, and no more decimals than say something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def _cell(value: float | None, times: float = 1) -> str:
    return _NONE if value is None else _rounded(times * value)


def _ratio(more: float | None, less: float | None) -> str:
    if more is None or not less or math.isnan(less):
        return _NONE
    return f"{more / less:.1f}" if more / less < 10 else f"{more / less:.0f}"


def _all(*cells: str) -> str:
    return " / ".join(cell for cell in cells if cell != _NONE) or _NONE


def _training(figures: Figures) -> Sequence[str]:
    ours, key = "ours, float32", "against_per_second"

    def peer(name: str) -> str:
        return _cell(figures.get("training", ours, key, against=name))

    return (
        _cell(figures.get("training", ours, "per_second")),
        peer("keras.Sequential, padded to 200"),
        peer("PyTorch, padded to the longest of the batch"),
        _NONE,
    )


def _answering(case: str) -> Callable[[Figures], Sequence[str]]:
    def cells(figures: Figures) -> Sequence[str]:
        def ms(engine: str) -> str:
            return _cell(figures.get("inference", f"{case}: {engine}", "seconds"), 1e3)

        return (
            _all(ms("ours, light"), ms("ours, XLA"), ms("ours")),
            _all(ms("keras predict"), ms("keras loop")),
            ms("pytorch eager"),
            ms("onnx runtime"),
        )

    return cells


def _load(name: str, key: str, callers: int) -> Callable[[Figures], Sequence[str]]:
    def cells(figures: Figures) -> Sequence[str]:
        ours = figures.get("serving", f"{name}, concurrency {callers}", key)
        plain = figures.get("serving", f"plain app, concurrency {callers}", key)
        more, less = (ours, plain) if key == "per_second" else (plain, ours)
        return _cell(ours), _cell(plain), _ratio(more, less)

    return cells


def _large_request(figures: Figures) -> Sequence[str]:
    name = "128 texts in one request"
    one, many = (figures.get("serving", name, key) for key in ("seconds", "against_seconds"))
    return _cell(one, 1e3), _cell(many, 1e3), _ratio(many, one)


def _end_to_end(figures: Figures) -> Sequence[str]:
    def get(key: str) -> float | None:
        return figures.get("end_to_end", "demo, seed 0", key)

    return _cell(get("seconds")), _cell(get("test.accuracy"), 100), _cell(get("test.macro_f1"), 100)


TABLES = (
    Table(
        (
            {"en": "the same LSTM, the same weights", "zh": "同样的 LSTM、同样的权重"},
            {"en": "ours", "zh": "本项目"},
            {"en": "Keras", "zh": "Keras"},
            {"en": "PyTorch", "zh": "PyTorch"},
            {"en": "ONNX Runtime", "zh": "ONNX Runtime"},
        ),
        (
            (
                {"en": "training, real tokens a second", "zh": "训练，每秒有效词元数"},
                _training,
            ),
            (
                {
                    "en": "one text of 100 tokens, ms (light / XLA / plain; `predict` / graph)",
                    "zh": "单条 100 词元文本，毫秒（轻量 / XLA / 普通；`predict` / 计算图）",
                },
                _answering("1 text of 100 tokens"),
            ),
            (
                {
                    "en": "64 texts of mixed lengths, ms (the same)",
                    "zh": "64 条长短不一的文本，毫秒（同上）",
                },
                _answering("64 texts of mixed lengths"),
            ),
        ),
    ),
    Table(
        (
            {"en": "served, one text a request", "zh": "在线服务，每个请求一条文本"},
            {"en": "ours", "zh": "本项目"},
            {"en": "Starlette and `model.predict`", "zh": "Starlette 加 `model.predict`"},
            {"en": "times better", "zh": "倍数"},
        ),
        (
            (
                {"en": "1 caller over gRPC, median ms", "zh": "1 个调用方，gRPC，中位数毫秒"},
                _load("gRPC, no batching", "p50_ms", 1),
            ),
            (
                {
                    "en": "64 callers over gRPC with batching, requests a second",
                    "zh": "64 个调用方，gRPC 加批处理，每秒请求数",
                },
                _load("gRPC, batching", "per_second", 64),
            ),
            (
                {
                    "en": "64 callers over REST with batching, requests a second",
                    "zh": "64 个调用方，REST 加批处理，每秒请求数",
                },
                _load("REST, batching", "per_second", 64),
            ),
            (
                {
                    "en": "64 callers over gRPC with batching, 99th percentile ms",
                    "zh": "64 个调用方，gRPC 加批处理，99 分位毫秒",
                },
                _load("gRPC, batching", "p99_ms", 64),
            ),
        ),
    ),
    Table(
        (
            {"en": "a batch against single requests", "zh": "成批请求与逐条请求"},
            {"en": "128 texts in one request, ms", "zh": "一个请求 128 条文本，毫秒"},
            {"en": "128 requests, ms", "zh": "128 个请求，毫秒"},
            {"en": "times faster", "zh": "倍数"},
        ),
        (({"en": "gRPC", "zh": "gRPC"}, _large_request),),
    ),
    Table(
        (
            {"en": "the first command", "zh": "第一条命令"},
            {"en": "seconds", "zh": "秒"},
            {"en": "accuracy, %", "zh": "准确率，%"},
            {"en": "macro-F1, %", "zh": "宏平均 F1，%"},
        ),
        (({"en": "`fit` on the demo corpus", "zh": "在演示语料上运行 `fit`"}, _end_to_end),),
    ),
)


def machine_words(figures: Figures, language: Language) -> str:
    """The kind of machine, in words."""
    cpus, cores = (figures.get("machine", "machine", key) for key in ("cpus", "cores"))
    if cpus is None:
        raise SystemExit("error: the first line must tell the machine, as benchmarks.suite writes.")
    cores = cores or cpus
    threads = cpus > cores
    if language == "zh":
        kind = f"{cores:.0f} 个物理核心的 {cpus:.0f} 个超线程" if threads else f"{cpus:.0f} 个 CPU"
        return f"由 `make bench` 测得；机器：{kind}，无 GPU；文本取自演示语料。"
    of_cores = f"{cores:.0f} core{'s' if cores != 1 else ''}"
    kind = f"{cpus:.0f} hyperthreads of {of_cores}" if threads else f"{cpus:.0f} CPUs"
    return f"Printed by `make bench` on {kind}, without a GPU, with texts of the demo corpus."


def markdown(lines: Sequence[Line], language: Language) -> str:
    """All tables.

    Args:
        lines: What `make bench` printed.
        language: Of the words.

    Returns:
        Markdown, which begins and ends with a line of text.
    """
    figures = Figures(lines)
    blocks = [[machine_words(figures, language)]]
    blocks += [list(table.lines(figures, language)) for table in TABLES]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def read_lines(path: Path) -> list[Line]:
    """Reads what `make bench` printed."""
    lines = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            lines.append(json.loads(line))
            lines[-1]["benchmark"], lines[-1]["name"]
        except (ValueError, KeyError, TypeError):
            raise SystemExit(
                f"error: {path}:{number}: must be a line that a benchmark printed."
            ) from None
    return lines


def language_of(path: Path) -> Language:
    """The language of a README, by its name."""
    return "zh" if path.name.endswith(".zh-CN.md") else "en"


def replaced(text: str, table: str, path: Path) -> str:
    """A README's text with the tables between its two marks."""
    if [text.count(mark) for mark in (BEGIN, END)] != [1, 1] or text.index(BEGIN) > text.index(END):
        raise SystemExit(f"error: {path}: must have {BEGIN} and then {END} once each.")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def main(
    results: Annotated[Path, typer.Argument(help="Lines that `make bench` printed.")],
    write: Annotated[
        list[Path] | None, typer.Option(help="A README whose tables are replaced.")
    ] = None,
) -> None:
    """Prints the tables, or writes them into READMEs."""
    lines = read_lines(results)
    if not write:
        print(markdown(lines, "en"))
    for path in write or []:
        text = path.read_text("utf-8")
        path.write_text(replaced(text, markdown(lines, language_of(path)), path), "utf-8")


if __name__ == "__main__":
    typer.run(main)

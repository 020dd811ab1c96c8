import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.scale.memory import MemoryRecord, memory_of
from benchmarks.scale.plot import draw
from benchmarks.scale.record import Record
from benchmarks.scale.scoring import difference
from benchmarks.scale.texts import recombined, write_shards
from lstm_sentiment import read_corpus
from lstm_sentiment.text.corpus.streaming import open_corpus

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")

POOLS = {"bad": ['差"。', "慢,", "旧！"], "good": ["好。", "快！"]}
WAIT = "pathlib.Path({flag!r}).touch(); signal.pause()"
_BLOCK = 64 * 2**20


def test_recombined_texts_keep_the_class_of_their_sentences() -> None:
    made = list(islice(recombined(POOLS, 1, 3, seed=3), 200))
    assert made == list(islice(recombined(POOLS, 1, 3, seed=3), 200))
    assert {label for _, label in made} == set(POOLS)
    for text, label in made:
        for sentence in POOLS[label]:
            text = text.replace(sentence, "")
        assert text == ""


def test_shards_are_read_as_they_were_made(tmp_path: Path) -> None:
    made = list(islice(recombined(POOLS, 1, 3, seed=0), 40))
    size = write_shards(tmp_path, iter(made), shards=2, rows_a_shard=20)
    assert size == sum(path.stat().st_size for path in tmp_path.iterdir())
    corpus = read_corpus([tmp_path])
    assert [
        (text, corpus.label_names[label])
        for text, label in zip(corpus.texts, corpus.labels, strict=True)
    ] == made
    assert open_corpus([tmp_path]) == corpus


def test_memory_is_that_of_the_process_and_its_descendants(tmp_path: Path) -> None:
    child = f"x = bytearray({_BLOCK}); print('full', flush=True); input()"
    parent = (
        "import subprocess, sys\n"
        f"with subprocess.Popen([sys.executable, '-c', {child!r}], stdin=-1, stdout=-1) as child:\n"
        "    child.stdout.readline(); print('full', flush=True); input()\n"
        "    child.communicate(b'end')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = memory_of(process.pid)
        process.communicate(b"end")
    assert _BLOCK < found["anonymous"] <= found["rss"] < _BLOCK + 2**30
    assert memory_of(process.pid) == {"rss": 0, "anonymous": 0}


def test_a_record_holds_memory_and_messages_to_the_kill(tmp_path: Path) -> None:
    path, flag = tmp_path / "a.jsonl", tmp_path / "flag"
    code = f"import pathlib, signal; print('loss 0.5', flush=True); {WAIT}"
    record = MemoryRecord(path)
    command = [sys.executable, "-c", code.format(flag=str(flag))]
    killed = record.watch("fit", command, is_time_to_kill=flag.exists, done=lambda: {"texts": 7})
    ended = record.watch(
        "fit --resume", [sys.executable, "-c", "print('Resumed after 1,500 steps')"]
    )
    assert (killed.exit_code, killed.lines) == (-9, ["loss 0.5"])
    assert (ended.exit_code, ended.lines) == (0, ["Resumed after 1,500 steps"])
    first, second = Record.load(path).runs
    assert first.facts()["exit_code"] == -9
    assert first.facts()["first_loss"] == first.facts()["last_loss"] == 0.5
    assert second.facts()["resumed_after_steps"] == 1_500
    assert all(texts == 7 for _, texts in first.texts) and first.memory
    assert [line for _, line in first.messages] == ["loss 0.5", "SIGKILL"]


def test_differences_of_answers_are_counted(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    answers = [("a", 0.75), ("b", 0.25)], [("a", 0.5), ("b", 0.75)]
    for folder, pairs in zip(folders, answers, strict=True):
        folder.mkdir()
        lines = [
            {"text": text, "label": str(share > 0.5), "probabilities": {"x": share}}
            for text, share in pairs
        ]
        (folder / "a.scored.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    assert difference(folders[0], folders[0]) == (2, 0, 0.0)
    assert difference(*folders) == (2, 2, 0.5)
    (folders[1] / "b.scored.jsonl").write_text(json.dumps(lines[0]), "utf-8")
    with pytest.raises(SystemExit, match="same texts"):
        difference(*folders)


def record_of(path: Path, *runs: Sequence[Mapping[str, object]]) -> Record:
    lines: list[Mapping[str, object]] = []
    for name, run in zip(("first", "second"), runs, strict=True):
        lines.append({"run": name, "seconds": 0.0, "command": []})
        lines += [{"run": name, **line} for line in run]
    path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    return Record.load(path)


def test_the_plot_shows_the_kill_and_every_curve(tmp_path: Path) -> None:
    memory = [
        {"seconds": float(second), "rss": 2**30 + second, "texts": 100 * second}
        for second in range(200)
    ]
    said = [{"seconds": 60.0, "line": "Read 10 texts."}, {"seconds": 150.0, "line": "SIGKILL"}]
    fit = record_of(tmp_path / "fit", [*memory, *said, memory[-1]], memory)
    score = record_of(tmp_path / "score", memory, memory[:100])
    found = draw(fit, score, 2**31)
    root = ET.fromstring(found)
    curves = [part for part in root.iter() if str(part.get("class", "")).startswith("line")]
    assert len([curve for curve in curves if curve.get("points")]) == 6
    texts = [part.text for part in root.iter() if part.text]
    assert {"SIGKILL", "fit, streaming 2.00 GiB of texts: memory in GiB"} <= set(texts)
    for curve in curves:
        for point in (curve.get("points") or "").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= float(str(root.get("width"))) and 0 <= y <= float(
                str(root.get("height"))
            )

"""Requests that a server has logged: read as texts, and replayed to another version."""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import lstm_sentiment as ls
from tests.core_only.running import EXPORTED, Command, serving


@pytest.fixture(scope="module")
def log(versions: Path, texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What version 1 was asked over gRPC and REST, until SIGTERM."""
    prefix = tmp_path_factory.mktemp("logs") / "sentiment"
    collector = f'log_collector_config {{ type: "file" filename_prefix: "{prefix}" }}'
    logging = f"logging_config {{ {collector} sampling_config {{ sampling_rate: 1.0 }} }}"
    with serving(versions, [], logging) as server:
        with ls.PredictClient(server.address, model="sentiment", version=1) as client:
            client.predict(texts)
        question = {"signature_name": "text", "instances": texts[:2]}
        server.post("/v1/models/sentiment/versions/1:predict", question)
    return prefix


def test_the_log_becomes_a_table_of_texts(
    run: Command, log: Path, texts: list[str], expected: dict[str, Any], tmp_path: Path
) -> None:
    table = tmp_path / "texts.csv"
    flags = ["--model", EXPORTED / "sentiment", "--output", table, "--json"]
    ended = run("labels", "from-log", log, *flags)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["sent"] == len(texts) + 2
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = {row["text"].strip(): row for row in csv.DictReader(file)}
    asked = Counter(text.strip() for text in (*texts, *texts[:2]) if text.strip())
    assert {text: int(row["count"]) for text, row in rows.items()} == asked
    for text, answer in zip(texts, expected["sentiment-1"]["predictions"], strict=True):
        if text.strip():
            assert rows[text.strip()]["predicted_label"] == answer["label"]


@pytest.mark.parametrize(("version", "code"), [(1, 0), (2, 1)])
def test_the_log_is_replayed(
    run: Command, log: Path, texts: list[str], version: int, code: int
) -> None:
    model = EXPORTED / "sentiment" / str(version)
    ended = run("verify", "--model", model, "--requests", log, "--json")
    assert ended.returncode == code, ended.stderr
    result = json.loads(ended.stdout)
    assert (result["way"], result["version"]) == ("light twin", version)
    assert (result["texts"], result["equal"]) == (len(texts) + 2, code == 0)

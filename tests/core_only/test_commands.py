"""The commands that ask a version in a folder, against what TensorFlow answered."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.core_only.running import EXPORTED, Command, Server

NEEDS = "needs TensorFlow: pip install 'lstm-sentiment[train]'\n"
VERSIONS = ("sentiment/1", "sentiment/2", "letters/1")


def records(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def check(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    """Checks labels, and probabilities to 1e-5."""
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        # The classes are in the order of the version's labels.
        assert [*one["probabilities"].values()] == pytest.approx(other["probabilities"], abs=1e-5)
        assert one["label"] == other["label"]


@pytest.mark.parametrize("version", VERSIONS)
def test_predict_answers_what_tensorflow_does(
    run: Command, texts: list[str], expected: dict[str, Any], version: str
) -> None:
    ended = run("predict", "--model", EXPORTED / version, "--json", "--", *texts)
    assert (ended.returncode, ended.stderr) == (0, "")
    check(records(ended.stdout), expected[version.replace("/", "-")]["predictions"])


@pytest.mark.parametrize("version", VERSIONS)
def test_explain_answers_what_tensorflow_does(
    run: Command, texts: list[str], expected: dict[str, Any], version: str
) -> None:
    ended = run("explain", "--model", EXPORTED / version, "--json", "--", *texts)
    assert (ended.returncode, ended.stderr) == (0, "")
    found = records(ended.stdout)
    wanted = expected[version.replace("/", "-")]["explanations"]
    check(found, wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one["tokens"] == other["tokens"]
        assert one["attributions"] == pytest.approx(other["attributions"], abs=1e-4)


def test_predict_reads_files_and_standard_input(run: Command, tmp_path: Path) -> None:
    from_input = run("predict", "--model", EXPORTED / "sentiment", stdin="房间很干净\n太差了\n")
    assert from_input.returncode == 0, from_input.stderr
    file, output = tmp_path / "texts.txt", tmp_path / "answers.txt"
    file.write_text("房间很干净\n太差了\n", "utf-8")
    ended = run("predict", "--model", EXPORTED / "sentiment", "--input", file, "--output", output)
    assert ended.returncode == 0, ended.stderr
    assert output.read_text("utf-8") == from_input.stdout


def test_score_labels_a_folder(
    run: Command, tmp_path: Path, texts: list[str], expected: dict[str, Any]
) -> None:
    shard = tmp_path / "reviews.csv"
    with shard.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["text"], *([text] for text in texts)])
    ended = run("score", tmp_path, "--model", EXPORTED / "sentiment" / "2", "--json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["texts"] == len(texts)
    [output] = tmp_path.glob("*.scored.jsonl")
    check(records(output.read_text("utf-8")), expected["sentiment-2"]["predictions"])


def test_evaluate_gives_the_scores_of_what_was_answered(run: Command) -> None:
    data = EXPORTED / "held_out.csv"
    ended = run("evaluate", "--model", EXPORTED / "sentiment" / "1", "--data", data, "--json")
    assert ended.returncode == 0, ended.stderr
    scores = json.loads(ended.stdout)
    with data.open(encoding="utf-8") as file:
        labelled = list(csv.DictReader(file))
    answers = run("predict", "--model", EXPORTED / "sentiment" / "1", "--input", data, "--json")
    right = [
        answer["label"] == row["label"]
        for answer, row in zip(records(answers.stdout), labelled, strict=True)
    ]
    assert scores["texts"] == len(labelled)
    assert scores["accuracy"] == pytest.approx(sum(right) / len(right))
    assert scores["texts_seen_in_training"] == 0


def test_compare_tests_two_versions(run: Command) -> None:
    flags = ["--model", EXPORTED / "sentiment", "--versions", "1,2"]
    ended = run("models", "compare", *flags, "--data", EXPORTED / "held_out.csv", "--json")
    assert ended.returncode == 0, ended.stderr
    compared = json.loads(ended.stdout)
    assert [compared[name]["version"] for name in ("first", "second")] == [1, 2]
    assert 0 <= compared["p_value"] <= 1


def test_verify_finds_the_versions_equal_here_and_on_a_server(
    run: Command, server: Server, versions: Path
) -> None:
    for name in ("sentiment", "letters"):
        flags = ["--server", server.address, "--rest-api", f"localhost:{server.rest_port}"]
        ended = run("verify", "--model", versions / name, *flags, "--json")
        assert ended.returncode == 0, ended.stderr
        result = json.loads(ended.stdout)
        assert result["equal"] is True
        assert result["largest_difference"] <= 1e-5
        ways = {(way["way"], way["signature"]) for way in result["ways"]}
        assert "saved model" not in {way for way, _ in ways}
        for signature in ("text", "tokens", "serving_default", "classify", "explain"):
            assert {(way, signature) for way in ("light twin", "grpc", "rest")} <= ways


def test_inspect_reads_the_saved_model(run: Command) -> None:
    ended = run("inspect", EXPORTED / "sentiment", "--json")
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert {"text", "explain"} <= {signature["key"] for signature in report["signatures"]}
    assert report["graph"]["foreign_ops"]["SentencepieceOp"] == "tensorflow-text"
    assert report["light_twin"] is True


@pytest.mark.parametrize(
    "command",
    [
        ("fit",),
        ("tune",),
        ("launch", "--workers", "2", "--", "fit"),
        ("vectors", "train", "--data", "reviews.txt", "--output", "reviews.npy"),
    ],
    ids=lambda command: command[0],
)
def test_commands_that_train_say_what_to_install(run: Command, command: tuple[str, ...]) -> None:
    ended = run(*command)
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", f"error: training {NEEDS}")


def test_a_version_without_a_light_twin_says_what_to_install(run: Command, tmp_path: Path) -> None:
    version = tmp_path / "1"
    version.mkdir()
    for name in ("saved_model.pb", "variables", "assets"):
        (version / name).symlink_to(EXPORTED / "sentiment" / "1" / name)
    ended = run("predict", "--model", version, "好")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: ") and ended.stderr.endswith(NEEDS)

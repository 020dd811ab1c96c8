"""`labels next`: from files of texts to a file of texts to label."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from lstm_sentiment.text.corpus.reading import read_texts
from lstm_sentiment.training.fit_result import FitResult
from tests.cli.running import Run, is_one_error_line
from tests.corpora import hotel_like, write_csv
from tests.exported import exported

POOL = hotel_like(60, seed=1).texts


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "pool.csv", [(text, "") for text in POOL])


def test_texts_to_label_with_and_without_a_version(
    run: Run, pool: Path, tmp_path: Path, fitted: FitResult
) -> None:
    write_csv(tmp_path / "labelled.csv", [(POOL[0], "positive")])
    flags = ("--pool", pool, "--data", "labelled.csv", "--number", 10)
    outcome = run("labels", "next", *flags)
    assert outcome.code == 0, outcome.err
    assert "59 of 60 texts can be chosen; left out: 1 with a label" in outcome.out
    assert "10 (9 diverse, 1 random)" in outcome.out
    assert set(read_texts("next.csv")) < set(POOL[1:])

    model = exported(fitted)
    told = run("labels", "next", *flags, "--model", model, "--output", "mine.csv", "--json")
    answer = json.loads(told.out)
    assert answer["chosen"] == {"uncertain": 9, "diverse": 0, "random": 1}
    assert answer["version_dir"] == str(model)
    assert [text["text"] for text in answer["texts"]] == read_texts("mine.csv")


@pytest.mark.parametrize(
    ("flags", "names", "command"),
    [
        ((), [], "fit --data labelled.csv"),
        (
            ("--data", "labelled.csv"),
            ["bad", "good"],
            "fit --data labelled.csv --data labelled.csv",
        ),
        (("--model", "MODEL"), ["negative", "neutral", "positive"], "fit --data labelled.csv"),
    ],
)
def test_the_page_offers_the_labels_that_are_known(
    run: Run,
    pool: Path,
    tmp_path: Path,
    fitted: FitResult,
    flags: tuple[str, ...],
    names: list[str],
    command: str,
) -> None:
    write_csv(tmp_path / "labelled.csv", [("很好", "good"), ("很差", "bad")])
    given = [exported(fitted) if flag == "MODEL" else flag for flag in flags]
    outcome = run("labels", "next", "--pool", pool, "--page", "a.html", "--json", *given)
    assert outcome.code == 0, outcome.err
    told = json.loads(outcome.out)
    assert told["page"] == "a.html"
    [data] = re.findall(r'id="data">(.*?)</script>', (tmp_path / "a.html").read_text("utf-8"))
    page = json.loads(data)
    assert (page["classes"], page["source"]) == (names, "pool.csv")
    assert page["command"].endswith(command)
    assert [item["text"] for item in page["items"]] == [text["text"] for text in told["texts"]]
    assert not any(item["given"] or item["likely"] for item in page["items"])


def test_a_pool_that_is_smaller_than_asked_for(run: Run, pool: Path) -> None:
    assert "60 of 100: the pool has no more" in run("labels", "next", "--pool", pool).out


def test_an_empty_pool_is_one_line_and_leaves_the_output_as_it_was(
    run: Run, tmp_path: Path
) -> None:
    pool = write_csv(tmp_path / "pool.csv", [])
    (tmp_path / "next.csv").write_text("mine")
    outcome = run("labels", "next", "--pool", pool)
    assert is_one_error_line(outcome), outcome
    assert (tmp_path / "next.csv").read_text() == "mine"


def test_bad_input_is_told_before_tensorflow_is_imported(
    pool: Path, is_refused_at_once: Callable[..., None]
) -> None:
    command = ("labels", "next", "--pool", pool)
    is_refused_at_once("`number` must be a positive integer", *command, "--number", "0")
    is_refused_at_once("`random_share` must be from 0 to 1", *command, "--random-share", "2")
    is_refused_at_once("or hold numbered versions", *command, "--model", "none")
    is_refused_at_once("must be a file in a folder", *command, "--output", "none/next.csv")
    is_refused_at_once("its name must end in .csv", *command, "--output", "next.jsonl")
    is_refused_at_once("the column 'review' must exist", *command, "--text-column", "review")

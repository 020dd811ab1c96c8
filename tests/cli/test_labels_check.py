"""`labels check`: the file of suspects, the summary, and bad input in one line."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.cli.running import Run, is_one_error_line
from tests.corpora import rows_of, write_csv
from tests.labels.planted import with_wrong_labels

CHECK = ("labels", "check", "--data", "reviews.csv", "--quick")


@pytest.fixture
def planted(tmp_path: Path) -> dict[int, str]:
    """Writes `reviews.csv`; returns the right labels of its wrong rows."""
    corpus, planted = with_wrong_labels()
    write_csv(tmp_path / "reviews.csv", rows_of(corpus))
    return dict(planted)


def suspects(path: Path) -> list[dict[str, str]]:
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_suspects_are_written_with_rows_and_labels(
    run: Run, tmp_path: Path, planted: dict[int, str]
) -> None:
    outcome = run(*CHECK)
    assert outcome.code == 0, outcome.err
    assert "suspects.csv" in outcome.out
    # Names of classes of any length are apart from their shares.
    assert re.search(r"^wrong among \w+  +[0-9.]+%, 95% interval ", outcome.out, re.MULTILINE)
    found = suspects(tmp_path / "suspects.csv")
    assert len(found) > len(planted) / 2
    assert {int(row["row"]): row["likely_label"] for row in found}.items() <= planted.items()
    with (tmp_path / "reviews.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in found:
        assert (row["text"], row["label"]) == tuple(rows[int(row["row"]) - 1].values())


def test_values_are_below_one_another_also_after_long_and_chinese_labels(
    run: Run, tmp_path: Path
) -> None:
    corpus, _ = with_wrong_labels()
    longer = dict(zip(corpus.label_names, ("不推荐这家酒店", "undecided", "好"), strict=False))
    rows = [(text, longer[label]) for text, label in rows_of(corpus)]
    write_csv(tmp_path / "reviews.csv", rows)
    outcome = run(*CHECK)
    shares = [line for line in outcome.out.splitlines() if line.startswith("wrong among")]
    assert len(shares) > 1
    places = {cell_len(re.split(r"(?<= )[\d.]+%, 95%", line)[0]) for line in shares}
    assert len(places) == 1, shares


def test_json_is_alone_on_standard_output(
    run: Run, tmp_path: Path, planted: dict[int, str]
) -> None:
    outcome = run(*CHECK, "--json", "--output", "found.csv")
    told = json.loads(outcome.out)
    assert told["output"] == "found.csv"
    assert [str(issue["row"]) for issue in told["issues"]] == [
        row["row"] for row in suspects(tmp_path / "found.csv")
    ]
    assert sum(told["suspects"].values()) == len(told["issues"])


def test_columns_are_kept_under_other_names_where_they_clash(run: Run, tmp_path: Path) -> None:
    corpus, planted = with_wrong_labels()
    for name, rows in (("a.jsonl", rows_of(corpus)[:120]), ("b.jsonl", rows_of(corpus)[120:])):
        lines = (
            {"review": text, "label": label, "row": index, "text": None, "tags": ["x"]}
            for index, (text, label) in enumerate(rows)
        )
        (tmp_path / name).write_text(
            "\n".join(json.dumps(line, ensure_ascii=False) for line in lines), "utf-8"
        )
    args = ("--data", "a.jsonl", "--data", "b.jsonl", "--text-column", "review", "--quick")
    outcome = run("labels", "check", *args)
    assert outcome.code == 0, outcome.err
    found = suspects(tmp_path / "suspects.csv")
    assert len(found) > len(planted) / 2
    for row in found:
        assert int(row["row"]) == int(row["original_row"]) + 1
        assert (row["original_text"], row["tags"]) == ("", '["x"]')
        assert row["text"] == row["review"]
        number = int(row["row"]) + (120 if row["file"] == "b.jsonl" else 0)
        assert planted[number] == row["likely_label"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--data", "missing.csv"), "missing.csv: cannot be read"),
        (("--data", "reviews.csv", "--output", "no/such.csv"), "no/such.csv: must be a file"),
        (("--data", "reviews.csv", "--output", "found.tsv"), "its name must end in .csv"),
        (("--data", "reviews.csv", "--folds", 1), "`folds` must be an integer from 2"),
        (("--data", "reviews.csv", "--text-column", "review"), "the column 'review' must exist"),
    ],
)
def test_bad_input_is_one_line_before_tensorflow_is_imported(
    is_refused_at_once: Callable[..., None],
    planted: dict[int, str],
    args: tuple[object, ...],
    message: str,
) -> None:
    is_refused_at_once(message, "labels", "check", *args)


def test_bad_input_leaves_the_former_output_as_it_was(
    run: Run, tmp_path: Path, planted: dict[int, str]
) -> None:
    (tmp_path / "suspects.csv").write_text("former")
    (tmp_path / "few.csv").write_text("text,label\n好,1\n差,0\n")
    assert is_one_error_line(run("labels", "check", "--data", "few.csv", "--quick"))
    assert (tmp_path / "suspects.csv").read_text() == "former"


def test_the_page_asks_about_the_suspects_and_names_the_command_that_takes_its_file(
    run: Run, tmp_path: Path, planted: dict[int, str]
) -> None:
    outcome = run(*CHECK, "--page", "labels.html", "--json")
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["page"] == "labels.html"
    found = suspects(tmp_path / "suspects.csv")
    page = (tmp_path / "labels.html").read_text("utf-8")
    [data] = re.findall(r'id="data">(.*?)</script>', page)
    told = json.loads(data)
    asked = ("digest", "row", "likely", "text")
    assert [tuple(str(item[name]) for name in asked) for item in told["items"]] == [
        (row["digest"], row["row"], row["likely_label"], row["text"]) for row in found
    ]
    assert told["command"].endswith("fit --data reviews.csv --corrections corrections.csv")
    for item, row in zip(told["items"], found, strict=True):
        assert item["given"] == [row["given_label"]]
        assert any(shade > 0 for _, _, shade in item["spans"])


def test_a_page_that_cannot_be_written_is_told_before_the_labels_are_checked(
    run: Run, planted: dict[int, str]
) -> None:
    outcome = run(*CHECK, "--page", "no/labels.html")
    assert is_one_error_line(outcome)
    assert "no/labels.html: must be a file in a folder that can be written" in outcome.err


def test_what_a_spreadsheet_takes_for_a_formula_has_a_space_before_it(
    run: Run, tmp_path: Path
) -> None:
    corpus, _ = with_wrong_labels()
    labels = {"negative": "-1", "neutral": "0", "positive": "+1"}
    rows = [(f"=1+{text}", labels[label]) for text, label in rows_of(corpus)]
    write_csv(tmp_path / "reviews.csv", rows)
    assert run(*CHECK).code == 0
    for row in suspects(tmp_path / "suspects.csv"):
        assert row["text"] == " " + rows[int(row["row"]) - 1][0]
        assert row["given_label"] == rows[int(row["row"]) - 1][1]


def test_what_was_decided_in_an_earlier_round_is_not_asked_again(
    run: Run, tmp_path: Path, planted: dict[int, str]
) -> None:
    """Kept labels are no suspects any more, and neither are dropped texts."""
    run(*CHECK)
    first = suspects(tmp_path / "suspects.csv")
    actions = dict(
        zip((row["digest"] for row in first[:3]), ("keep", "drop", "change"), strict=True)
    )
    lines = [
        f"{row['digest']},{actions[row['digest']]},{row['likely_label']}\n" for row in first[:3]
    ]
    (tmp_path / "done.csv").write_text("".join(["digest,action,label\n", *lines]), "utf-8")
    outcome = run(*CHECK, "--corrections", "done.csv", "--page", "a.html")
    assert outcome.code == 0, outcome.err
    second = suspects(tmp_path / "suspects.csv")
    assert not actions.keys() & {row["digest"] for row in second}
    assert {int(row["row"]) for row in second} <= planted.keys()
    page = (tmp_path / "a.html").read_text("utf-8")
    assert "--corrections done.csv --corrections corrections.csv" in page

    other = f"digest,action,label\n{'a' * 16},drop,\n"
    (tmp_path / "other.csv").write_text(other, "utf-8")
    refused = run(*CHECK, "--corrections", "other.csv")
    assert is_one_error_line(refused)
    assert "Received: 1, all of other texts" in refused.err

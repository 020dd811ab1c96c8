"""The learning curve: draws are nested and apart from the test part, differences are paired."""

import csv
import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lstm_sentiment as ls
from benchmarks.accuracy.curve.draws import LabelledSet, drawing_order
from benchmarks.accuracy.curve.recipes import Request
from benchmarks.accuracy.curve.runs import Checkout, Curve
from benchmarks.accuracy.curve.table import difference, print_curve
from benchmarks.accuracy.sets import Sets
from tests.corpora import copied, hotel_like, rows_of, write_csv

FAKE_LIBRARY = '''
"""Stands in for a checkout's library: answers with the class that most texts have."""

import csv
import json
import tomllib
from collections import Counter
from pathlib import Path
from types import SimpleNamespace


def _rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)]


def load_config(path):
    return tomllib.loads(Path(path).read_text("utf-8"))


def run_pipeline(config, progress):
    rows = _rows(config["data"][0])
    run_dir = Path(config["run_dir"])
    run_dir.mkdir(parents=True)
    (run_dir / "test.csv").write_bytes(Path(config["test_data"]).read_bytes())
    progress.say(f"{len(rows)} texts, seed {config['training']['seed']}")
    names = tuple(sorted({label for _, label in rows}))
    most = Counter(label for _, label in rows).most_common(1)[0][0]
    scores = SimpleNamespace(accuracy=0.5, macro_f1=0.5)
    fit = SimpleNamespace(
        label_names=names,
        history={"loss": [1.0, 0.5]},
        training=SimpleNamespace(batch_size=config.get("training", {}).get("batch_size", 64)),
    )
    return SimpleNamespace(run_dir=run_dir, version_dir=most, fit=fit, dev=scores, seconds=1.0)


class SavedModelPredictor:
    def __init__(self, version_dir):
        self.label = version_dir

    def predict(self, texts):
        return [SimpleNamespace(label=self.label) for _ in texts]


def read_corpus(paths, label_names):
    rows = _rows(paths[0])
    labels = [label_names.index(label) for _, label in rows]
    return SimpleNamespace(texts=[text for text, _ in rows], labels=labels)


def evaluate_predictions(labels, answers, names):
    right = sum(a == b for a, b in zip(labels, answers, strict=True))
    return SimpleNamespace(accuracy=right / len(labels), macro_f1=0.25)
'''


@pytest.fixture
def labelled(tmp_path: Path) -> LabelledSet:
    file = write_csv(tmp_path / "reviews.csv", rows_of(hotel_like(120)))
    return LabelledSet("reviews", (file,), "text", "label", tmp_path / "draws")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    package = tmp_path / "checkout" / "lstm_sentiment"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(FAKE_LIBRARY, "utf-8")
    git = ("git", "-C", str(package.parent), "-c", "user.name=a", "-c", "user.email=a@b.c")
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "All")):
        subprocess.run([*git, *arguments], check=True)
    return Checkout.at(package.parent)


def texts_of(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file)]


def test_a_draw_holds_the_smaller_ones_and_no_test_text(labelled: LabelledSet) -> None:
    small, large = (texts_of(labelled.draw_file(size, 0)) for size in (12, 60))
    unlabelled = texts_of(labelled.unlabelled_file(60, 0))
    test = texts_of(labelled.test_file())
    assert small == large[:12]
    assert len({*large, *unlabelled, *test}) == len(large) + len(unlabelled) + len(test) == 120
    assert small != texts_of(labelled.draw_file(12, 1))


def test_near_duplicates_of_test_texts_are_in_no_draw(
    labelled: LabelledSet, tmp_path: Path
) -> None:
    rows = rows_of(hotel_like(120))
    twice = [*rows, *((copied(text), label) for text, label in rows)]
    file = write_csv(tmp_path / "twice.csv", twice)
    again = LabelledSet("twice", (file,), "text", "label", labelled.folder)
    assert [part.texts for part in again.parts] == [part.texts for part in labelled.parts]


@given(
    labels=st.lists(st.integers(0, 2), min_size=9, max_size=200),
    draw=st.integers(0, 20),
    share=st.floats(0.1, 1),
)
def test_draws_are_stratified(labels: list[int], draw: int, share: float) -> None:
    labels = [0, 0, 1, 1, 2, 2, *labels]
    corpus = ls.Corpus(tuple(map(str, range(len(labels)))), tuple(labels), ("a", "b", "c"))
    order = drawing_order(corpus, draw)
    assert sorted(order) == list(range(len(labels)))
    size = max(6, round(share * len(labels)))
    drawn = [labels[position] for position in order[:size]]
    for label in range(3):
        # Two texts of each class come first, whatever its share.
        assert drawn.count(label) >= 2
        assert abs(drawn.count(label) - labels.count(label) * size / len(labels)) <= 6


def test_runs_are_done_once_and_keep_an_answer_for_each_text(
    labelled: LabelledSet, checkout: Checkout, tmp_path: Path
) -> None:
    results = tmp_path / "curve.jsonl"
    curve = Curve(checkout, Sets(tmp_path, tmp_path / "work"), results)
    for _ in range(2):
        curve.run([labelled], [12], [0, 1], ["default", "TF-IDF balanced"])
    runs = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    assert len(runs) == 4
    ours = [run for run in runs if run["recipe"] == "default"]
    assert {run["commit"] for run in ours} == {checkout.commit}
    assert [run["messages"] for run in ours][-1] == ["12 texts, seed 1"]
    for run in runs:
        right = [a == b for a, b in zip(run["labels"], run["answers"], strict=True)]
        assert run["accuracy"] == pytest.approx(sum(right) / len(labelled.parts[1]), abs=1e-4)


def test_the_teacher_gets_the_texts_that_are_left(labelled: LabelledSet, tmp_path: Path) -> None:
    from benchmarks.accuracy.curve.recipes import RECIPES

    request = Request(labelled, 12, 0, lambda: tmp_path)
    [file] = RECIPES["teacher e5"](request)["unlabelled"]
    assert len(texts_of(Path(file))) == len(labelled.parts[0]) - 12


def run_of(answers: list[int], draw: int = 0) -> dict[str, object]:
    return {"draw": draw, "labels": [0, 1] * 50, "answers": answers}


def test_the_same_mistakes_make_no_difference() -> None:
    mistaken = run_of([0] * 100)
    found = difference({0: mistaken}, {0: mistaken})
    assert found is not None
    assert (found.accuracy, found.accuracy_error, found.p_values) == (0, 0, (1.0,))


def test_a_difference_is_that_of_the_means_with_the_error_of_pairs() -> None:
    worse, better = run_of([0, 1] * 40 + [1, 0] * 10), run_of([0, 1] * 48 + [1, 0] * 2)
    found = difference({0: worse, 1: worse}, {0: better, 1: better, 2: worse})
    assert found is not None and found.draws == 2
    assert found.accuracy == pytest.approx(16)
    assert found.macro_f1 == pytest.approx(16)
    # 16 of 100 texts differ, all for the better: the binomial error of 16 %, in points.
    assert found.accuracy_error == pytest.approx(100 * (0.16 * 0.84 / 100) ** 0.5, rel=0.1)
    assert found.p_values[0] == pytest.approx(2 / 2**16)


def test_answers_to_other_texts_are_not_compared() -> None:
    other = {**run_of([0] * 100), "labels": [1, 0] * 50}
    with pytest.raises(SystemExit, match="same test texts"):
        difference({0: run_of([0] * 100)}, {0: other})


def test_the_table_has_means_and_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    scores = {"set": "hotel", "size": 100, "commit": "", "accuracy": 0.5, "macro_f1": 0.25}
    worse, better = run_of([0] * 100), run_of([0, 1] * 50)
    print_curve(
        [
            {**worse, **scores, "recipe": "default"},
            {**better, **scores, "recipe": "accurate", "accuracy": 1.0, "macro_f1": 1.0},
        ],
        "default",
    )
    printed = capsys.readouterr().out
    assert "| default | 50.0 / 25.0 (1) |" in printed
    assert "| accurate | 100 | +50.0 ± 5." in printed

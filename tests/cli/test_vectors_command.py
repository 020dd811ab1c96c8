"""`vectors info`, `train` and `convert`: what they print, where, and their exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lstm_sentiment import WordVectors, load_word_vectors, save_word_vectors
from tests.cli import test_commands
from tests.cli.running import Run, is_one_error_line
from tests.cli.test_commands import COLUMNS, SMALL

csv_file = test_commands.csv_file
no_exports = test_commands.no_exports

FORMS = (".txt", ".txt.gz", ".vec", ".vec.gz", ".bin", ".bin.gz", ".npy")
TEXTS = COLUMNS[:2]
QUICK = ("--dim", 8, "--epochs", 1)


@pytest.fixture
def vectors_file(tmp_path: Path) -> Path:
    """Four words: two near to each other, one far, one of zeros."""
    path = tmp_path / "v.txt"
    path.write_text("4 2\nhotel 3 4\nhouse 3 3\nbad -1 0\nnone 0 0\n")
    return path


def rows(out: str) -> dict[str, str]:
    return {line[:15].rstrip(): line[15:] for line in out.splitlines()}


def test_without_a_command_the_help_is_the_answer(run: Run) -> None:
    outcome = run("vectors")
    assert (outcome.code, outcome.err) == (2, "")
    assert "convert" in outcome.out


def test_what_needs_no_texts_imports_no_tensorflow(vectors_file: Path) -> None:
    code = (
        "import sys\n"
        "from lstm_sentiment.cli.app import main\n"
        "for args in ('info v.txt --neighbours hotel', 'convert v.txt v.npy'):\n"
        "    sys.argv = ['x', 'vectors', *args.split()]\n"
        "    try: main()\n"
        "    except SystemExit as exited: assert not exited.code\n"
        "assert not {'tensorflow', 'keras', 'gensim'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=vectors_file.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_info_prints_sizes_lengths_and_neighbours(run: Run, vectors_file: Path) -> None:
    outcome = run("vectors", "info", "v.txt", "--neighbours", "hotel", "--neighbours", "bad")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines() == [
        "file           v.txt",
        "vectors        4 of width 2",
        "lengths        0 to 5, median 2.62, mean 2.56",
        "zero vectors   1",
        "neighbours     hotel: house 0.99, bad -0.60",
        "neighbours     bad: hotel -0.60, house -0.71",
    ]
    assert outcome.err.startswith("Reading v.txt: done in")


def test_info_tells_what_of_the_texts_is_covered(
    run: Run, vectors_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.txt").write_text("Bad hotel\n\nbad food\n")
    (tmp_path / "more" / "notes.md").write_text("not a text")
    (tmp_path / "b.csv").write_text("review,stars\nfood food,1\n")
    args = ("vectors", "info", "v.txt", "--data", "more", "--data", "b.csv", *TEXTS)
    # The text file has no columns, so the column's name does not matter to it.
    outcome = run(*args)
    assert outcome.code == 0, outcome.err
    table = rows(outcome.out)
    assert table["texts"] == "4, cut by whitespace"
    assert table["covered"] == "50.0% of 6 tokens, 66.7% of 3 different ones"
    assert table["not covered"] == "food 3"
    by_character = run(*args, "--tokenizer", "characters")
    assert rows(by_character.out)["covered"].startswith("0.0% of 23 tokens")


def test_info_prints_json_alone(run: Run, vectors_file: Path, csv_file: Path) -> None:
    args = ("vectors", "info", "v.txt", "--neighbours", "hotel", "--json")
    alone = json.loads(run(*args).out)
    assert (alone["file"], alone["count"], alone["dim"]) == ("v.txt", 4, 2)
    assert (alone["norm_max"], alone["zero_vectors"]) == (5, 1)
    assert alone["neighbours"]["hotel"][0] == ["house", pytest.approx(0.98995, abs=1e-5)]
    assert alone["token_coverage"] is None
    with_texts = json.loads(run(*args, "--data", csv_file, *TEXTS).out)
    assert with_texts["tokenizer"] == "unigram"
    assert with_texts["token_coverage"] == 0
    assert len(with_texts["missing"]) == 20


def test_info_reads_the_first_vectors_only(run: Run, vectors_file: Path) -> None:
    outcome = run("vectors", "info", "v.txt", "--limit", 3)
    assert rows(outcome.out)["vectors"] == "3 of width 2"


def test_info_leaves_malformed_rows_out_when_told_to(run: Run, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("a 1 2\nb 1\nc 3 4\n")
    refused = run("vectors", "info", "v.txt")
    assert refused.code == 2
    assert "v.txt:2" in refused.err.splitlines()[-1]
    skipped = run("vectors", "info", "v.txt", "--bad-rows", "skip")
    assert skipped.code == 0
    assert rows(skipped.out)["vectors"] == "2 of width 2"
    assert "line 2" in skipped.err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("none.txt",), "none.txt: cannot be read"),
        (("v.txt", "--limit", 0), "`limit` must be a positive integer"),
        (("v.txt", "--bad-rows", "mend"), "`--bad-rows`"),
        (("v.txt", "--tokenizer", "bpe"), "`--tokenizer`"),
        (("v.txt", "--data", "none.csv"), "none.csv: cannot be read"),
        (("v.txt", "--data", "empty"), "empty: holds no .csv"),
        (("v.txt", "--data", "empty/blank"), "`texts` must hold at least one token"),
        (("v.txt", "--neighbours", "Hotel"), "Did you mean 'hotel'"),
        (("v.txt", "--neighbours", "none"), "'none' has a vector of zeros"),
        ((), "Missing argument 'FILE'"),
    ],
)
def test_info_tells_bad_input_in_one_line(
    run: Run, vectors_file: Path, args: tuple[object, ...], message: str
) -> None:
    (vectors_file.parent / "empty").mkdir()
    (vectors_file.parent / "empty" / "blank").write_text("\n\n")
    outcome = run("vectors", "info", *args)
    assert (outcome.code, outcome.out) == (2, "")
    errors = [line for line in outcome.err.splitlines() if ": done in" not in line]
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    assert message in errors[0]


def test_train_ends_with_a_command_that_fit_takes(
    run: Run, csv_file: Path, no_exports: None
) -> None:
    csv_file.write_text(csv_file.read_text("utf-8").replace("stars,", "label,", 1), "utf-8")
    outcome = run("vectors", "train", "--data", csv_file, *TEXTS, *QUICK, "--output", "v.npy")
    assert outcome.code == 0, outcome.err
    assert "Read 125 texts. Dropped 0 empty, 5 repeated, and 0 that --exclude holds" in outcome.err
    assert "Tokenizer: unigram" in outcome.err
    assert "Nothing is excluded" in outcome.err
    table = rows(outcome.out)
    assert list(table) == ["vectors", "time", "file", "next"]
    trained = load_word_vectors("v.npy")
    assert table["vectors"] == f"{len(trained.tokens)} of width 8"
    assert {"房间", "很"} <= set(trained.tokens)
    following = table["next"].split()
    assert following[:2] == ["lstm-sentiment", "fit"]
    Path("small.toml").write_text(SMALL)
    fitted = run(*following[1:], "--config", "small.toml")
    assert fitted.code == 0, fitted.err
    assert "of width 8" in fitted.err


def test_train_prints_json_alone_and_the_settings_decide_the_vectors(
    run: Run, csv_file: Path, tmp_path: Path
) -> None:
    args = ("vectors", "train", "--data", csv_file, *TEXTS, *QUICK, "--json", "--output")
    result = json.loads(run(*args, "a.txt").out)
    assert set(result) == {"file", "count", "dim", "algorithm", "tokenizer", "texts", "seconds"}
    assert (result["file"], result["dim"], result["texts"]) == ("a.txt", 8, 120)
    assert (result["algorithm"], result["tokenizer"]) == ("word2vec", "unigram")
    run(*args, "b.txt")
    run(*args, "c.txt", "--seed", 1)
    run(*args, "e.txt", "--epochs", 2)
    run(*args, "f.txt", "--window", 1)
    fasttext = json.loads(run(*args, "d.txt", "--algorithm", "fasttext").out)
    assert fasttext["algorithm"] == "fasttext"
    a, *others = (load_word_vectors(f"{name}.txt") for name in "acdef")
    assert (tmp_path / "a.txt").read_bytes() == (tmp_path / "b.txt").read_bytes()
    for other in others:
        assert other.tokens == a.tokens
        assert not np.array_equal(other.matrix, a.matrix)


def test_train_learns_nothing_from_excluded_texts(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "all.txt").write_text(
        "good room\nsecret secret\n\n good room \ngood bed\n"
    )
    (tmp_path / "data" / "more.txt").write_text("good room again\ngood bed again\nhidden hidden\n")
    (tmp_path / "dev.txt").write_text("secret secret \n")
    (tmp_path / "test.txt").write_text("hidden hidden\n")
    outcome = run(
        *("vectors", "train", "--data", "data", "--exclude", "dev.txt", "--exclude", "test.txt"),
        *(*QUICK, "--output", "v.vec"),
    )
    assert outcome.code == 0, outcome.err
    assert (
        "Read 8 texts. Dropped 1 empty, 1 repeated, and 2 that --exclude holds: 4 left"
        in outcome.err
    )
    assert "Nothing is excluded" not in outcome.err
    assert set(load_word_vectors("v.vec").tokens) == {"good", "room", "bed", "again"}
    assert rows(outcome.out)["next"] == (
        "lstm-sentiment fit --data data --dev-data dev.txt --test-data test.txt --vectors v.vec"
    )


def test_train_gives_rare_words_one_vector(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("good good room\n")
    train = ("vectors", "train", "--data", "a.txt", *QUICK, "--output", "v.txt")
    run(*train, "--min-count", 1)
    assert set(load_word_vectors("v.txt").tokens) == {"good", "room"}
    run(*train)
    assert set(load_word_vectors("v.txt").tokens) == {"good", "[OOV]"}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--output", "v.pt"), "v.pt: the name must end in .txt, .vec"),
        (("--output", "none/v.npy"), "none/v.npy: must be a file in a folder that can be written"),
        (("--output", "folder.npy"), "folder.npy: must be a file in a folder"),
        (("--output", "v.npy", "--dim", 0), "`dim` must be a positive integer"),
        (("--output", "v.npy", "--seed", -1), "`seed` must be an integer from 0"),
        (("--output", "v.npy", "--algorithm", "glove"), "`--algorithm`"),
        (("--output", "v.npy"), "missing.csv: cannot be read"),
        ((), "Missing option '--output'"),
    ],
)
def test_train_tells_bad_input_before_it_reads_anything(
    run: Run, tmp_path: Path, args: tuple[object, ...], message: str
) -> None:
    (tmp_path / "folder.npy").mkdir()
    before = sorted(tmp_path.iterdir())
    outcome = run("vectors", "train", "--data", "missing.csv", *args)
    assert is_one_error_line(outcome), outcome
    assert message in outcome.err
    assert sorted(tmp_path.iterdir()) == before


def test_train_on_texts_that_are_all_excluded(run: Run, csv_file: Path, tmp_path: Path) -> None:
    args = ("--data", csv_file, "--exclude", csv_file, *TEXTS)
    outcome = run("vectors", "train", *args, "--output", "v.npy")
    assert outcome.code == 2
    assert "120 that --exclude holds: 0 left" in outcome.err
    assert outcome.err.splitlines()[-1].startswith("error: At least one word must occur 2 times")
    assert not (tmp_path / "v.npy").exists()


@pytest.mark.parametrize("suffix", FORMS)
def test_convert_from_any_form_to_any_form(run: Run, tmp_path: Path, suffix: str) -> None:
    matrix = np.random.default_rng(0).normal(0, 1, (20, 5)).astype(np.float32)
    original = WordVectors(tuple(f"词{n}" for n in range(20)), matrix)
    save_word_vectors(original, tmp_path / f"source{suffix}")
    for target in FORMS:
        outcome = run("vectors", "convert", f"source{suffix}", f"target{target}")
        assert outcome.code == 0, outcome.err
        table = rows(outcome.out)
        assert table["vectors"] == "20 of width 5"
        assert table["file"].startswith(f"target{target} (")
        assert table["next"] == f"lstm-sentiment vectors info target{target}"
        converted = load_word_vectors(f"target{target}")
        assert converted.tokens == original.tokens
        assert np.array_equal(converted.matrix, matrix)


def test_convert_takes_a_part(run: Run, vectors_file: Path, tmp_path: Path) -> None:
    (tmp_path / "vocabulary.txt").write_text("bad\nhotel\nunheard\n")
    outcome = run("vectors", "convert", "v.txt", "only.npy", "--only", "vocabulary.txt", "--json")
    assert json.loads(outcome.out) == {"file": "only.npy", "count": 2, "dim": 2}
    assert load_word_vectors("only.npy").tokens == ("hotel", "bad")
    run("vectors", "convert", "v.txt", "first.bin", "--limit", 1)
    assert load_word_vectors("first.bin").tokens == ("hotel",)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("v.txt", "v.txt"), "SOURCE and TARGET must be different files. Received: v.txt"),
        (("v.txt", "link.txt"), "SOURCE and TARGET must be different files"),
        (("v.txt", "v.parquet"), "v.parquet: the name must end in"),
        (("v.txt", "none/v.npy"), "must be a file in a folder that can be written"),
        (("v.txt", "w.npy", "--only", "none.txt"), "none.txt: cannot be read"),
        (("v.txt",), "Missing argument 'TARGET'"),
    ],
)
def test_convert_tells_bad_input_in_one_line_and_leaves_the_source(
    run: Run, vectors_file: Path, args: tuple[str, ...], message: str
) -> None:
    os.link(vectors_file, vectors_file.with_name("link.txt"))
    content, before = vectors_file.read_bytes(), sorted(vectors_file.parent.iterdir())
    outcome = run("vectors", "convert", *args)
    assert is_one_error_line(outcome), outcome
    assert message in outcome.err
    assert vectors_file.read_bytes() == content
    assert sorted(vectors_file.parent.iterdir()) == before

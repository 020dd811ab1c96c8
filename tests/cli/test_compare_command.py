"""`models compare` and `models promote`: what they print and where, and their exit codes."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lstm_sentiment.text.corpus.held_out import with_test_file
from lstm_sentiment.text.corpus.reading import read_corpus
from lstm_sentiment.version_folder import CARD
from tests.cli.running import Run, is_one_error_line
from tests.compared import length_version, write_texts_seen
from tests.model_service import StockModelService
from tests.serving.saved_models import copy_version

# Version 2 says `long` of more than 2 characters, version 5 of more than 5.
TEXTS = ["a", "abc", "abcd", "房间很干净", "abcdef", "abcdefg", "abcdefgh"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base_path = tmp_path_factory.mktemp("models") / "m"
    base_path.mkdir()
    for version in (2, 5):
        write_texts_seen(length_version(base_path, version), ["another"])
    return base_path


@pytest.fixture
def config(made: Path, tmp_path: Path) -> Path:
    base_path = tmp_path / "models" / "sentiment"
    base_path.mkdir(parents=True)
    for version in (2, 5):
        copy_version(made / str(version), base_path, version)
    path = tmp_path / "models.config"
    path.write_text(
        f"""\
model_config_list {{
  config {{
    name: "m"
    base_path: "{base_path}"
    model_platform: "tensorflow"
    model_version_policy {{ specific {{ versions: [2, 5] }} }}
    version_labels {{ key: "stable" value: 5 }}  # good
  }}
}}
"""
    )
    return path


def write_data(path: Path, longer_than: int = 5, times: int = 1) -> Path:
    rows = [f"{t},{'long' if len(t) > longer_than else 'short'}" for t in TEXTS]
    path.write_text("\n".join(["review,stars", *rows * times]) + "\n")
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Texts of which version 5 gets all right, and version 2 four of seven."""
    return write_data(tmp_path / "test.csv")


COLUMNS = ("--text-column", "review", "--label-column", "stars")


def test_two_versions_side_by_side_in_80_columns(run: Run, config: Path, data: Path) -> None:
    outcome = run("models", "compare", "--versions", "2,5", "--data", data, *COLUMNS)
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    rows = [line.split() for line in lines]
    assert ["version", "2", "version", "5", "difference,", "points"] in rows
    [accuracy] = [line for line in lines if line.startswith("accuracy")]
    assert "0.571 [0.250, 0.842]   1.000 [0.646, 1.000]   +42.9 [" in accuracy
    assert ["F1", "long", "0.667", "1.000", "+33.3"] in rows
    assert ["trained", "on", "0", "of", "7", "0", "of", "7"] in rows
    assert ["only", "version", "5", "right", "3"] in rows
    assert "Different predictions for 3 of 7 texts:" in lines
    assert "房间很干净" in outcome.out
    assert [line.split()[1] for line in lines if line.startswith("no. ")] == ["4", "3", "2"]
    assert lines[-1].startswith("no significant difference on 7 texts: version 5 has +42.9 p")
    assert all(len(line) <= 80 for line in lines[:-1])
    scored = [line.split(":")[0] for line in outcome.err.splitlines()]
    assert scored == ["Scoring version 2", "Scoring version 5"]
    assert "warning" not in outcome.err


def test_a_comparison_for_machines(run: Run, config: Path, data: Path) -> None:
    write_texts_seen(config.parent / "models/sentiment/5", ["abc"])
    flags = ("--model-config-file", config, "--versions", "stable,2", "--data", data, "--json")
    outcome = run("models", "compare", *flags, *COLUMNS)
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert (found["first"]["version"], found["second"]["version"]) == (5, 2)
    assert found["better"] is None and found["p_value"] == 0.25
    assert [row["index"] for row in found["disagreements"]]
    assert (found["first"]["texts_seen"], found["is_fair"]) == (1, False)
    assert outcome.err.splitlines()[-1] == (
        "warning: 1 of the 7 texts were used to train version 5: the comparison is unfair"
    )


def name_test_set(base_path: Path, version: int, file: Path) -> None:
    """Has a version's card name a file of labelled texts as the test set of its run."""
    corpus = read_corpus([file])
    facts = with_test_file({"test": corpus.fingerprint()}, file, base_path)
    card = {"labels": [*corpus.label_names], "data": facts}
    path = base_path / str(version) / CARD
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(card), "utf-8")


def test_without_data_the_test_set_of_the_second_run_is_taken(
    run: Run, config: Path, data: Path, tmp_path: Path
) -> None:
    for name in ("2", "5"):
        (tmp_path / name).mkdir()
        rows = data.read_text().splitlines()[1 : int(name) + 1]
        (tmp_path / name / "test.csv").write_text("\n".join(["text,label", *rows]) + "\n")
        name_test_set(tmp_path / "models" / "sentiment", int(name), tmp_path / name / "test.csv")
    compared = run("models", "compare", "--versions", "2,5", "--json")
    assert compared.code == 0, compared.err
    assert json.loads(compared.out)["texts"] == 5
    assert "Texts: the test set of the run that made the version, 5/test.csv" in compared.err
    promoted = run(*PROMOTE, "--model-config-file", config, "--dry-run", "--force", "--json")
    assert promoted.code == 0, promoted.err
    assert "Texts: the test set of the run that made the version, 2/test.csv" in promoted.err


def test_texts_to_show_are_counted(run: Run, config: Path, data: Path) -> None:
    flags = ("--versions", "2,5", "--data", data, *COLUMNS)
    few = run("models", "compare", *flags, "--show", 1).out
    assert "Different predictions for 3 of 7 texts; the 1 most confident:" in few
    assert few.count(") wrong") == 1
    none = run("models", "compare", *flags, "--show", 0).out
    assert "differ on" not in none


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "--versions"),
        (("--versions", "2,5"), "give texts with `--data FILE`."),
        (("--versions", "2", "--data", "test.csv"), "must be two different ones"),
        (("--versions", "2,2", "--data", "test.csv"), "must be two different ones"),
        (("--versions", "2,stable", "--data", "test.csv"), "must be numbers, such as 3,4. Rec"),
        (("--versions", f"2,{'7' * 5000}", "--data", "test.csv"), "must be numbers, such as 3,4."),
        (("--versions", "2,7", "--data", "test.csv"), "among those in it: 2, 5. Received: 7"),
        (("--versions", "2,5", "--data", "absent.csv"), "absent.csv"),
        (("--versions", "2,5", "--data", "test.csv"), "test.csv:1: "),
        (("--versions", "2,5", "--data", "x", "--confidence", "95"), "`confidence` must be above"),
        (("--versions", "2,5", "--data", "x", "--model", "absent"), "absent: must be a folder of"),
        (("--versions", "2,5", "--data", "x", "--model-name", "m"), "needs `--model-config"),
        (
            ("--versions", "2,best", "--data", "x", "--model-config-file", "models.config"),
            "must be numbers or labels: stable. Received: 'best'",
        ),
    ],
)
def test_bad_input_is_told_in_one_line_before_tensorflow_is_imported(
    is_refused_at_once: Callable[..., None],
    config: Path,
    data: Path,
    args: tuple[str, ...],
    message: str,
) -> None:
    is_refused_at_once(message, "models", "compare", *args)


def test_labels_that_a_version_does_not_know_are_told_in_one_line(
    run: Run, config: Path, data: Path
) -> None:
    data.write_text("text,label\nabc,medium\n")
    outcome = run("models", "compare", "--versions", "2,5", "--data", data)
    assert is_one_error_line(outcome), outcome
    assert "short, long. Received: 'medium'" in outcome.err


@pytest.fixture
def service() -> StockModelService:
    return StockModelService(m={2, 5})


@pytest.fixture
def address(service: StockModelService) -> Iterator[str]:
    server, address = service.serve()
    yield address
    server.stop(0).wait()


def test_what_is_more_than_chance_can_be_chosen(run: Run, config: Path, data: Path) -> None:
    flags = ("--versions", "2,5", "--data", data, *COLUMNS, "--confidence", 0.7)
    outcome = run("models", "compare", *flags)
    assert "[from, to] is the 70 % confidence interval." in outcome.out
    assert outcome.out.splitlines()[-1].startswith("version 5 is better")  # p = 0.25


def test_a_model_is_chosen_by_name(run: Run, config: Path, data: Path) -> None:
    flags = ("--versions", "2,5", "--data", data, *COLUMNS, "--model-config-file", config)
    outcome = run("models", "compare", *flags, "--model-name", "other")
    assert is_one_error_line(outcome), outcome
    assert "model 'other', and there are 'm'" in outcome.err


GOOD = ("--data", "test.csv", *COLUMNS, "--model-config-file", "models.config")
PROMOTE = ("models", "promote", "--label", "stable", "--version", 2)


def test_what_is_not_worse_is_promoted_and_can_be_undone_as_told(
    run: Run, config: Path, tmp_path: Path, address: str, service: StockModelService
) -> None:
    before = config.read_text()
    data = write_data(tmp_path / "for_2.csv", longer_than=2, times=3)
    flags = ("--data", data, *COLUMNS, "--model_config_file", "models.config", "--server", address)
    outcome = run(*PROMOTE, *flags)
    assert outcome.code == 0, outcome.err
    *_, verdict, moved, undo = outcome.out.splitlines()
    assert verdict.startswith("version 2 is better: +42.9 points accuracy")
    assert moved == "label stable of model m points to version 2; it was version 5"
    assert service.labels == {"m": {"stable": 2}}
    assert config.read_text() == before.replace("value: 5", "value: 2")
    assert run(*undo.removeprefix("undo: lstm-sentiment ").split()).code == 0
    assert config.read_text() == before
    assert service.labels == {"m": {"stable": 5}}


def test_what_is_worse_is_refused_in_one_line_with_exit_code_1(
    run: Run, config: Path, tmp_path: Path, address: str, service: StockModelService
) -> None:
    before = config.read_text()
    data = write_data(tmp_path / "test.csv", times=3)
    flags = ("--data", data, *COLUMNS, "--model-config-file", config, "--server", address)
    outcome = run(*PROMOTE, *flags)
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1].startswith(
        "refused to point label stable to version 2: version 5 is better: +42.9 points accuracy"
    )
    assert "undo" not in outcome.out
    assert "duplicates" in outcome.err
    assert config.read_text() == before
    assert service.reloads == []
    forced = run(*PROMOTE, *flags, "--force", "--json")
    assert forced.code == 0, forced.err
    told = json.loads(forced.out)
    assert (told["promoted"], told["forced"]) == (True, True)
    assert told["undo"] == ["label", "stable", "5"]
    assert service.labels == {"m": {"stable": 2}}


def test_a_dry_run_and_a_new_label(run: Run, config: Path, data: Path) -> None:
    before = config.read_text()
    flags = ("--data", data, *COLUMNS, "--model-config-file", config)
    dry = run(*PROMOTE, *flags, "--dry-run", "--max-loss", 0.5)
    assert dry.code == 0, dry.err
    assert dry.out.endswith("\nlabel stable would point to version 2\n")
    assert run(*PROMOTE, *flags, "--dry-run").code == 1
    assert config.read_text() == before
    new = run("models", "promote", "--version-label", "canary", "--version", 2, *flags)
    assert new.code == 0, new.err
    assert "accuracy     0.571 [0.250, 0.842]\n" in new.out
    assert "points to version 2; the label is new\nundo: lstm-sentiment models unl" in new.out
    assert "note: label canary is new: version 2 was compared with none" in new.err
    assert "note: no running server was notified" in new.err


def test_what_to_compare_with_and_where_the_versions_lie_can_be_told(
    run: Run, config: Path, data: Path
) -> None:
    base_path = config.parent / "models" / "sentiment"
    config.write_text(config.read_text().replace(str(base_path), "/models/m"))
    flags = ("--data", data, *COLUMNS, "--model-config-file", config, "--model", base_path)
    options = ("--against", 2, "--confidence", 0.7, "--dry-run", "--json")
    outcome = run("models", "promote", "--label", "canary", "--version", 5, *flags, *options)
    assert outcome.code == 0, outcome.err
    told = json.loads(outcome.out)
    assert (told["against"], told["promoted"], told["refused"]) == (2, False, False)
    assert (told["comparison"]["confidence"], told["comparison"]["better"]) == (0.7, 5)
    assert "base path /models/m is not on this machine" in outcome.err
    assert "no running server was notified" not in outcome.err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--data", "test.csv"), "--model-config-file"),
        (("--data", "absent", "--model-config-file", "models.config"), "absent"),
        (("--data", "test.csv", "--model-config-file", "absent"), "absent: cannot be read"),
        (
            ("--max-loss", "2", *GOOD),
            "`max_loss` must be from 0 to 1",
        ),
        (
            ("--ssl-ca", "ca.pem", *GOOD),
            "need `--server`",
        ),
    ],
)
def test_bad_input_to_promote_is_told_in_one_line_and_changes_nothing(
    run: Run, config: Path, data: Path, args: tuple[str, ...], message: str
) -> None:
    before = config.read_text()
    outcome = run(*PROMOTE, *args)
    assert is_one_error_line(outcome), outcome
    assert message in outcome.err
    assert config.read_text() == before

"""Shards in, outputs out: order, resuming, names, and one bad shard among good ones."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_sentiment import (
    FitResult,
    InvalidInputError,
    SavedModelPredictor,
    ServableNotFoundError,
    ServableUnavailableError,
)
from lstm_sentiment.serving.errors import SignatureNotFoundError
from lstm_sentiment.serving.saved_model.saved_model import SavedModelServable
from lstm_sentiment.versions.scoring import score as scoring
from lstm_sentiment.versions.scoring import shard as scoring_shard
from lstm_sentiment.versions.scoring.score import (
    OUTPUT_SUFFIX,
    ScoreResult,
    find_shards,
    output_suffix,
    score,
)
from lstm_sentiment.versions.scoring.shard import (
    FailedShard,
    Outcome,
    ScoredShard,
    ShardJob,
    ShardScorer,
    predict_sorted,
    score_shard,
)
from tests.corpora import hotel_like
from tests.exported import add_version, without_digests
from tests.recorder import Recorder

TEXTS = hotel_like(90).texts

pytestmark = pytest.mark.usefixtures("versions_loaded_once")


@pytest.fixture(scope="module")
def base_path(fitted: FitResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "sentiment"
    for version in (2, 3):
        add_version(path, version, fitted)
    return path


@pytest.fixture(scope="module")
def predictor(base_path: Path) -> SavedModelPredictor:
    return SavedModelPredictor(base_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three shards of three kinds, 30 texts each."""
    folder = tmp_path / "shards"
    folder.mkdir()
    write(folder / "a.csv", "label,text\n" + "".join(f"x,{text}\n" for text in TEXTS[:30]))
    records = (json.dumps({"text": text}) for text in TEXTS[30:60])
    write(folder / "b.jsonl", "".join(f"{record}\n" for record in records))
    write(folder / "c.txt", "".join(f"{text}\n" for text in TEXTS[60:]))
    return folder


def write(path: Path, text: str, age_seconds: int = 60) -> None:
    """Writes a file that is old enough for any output to be newer, whatever the clock's steps."""
    path.write_text(text, "utf-8")
    made_older(path, age_seconds)


def made_older(path: Path, seconds: int) -> None:
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def records(path: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]
    for record in found:
        assert list(record["probabilities"]) == ["negative", "neutral", "positive"]
        record["probabilities"] = list(record["probabilities"].values())
    return found


def names(shards: Sequence[Any]) -> list[str]:
    return [shard.shard.name for shard in shards]


def test_each_text_is_answered_in_order_as_the_predictor_answers(
    folder: Path, base_path: Path, predictor: SavedModelPredictor
) -> None:
    result = score(find_shards(folder), base_path)
    assert result.version_dir == base_path / "3"
    assert [(shard.shard.name, shard.texts) for shard in result.scored] == [
        ("a.csv", 30),
        ("b.jsonl", 30),
        ("c.txt", 30),
    ]
    assert (result.shards, result.texts, result.skipped, result.failed) == (3, 90, (), ())
    assert result.texts_per_second == pytest.approx(90 / result.seconds)
    written = [record for shard in result.scored for record in records(shard.output)]
    assert [record["text"] for record in written] == list(TEXTS)
    for record, expected in zip(written, predictor.predict(TEXTS), strict=True):
        assert list(record) == ["text", "label", "classification", "probabilities"]
        assert (record["label"], record["classification"]) == (
            expected.label,
            expected.classification,
        )
        np.testing.assert_allclose(record["probabilities"], expected.probabilities, atol=1e-5)


def test_outputs_lie_beside_their_shards_or_in_a_folder_made_for_them(
    folder: Path, base_path: Path, tmp_path: Path
) -> None:
    suffix = output_suffix(base_path / "3", "text")
    assert suffix.startswith(".sentiment-3-")
    assert suffix.endswith(OUTPUT_SUFFIX)
    beside = score([folder / "a.csv"], base_path)
    assert [shard.output for shard in beside.scored] == [folder / f"a.csv{suffix}"]
    assert beside.outputs == str(folder / f"a.csv{suffix}")
    elsewhere = score([folder / "a.csv"], base_path, output_dir=tmp_path / "new" / "outputs")
    assert [shard.output.parent for shard in elsewhere.scored] == [tmp_path / "new" / "outputs"]
    assert records(elsewhere.scored[0].output) == records(beside.scored[0].output)


def test_blank_and_odd_lines_keep_their_place(
    tmp_path: Path, base_path: Path, predictor: SavedModelPredictor
) -> None:
    lines = ["房间很好", "", "  ", "a\u2028b", '"quoted", and \\', ""]
    write(tmp_path / "a.txt", "".join(f"{line}\n" for line in lines))
    score_shard(tmp_path / "a.txt", tmp_path / "out", predictor)
    assert [record["text"] for record in records(tmp_path / "out")] == lines


def test_a_lone_surrogate_is_replaced(tmp_path: Path, predictor: SavedModelPredictor) -> None:
    write(tmp_path / "a.jsonl", '{"text": "\\ud800好"}\n')
    assert score_shard(tmp_path / "a.jsonl", tmp_path / "out", predictor) == 1
    assert records(tmp_path / "out")[0]["text"] == "\ufffd好"


def test_parquet(tmp_path: Path, predictor: SavedModelPredictor) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"review": list(TEXTS[:3])}), tmp_path / "a.parquet")
    score_shard(tmp_path / "a.parquet", tmp_path / "out", predictor, text_column="review")
    assert [record["text"] for record in records(tmp_path / "out")] == list(TEXTS[:3])


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", "text\n"), ("a.csv", ""), ("a.jsonl", ""), ("a.txt", "")]
)
def test_a_shard_without_texts_has_an_empty_output(
    tmp_path: Path, base_path: Path, name: str, content: str
) -> None:
    write(tmp_path / name, content)
    (shard,) = score([tmp_path / name], base_path).scored
    assert (shard.texts, shard.output.read_bytes()) == (0, b"")
    assert len(score([tmp_path / name], base_path).skipped) == 1


def test_outputs_hidden_files_and_folders_are_no_shards(folder: Path, base_path: Path) -> None:
    shards = find_shards(folder)
    assert [shard.name for shard in shards] == ["a.csv", "b.jsonl", "c.txt"]
    score(shards, base_path)
    write(folder / "._a.csv", "what macOS leaves")
    write(folder / "notes.md", "no texts")
    (folder / "d.csv").mkdir()
    assert find_shards(folder) == shards


def test_one_file_of_any_name_is_one_shard(folder: Path, base_path: Path) -> None:
    write(folder / "texts.log", "好\n")
    assert find_shards(folder / "texts.log") == [folder / "texts.log"]
    (shard,) = score([folder / "texts.log"], base_path).scored
    assert shard.texts == 1
    with pytest.raises(InvalidInputError, match="must be a file of texts"):
        find_shards(shard.output)


def test_says_what_holds_no_shards(folder: Path, base_path: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"none: must be a folder or a file"):
        find_shards(tmp_path / "none")
    with pytest.raises(InvalidInputError, match=r"holds no .*\.csv"):
        find_shards(base_path)
    score([folder / "a.csv"], base_path)
    for shard in find_shards(folder):
        shard.unlink()
    with pytest.raises(InvalidInputError, match="Received: outputs alone"):
        find_shards(folder)


def test_a_killed_run_goes_on_with_the_shards_that_are_left(
    folder: Path, base_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored: list[str] = []

    def killed_in_the_second(shard: Path, output: Path, *args: Any, **options: Any) -> int:
        if scored:
            raise KeyboardInterrupt
        scored.append(shard.name)
        return score_shard(shard, output, *args, **options)

    monkeypatch.setattr(scoring_shard, "score_shard", killed_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        score(find_shards(folder), base_path)
    monkeypatch.undo()
    said = Recorder()
    result = score(find_shards(folder), base_path, progress=said)
    assert scored == names(result.skipped) == ["a.csv"]
    assert names(result.scored) == ["b.jsonl", "c.txt"]
    assert "Skipped 1 of 3 files" in said.said[0]


class Watched:
    """A predictor that calls `before` with the texts that it is to answer."""

    def __init__(self, predictor: SavedModelPredictor, before: Callable[[Any], object]) -> None:
        self.predictor, self.before = predictor, before
        self.label_names = predictor.label_names

    def predict(self, texts: Sequence[str], **options: Any) -> Any:
        self.before(texts)
        return self.predictor.predict(texts, **options)


def test_a_shard_that_fails_in_the_middle_leaves_no_output(
    folder: Path, predictor: SavedModelPredictor, tmp_path: Path
) -> None:
    asked = []

    def fail_in_the_second(texts: Sequence[str]) -> None:
        asked.append(len(texts))
        if len(asked) == 2:
            raise MemoryError

    outputs = tmp_path / "outputs"
    outputs.mkdir()
    failing: Any = Watched(predictor, fail_in_the_second)
    with pytest.raises(MemoryError):
        score_shard(folder / "a.csv", outputs / "a", failing, window=10)
    assert asked == [10, 10]
    assert list(outputs.iterdir()) == []


def test_a_long_shard_is_computed_in_parts(
    folder: Path, predictor: SavedModelPredictor, tmp_path: Path
) -> None:
    score_shard(folder / "a.csv", tmp_path / "whole", predictor)
    sizes: list[int] = []
    watched: Any = Watched(predictor, lambda texts: sizes.append(len(texts)))
    assert score_shard(folder / "a.csv", tmp_path / "parts", watched, window=7) == 30
    assert sizes == [7, 7, 7, 7, 2]
    for part, whole in zip(records(tmp_path / "parts"), records(tmp_path / "whole"), strict=True):
        assert part["text"] == whole["text"]
        np.testing.assert_allclose(part["probabilities"], whole["probabilities"], atol=1e-5)


def test_nothing_is_loaded_where_nothing_is_left_to_do(
    folder: Path, base_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(find_shards(folder), base_path)

    def refuse(*arguments: Any) -> None:
        raise AssertionError("the model is not needed")

    monkeypatch.setattr(scoring, "ShardScorer", refuse)
    result = score(find_shards(folder), base_path)
    assert (names(result.skipped), result.texts) == (["a.csv", "b.jsonl", "c.txt"], 0)


def test_a_shard_that_is_newer_than_its_output_is_scored_anew(
    folder: Path, base_path: Path
) -> None:
    first = score(find_shards(folder), base_path)
    for shard in first.scored:
        made_older(shard.output, 30)
    write(folder / "c.txt", "好\n", age_seconds=10)
    again = score(find_shards(folder), base_path)
    assert names(again.scored) == ["c.txt"]
    assert len(records(again.scored[0].output)) == 1


def test_force_scores_all_anew(folder: Path, base_path: Path) -> None:
    first = score(find_shards(folder), base_path)
    for shard in first.scored:
        shard.output.write_text("old")
    result = score(find_shards(folder), base_path, force=True)
    assert (len(result.scored), result.skipped) == (3, ())
    assert all(len(records(shard.output)) == 30 for shard in result.scored)


def test_another_version_another_model_and_another_column_have_other_outputs(
    folder: Path, base_path: Path, tmp_path: Path
) -> None:
    other_model = tmp_path / "other" / "sentiment"
    with_other_weights(shutil.copytree(base_path / "3", other_model / "3"))
    write(folder / "a.csv", "text,title\n好,差\n")
    results = [
        score([folder / "a.csv"], base_path),
        score([folder / "a.csv"], base_path / "2"),
        score([folder / "a.csv"], other_model),
        score([folder / "a.csv"], base_path, text_column="title"),
    ]
    assert [len(result.scored) for result in results] == [1, 1, 1, 1]
    assert len({result.scored[0].output for result in results}) == 4
    assert "a.csv.sentiment-2-" in results[1].scored[0].output.name
    ours, other = (records(results[i].scored[0].output)[0]["probabilities"] for i in (0, 2))
    assert ours != other
    assert records(results[3].scored[0].output)[0]["text"] == "差"


def with_other_weights(version_dir: Path) -> None:
    without_digests(version_dir)
    prefix = str(version_dir / "variables" / "variables")
    stored = tf.train.load_checkpoint(prefix)
    tensors = {name: stored.get_tensor(name) for name in stored.get_variable_to_shape_map()}
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=[
            tensor * np.float32(1.01) if tensor.dtype == np.float32 else tensor
            for tensor in map(np.asarray, tensors.values())
        ],
    )


def test_a_copy_of_the_model_is_the_same_model(base_path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "sentiment" / "3"
    shutil.copytree(base_path / "3", copy)
    assert output_suffix(copy, "text") == output_suffix(base_path / "3", "text")
    (tmp_path / "current").symlink_to(copy)
    assert output_suffix(tmp_path / "current", "text") == output_suffix(copy, "text")
    (copy / "assets" / "vocabulary.txt").write_text("other", "utf-8")
    assert output_suffix(copy, "text") != output_suffix(base_path / "3", "text")


def test_a_version_without_a_number_is_named_after_its_folder(
    folder: Path, base_path: Path, tmp_path: Path
) -> None:
    version = tmp_path / "hotel" / "f3a9"
    shutil.copytree(base_path / "3", version)
    (shard,) = score([folder / "a.csv"], version).scored
    assert shard.output.name.startswith("a.csv.hotel-f3a9-")


def test_bad_shards_do_not_keep_the_others_from_being_scored(folder: Path, base_path: Path) -> None:
    (folder / "a0.csv").write_bytes(b"text\ncaf\xe9\n")
    write(folder / "a1.csv", "review\n好\n")
    write(folder / "a2.parquet", "no Parquet")
    result = score(find_shards(folder), base_path)
    assert names(result.scored) == ["a.csv", "b.jsonl", "c.txt"]
    assert [failed.shard.name for failed in result.failed] == ["a0.csv", "a1.csv", "a2.parquet"]
    utf8, column, parquet = (failed.reason for failed in result.failed)
    assert utf8.startswith(f"{folder / 'a0.csv'}:2: must be UTF-8")
    assert column.startswith(f"{folder / 'a1.csv'}:1: the column 'text' must exist")
    assert parquet.startswith(f"{folder / 'a2.parquet'}: ")
    assert not any("\n" in failed.reason for failed in result.failed)
    assert not list(folder.glob("a[012].*scored*"))
    write(folder / "a1.csv", "text\n好\n")
    assert names(score(find_shards(folder), base_path).scored) == ["a1.csv"]


def test_any_failure_is_told_with_the_shard_that_had_it(
    folder: Path, base_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_at_b(shard: Path, *args: Any, **options: Any) -> int:
        if shard.name == "b.jsonl":
            raise MemoryError
        return score_shard(shard, *args, **options)

    monkeypatch.setattr(scoring_shard, "score_shard", fail_at_b)
    result = score(find_shards(folder), base_path)
    assert [failed.reason for failed in result.failed] == [f"{folder / 'b.jsonl'}: MemoryError"]
    assert names(result.scored) == ["a.csv", "c.txt"]


def test_a_shard_that_changes_meanwhile_has_no_output(
    folder: Path, predictor: SavedModelPredictor, tmp_path: Path
) -> None:
    changing: Any = Watched(predictor, lambda _: write(folder / "a.csv", "text\nother\n"))
    with pytest.raises(InvalidInputError, match=r"a\.csv: must not change while it is scored"):
        score_shard(folder / "a.csv", tmp_path / "out", changing)
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written_is_told(
    folder: Path, predictor: SavedModelPredictor, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match=r"out: cannot be written: No such file"):
        score_shard(folder / "a.csv", tmp_path / "none" / "out", predictor)


def test_a_model_that_cannot_score_is_told_once(
    folder: Path, base_path: Path, tmp_path: Path
) -> None:
    with pytest.raises(ServableNotFoundError, match="must be a version's folder"):
        score(find_shards(folder), tmp_path / "none")
    (tmp_path / "empty" / "1").mkdir(parents=True)
    with pytest.raises(ServableUnavailableError, match=r"must hold a SavedModel.*saved_model\.pb"):
        score(find_shards(folder), tmp_path / "empty")
    damaged = tmp_path / "damaged" / "1"
    shutil.copytree(base_path / "3", damaged)
    (damaged / "saved_model.pb").write_bytes(b"damaged")
    with pytest.raises(ServableUnavailableError, match="could not be loaded"):
        score(find_shards(folder), damaged)


def test_a_model_that_cannot_answer_is_told_once(
    folder: Path, base_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> None:
        raise SignatureNotFoundError("text")

    monkeypatch.setattr(SavedModelServable, "run", refuse)
    with pytest.raises(
        ServableUnavailableError, match=r"/3: must answer .* key \"text\" not found"
    ):
        score(find_shards(folder), base_path, engine="tensorflow")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"engine": "spark"},
            "`engine` must be one of: auto, light, tensorflow, local, ray. Received: 'spark'",
        ),
        ({"workers": 2}, "`workers` and `address` need the engine `ray`"),
        ({"address": "auto"}, "`workers` and `address` need the engine `ray`"),
        ({"engine": "ray", "workers": 0}, "`workers` must be a positive integer"),
    ],
)
def test_refuses_settings_that_make_no_sense(
    folder: Path, base_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        score(find_shards(folder), base_path, **options)


@pytest.mark.parametrize("shards", [[], "a.csv"])
def test_refuses_no_shards_and_a_bare_string(base_path: Path, shards: Any) -> None:
    with pytest.raises(InvalidInputError, match="`shards` must be a list"):
        score(shards, base_path)


def test_refuses_shards_that_would_have_one_output(
    folder: Path, base_path: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write(other / "a.csv", "text\n好\n")
    shards = [folder / "a.csv", other / "a.csv"]
    with pytest.raises(InvalidInputError, match="must have different names"):
        score(shards, base_path, output_dir=tmp_path / "outputs")
    assert score(shards, base_path).outputs.startswith("*.sentiment-3-")


def test_refuses_an_output_folder_that_is_a_file(folder: Path, base_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="must be a folder for outputs"):
        score(find_shards(folder), base_path, output_dir=folder / "a.csv")


def test_names_the_extra_where_ray_is_absent(
    folder: Path, base_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InvalidInputError, match=r"pip install 'lstm-sentiment\[ray\]'"):
        score(find_shards(folder), base_path, engine="ray")


def test_workers_are_told_absolute_paths_as_their_working_folder_is_another(
    folder: Path, base_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(make: Any, jobs: Sequence[ShardJob], **options: Any) -> Iterator[Outcome]:
        assert (options["workers"], options["address"]) == (2, "host:6379")
        assert make.keywords == {
            "encoding": "auto",
            "table_format": None,
            "engine": "auto",
            "one_cpu": True,
        }
        assert make.args[0].is_absolute()
        monkeypatch.chdir("/")
        return map(ShardScorer(*make.args), jobs)

    monkeypatch.setattr(scoring, "require_ray", lambda: None)
    monkeypatch.setattr(scoring, "map_on_ray", here)
    monkeypatch.chdir(folder.parent)
    model = os.path.relpath(base_path)
    result = score(
        find_shards("shards"), model, engine="ray", workers=2, address="host:6379", output_dir="o"
    )
    assert names(result.scored) == ["a.csv", "b.jsonl", "c.txt"]
    assert len(list((folder.parent / "o").iterdir())) == 3


def test_the_result_as_json(tmp_path: Path) -> None:
    scored = ScoredShard(tmp_path / "a.csv", tmp_path / "a.scored.jsonl", 30)
    failed = FailedShard(tmp_path / "b.csv", "b.csv:1: bad")
    result = ScoreResult(Path("m/3"), "*.scored.jsonl", (scored,), (), (failed,), 2.04)
    assert result.to_dict() == {
        "version_dir": "m/3",
        "outputs": "*.scored.jsonl",
        "shards": 2,
        "scored": 1,
        "skipped": 0,
        "failed": [{"shard": str(tmp_path / "b.csv"), "reason": "b.csv:1: bad"}],
        "texts": 30,
        "seconds": 2.0,
        "texts_per_second": 14.7,
    }


def test_texts_of_like_length_are_computed_together(predictor: SavedModelPredictor) -> None:
    class Asked:
        def predict(self, texts: Sequence[str], *, batch_size: int) -> list[str]:
            assert batch_size == 128
            assert [len(text) for text in texts] == sorted(len(text) for text in texts)
            return [text.upper() for text in texts]

    texts = ["ccc", "a", "bb", "", "dddd", "e"]
    asked: Any = Asked()
    assert list(map(str, predict_sorted(asked, texts))) == ["CCC", "A", "BB", "", "DDDD", "E"]


@settings(max_examples=20)
@given(
    texts=st.lists(
        st.text(st.sampled_from("房间很干净早餐差 ，a1\ud800"), max_size=40),
        min_size=1,
        max_size=12,
    )
)
def test_sorting_changes_neither_scores_nor_order(
    predictor: SavedModelPredictor, texts: list[str]
) -> None:
    for text, answer in zip(texts, predict_sorted(predictor, texts), strict=True):
        (alone,) = predictor.predict([text])
        assert answer.label == alone.label or np.ptp(sorted(alone.probabilities)[-2:]) < 1e-4
        np.testing.assert_allclose(answer.probabilities, alone.probabilities, atol=1e-5)


def test_importing_it_loads_neither_tensorflow_nor_ray() -> None:
    code = (
        "import sys, lstm_sentiment.versions.scoring.score\n"
        "assert not {'tensorflow', 'ray', 'grpc'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

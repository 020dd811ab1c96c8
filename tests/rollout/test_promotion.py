from pathlib import Path
from typing import Any

import pytest

from lstm_sentiment.client.model_service import RunningServer
from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.rollout.control import ModelsControl
from lstm_sentiment.rollout.promotion import Promotion, promote
from lstm_sentiment.versions.labelled_answers import LabelledAnswers
from tests.compared import pair, scores_of, write_texts_seen
from tests.model_service import StockModelService

TEXT = """\
# The hotel's models.
model_config_list {
  config {
    name: "m"
    base_path: "BASE"
    model_platform: "tensorflow"
    model_version_policy { specific { versions: 3 versions: 4 versions: 5 } }  # three
    version_labels { key: "stable" value: 3 }
  }
}
"""

BETTER, WORSE, TIE = (70, 6, 20, 4), (70, 20, 6, 4), (90, 5, 5, 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    for version in (3, 4, 5):
        (tmp_path / "m" / str(version)).mkdir(parents=True)
    path = tmp_path / "models.config"
    path.write_text(TEXT.replace("BASE", str(tmp_path / "m")))
    return path


class Scored:
    """Stands for the scoring of versions: gives what was made up, notes what was asked for."""

    def __init__(self) -> None:
        self.folders: list[Path] = []
        self.scores: tuple[LabelledAnswers, ...] = ()
        self.meanwhile: Any = lambda: None

    def __call__(self, folders: list[Path], *_: Any, **__: Any) -> list[LabelledAnswers]:
        self.folders = folders
        self.meanwhile()
        return list(self.scores[-len(folders) :])


@pytest.fixture
def scored() -> Scored:
    return Scored()


def promoted(
    path: Path, scored: Scored, counts: tuple[int, ...], label: str = "stable", **options: Any
) -> Promotion:
    scored.scores = pair(*counts, base_path=path.parent / "m")
    corpus = scored.scores[0].corpus
    control = ModelsControl(path, server=options.pop("server", None))
    return promote(control, label, options.pop("version", 4), corpus, score=scored, **options)


def labels(path: Path) -> dict[str, int]:
    return ModelsControl(path).labels()


def test_what_is_better_is_promoted(path: Path, scored: Scored) -> None:
    done = promoted(path, scored, BETTER)
    assert labels(path) == {"stable": 4}
    assert "# three" in path.read_text()
    assert scored.folders == [path.parent / "m" / "3", path.parent / "m" / "4"]
    assert done.changed is not None and done.changed.undo == ("label", "stable", "3")
    assert not done.is_refused and not done.is_forced and not done.objections
    assert done.comparison is not None and done.against == 3
    assert done.summary() == "label stable of model m points to version 4; it was version 3"


def test_a_version_that_is_not_served_yet_is_added_before_the_label_moves(
    path: Path, scored: Scored
) -> None:
    path.write_text(path.read_text().replace(" versions: 4 versions: 5", ""))
    done = promoted(path, scored, BETTER)
    assert labels(path) == {"stable": 3}
    told = done.to_dict()
    assert (told["promoted"], told["to_do"]) == (False, ["label", "stable", "4"])
    assert promoted(path, scored, BETTER).to_dict()["promoted"]
    assert labels(path) == {"stable": 4}


def test_a_tie_is_promoted(path: Path, scored: Scored) -> None:
    assert not promoted(path, scored, TIE).is_refused
    assert labels(path) == {"stable": 4}


def test_what_is_worse_by_more_than_chance_is_refused_however_much_may_be_lost(
    path: Path, scored: Scored
) -> None:
    before = path.read_text()
    done = promoted(path, scored, WORSE, max_loss=1.0)
    assert done.is_refused and done.changed is None
    assert path.read_text() == before
    assert done.summary().startswith(
        "refused to point label stable to version 4: version 3 is better: +14.0 points accuracy"
    )


def test_what_can_be_chance_is_refused_only_beyond_what_may_be_lost(
    path: Path, scored: Scored
) -> None:
    one_of_a_hundred = (90, 6, 5, 0)  # 95 and 96 of 101 texts
    assert not promoted(path, scored, one_of_a_hundred, dry_run=True).is_refused
    done = promoted(path, scored, one_of_a_hundred, max_loss=0.0)
    [reason] = done.objections
    assert reason.startswith(
        "version 4 loses 1.0 points accuracy and 1.0 points macro-F1 against version 3, "
        "more than max_loss = 0 allows (it may be chance: McNemar p = 1)"
    )
    assert labels(path) == {"stable": 3}
    assert not promoted(path, scored, (48, 1, 0, 1), max_loss=0.02).is_refused
    assert labels(path) == {"stable": 4}, "a loss of exactly what may be lost"


def test_a_lower_macro_f1_is_a_loss_too(path: Path, scored: Scored) -> None:
    right = [0] * 95 + [1] * 5
    scored.scores = (
        scores_of(right, [1] * 2 + [0] * 93 + [1] * 5),
        scores_of(right, [0] * 95 + [1] * 3 + [0] * 2, version=4),
    )
    done = promote(ModelsControl(path), "stable", 4, scored.scores[0].corpus, score=scored)
    [reason] = done.objections
    assert "loses" in reason and "macro-F1" in reason and "points accuracy" not in reason


def test_classes_that_change_places_are_no_loss(path: Path, scored: Scored) -> None:
    names = ("a", "b", "c")
    right = [0] * 6 + [1] * 6 + [2] * 6
    first = [0, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 2, 1, 2, 2, 1, 2]
    second = [0, 2, 0, 0, 2, 0, 1, 1, 1, 2, 1, 2, 2, 1, 2, 2, 2, 2]
    scored.scores = (
        scores_of(right, first, names=names),
        scores_of(right, second, version=4, names=names),
    )
    done = promote(
        ModelsControl(path), "stable", 4, scored.scores[0].corpus, max_loss=0.0, score=scored
    )
    assert done.comparison is not None
    assert done.comparison.macro_f1_difference.value == pytest.approx(0, abs=1e-9)
    assert not done.is_refused


@pytest.mark.parametrize("version", [3, 4])
def test_texts_that_a_version_was_trained_on_decide_nothing(
    path: Path, scored: Scored, version: int
) -> None:
    write_texts_seen(path.parent / "m" / str(version), ["text 0", "text 1"])
    done = promoted(path, scored, BETTER)
    reason = f"2 of the 100 texts were used to train version {version}"
    assert done.objections == (reason,) and done.is_refused
    assert (scored.folders, done.comparison) == ([], None), "told before anything is scored"
    assert labels(path) == {"stable": 3}
    forced = promoted(path, scored, WORSE, force=True)
    assert forced.objections[0] == reason and len(forced.objections) == 2
    assert labels(path) == {"stable": 4}


def test_force_moves_the_label_and_says_that_it_did(path: Path, scored: Scored) -> None:
    done = promoted(path, scored, WORSE, force=True)
    assert labels(path) == {"stable": 4}
    assert done.is_forced and not done.is_refused
    assert "; forced, although version 3 is better" in done.summary()
    path.write_text(path.read_text().replace("value: 4", "value: 3"))
    unneeded = promoted(path, scored, BETTER, force=True)
    assert not unneeded.is_forced and "forced" not in unneeded.summary()


def test_a_dry_run_moves_nothing(path: Path, scored: Scored) -> None:
    before = path.read_text()
    done = promoted(path, scored, BETTER, dry_run=True)
    assert done.summary() == "label stable would point to version 4"
    assert (done.changed, done.is_refused) == (None, False)
    assert promoted(path, scored, WORSE, dry_run=True).is_refused
    assert promoted(path, scored, WORSE, dry_run=True, force=True).is_forced
    assert path.read_text() == before


def test_a_new_label_is_set_once_its_version_is_scored(path: Path, scored: Scored) -> None:
    done = promoted(path, scored, WORSE, "canary")
    assert labels(path) == {"stable": 3, "canary": 4}
    assert scored.folders == [path.parent / "m" / "4"]
    assert (done.comparison, done.against) == (None, None)
    assert done.scores is not None and done.scores.accuracy.value == 0.76
    assert done.notes[0] == "label canary is new: version 4 was compared with none"
    write_texts_seen(path.parent / "m" / "5", ["text 0"])
    scored.scores = (scores_of([0, 1], [0, 1], version=5, base_path=path.parent / "m"),)
    done = promote(ModelsControl(path), "nightly", 5, scored.scores[0].corpus, score=scored)
    assert done.objections == ("1 of the 2 texts were used to train version 5",)
    assert done.scores is None and labels(path) == {"stable": 3, "canary": 4}


def test_the_version_to_compare_with_can_be_named(path: Path, scored: Scored) -> None:
    done = promoted(path, scored, WORSE, "canary", against=3)
    assert done.is_refused and done.against == 3
    assert labels(path) == {"stable": 3}
    promoted(path, scored, BETTER, against=5)
    assert scored.folders[0].name == "5"


def test_a_label_that_is_there_already_needs_no_scores(path: Path, scored: Scored) -> None:
    for dry_run in (True, False):
        done = promoted(path, scored, WORSE, version=3, dry_run=dry_run)
        assert done.summary().endswith("points to version 3 already")
        assert not done.is_refused
    assert scored.folders == []


def test_a_server_is_told_and_what_it_refuses_is_undone(path: Path, scored: Scored) -> None:
    path.write_text(path.read_text().replace(" versions: 4 versions: 5", ""))
    service = StockModelService(m={3})
    grpc_server, address = service.serve()
    with RunningServer(address, timeout_seconds=30) as running:
        promoted(path, scored, WORSE, server=running)
        assert service.reloads == []
        promoted(path, scored, BETTER, server=running)
        assert service.labels == {"m": {"stable": 4}}
        assert service.available("m") == {3, 4}
        before, service.refusal = path.read_text(), "not today"
        with pytest.raises(InvalidInputError, match="not today"):
            promoted(path, scored, BETTER, "canary", server=running)
        assert path.read_text() == before
    grpc_server.stop(0).wait()


def test_a_label_that_another_moves_meanwhile_is_left_alone(path: Path, scored: Scored) -> None:
    scored.meanwhile = lambda: ModelsControl(path).label("stable", 5)
    with pytest.raises(InvalidInputError, match="Received: it points to version 5 now"):
        promoted(path, scored, BETTER)
    assert labels(path) == {"stable": 5}


def test_what_cannot_be_done_is_told_before_anything_is_scored(path: Path, scored: Scored) -> None:
    with pytest.raises(InvalidInputError, match="Received: 9"):
        promoted(path, scored, BETTER, version=9)
    with pytest.raises(InvalidInputError, match="Received: 4 twice"):
        promoted(path, scored, BETTER, against=4)
    with pytest.raises(InvalidInputError, match="`max_loss` must be from 0 to 1"):
        promoted(path, scored, BETTER, max_loss=5)
    with pytest.raises(InvalidInputError, match="`confidence` must be"):
        promoted(path, scored, BETTER, confidence=95)
    with pytest.raises(ServableNotFoundError, match=r"3, 4, 5\. Received: 7"):
        promoted(path, scored, BETTER, against=7)
    assert scored.folders == []
    assert labels(path) == {"stable": 3}


def test_the_versions_may_lie_elsewhere_than_the_config_says(path: Path, scored: Scored) -> None:
    path.write_text(TEXT.replace("BASE", "/models/m"))
    with pytest.raises(InvalidInputError, match=r"`--model` must .* path /models/m\."):
        promoted(path, scored, BETTER)
    done = promoted(path, scored, BETTER, model_dir=path.parent / "m")
    assert labels(path) == {"stable": 4}
    assert "base path /models/m is not on this machine" in done.notes[0]


def test_a_promotion_is_json(path: Path, scored: Scored) -> None:
    refused = promoted(path, scored, WORSE).to_dict()
    assert (refused["promoted"], refused["refused"], refused["undo"]) == (False, True, None)
    assert refused["objections"] and refused["comparison"]["better"] == 3
    done = promoted(path, scored, BETTER).to_dict()
    assert (done["promoted"], done["forced"], done["against"]) == (True, False, 3)
    assert done["undo"] == ["label", "stable", "3"]
    alone = promoted(path, scored, BETTER, "canary", version=5).to_dict()
    assert alone["comparison"] is None and alone["scores"]["right"] == 90

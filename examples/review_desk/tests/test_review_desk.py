"""What the people at the desk rely on, with a classifier that is trained in seconds."""

from pathlib import Path

import lstm_sentiment as ls
import pytest

from review_desk import ReviewDesk, main, report, train

FOLDER = Path(__file__).parent.parent
ANGRY = "房间有霉味，床单很脏，再也不会来了"
HAPPY = "前台很热情，房间也很干净"


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk") / "reviews"
    result = train(
        FOLDER / "reviews.csv",
        folder,
        model=ls.ModelConfig(lstm_units=8, max_length=30),
        training=ls.TrainingConfig(epochs=6, batch_size=16, learning_rate=0.01),
        vectors=ls.VectorTrainingConfig(epochs=5, dim=16),
    )
    assert result.test.accuracy >= 0.8
    return folder


@pytest.fixture(scope="module")
def desk(model_dir: Path) -> ReviewDesk:
    return ReviewDesk(model_dir)


def test_unhappy_reviews_are_found_and_explained(desk: ReviewDesk) -> None:
    [case] = desk.sort([HAPPY, ANGRY])
    assert case.text == ANGRY
    assert case.probability > 0.5
    assert case.reasons
    assert all(reason in ANGRY for reason in case.reasons)


def test_the_unhappiest_come_first(desk: ReviewDesk) -> None:
    desk.threshold = 0.0
    try:
        cases = desk.sort([HAPPY, "早餐一般", ANGRY])
    finally:
        desk.threshold = 0.5
    assert [case.text for case in cases][::2] == [ANGRY, HAPPY]
    assert [case.probability for case in cases] == sorted(
        (case.probability for case in cases), reverse=True
    )


def test_each_case_is_a_line_of_the_report(desk: ReviewDesk) -> None:
    lines = report(desk, ls.read_texts(FOLDER / "inbox.txt"))
    assert any(ANGRY in line for line in lines)
    assert not any(HAPPY in line for line in lines)


def test_what_cannot_be_used_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stars = tmp_path / "stars.csv"
    stars.write_text("text,label\n很好,5\n很差,1\n", "utf-8")
    with pytest.raises(SystemExit) as exit:
        main(["train", str(stars), str(tmp_path / "models")])
    assert exit.value.code == 2
    assert "one label must be 'negative'. Received: 1, 5." in capsys.readouterr().err

from pathlib import Path

import pytest

from tests.without_train import command_without_train

NEEDS = "needs TensorFlow: pip install 'lstm-sentiment[train]'\n"


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
def test_commands_that_train_say_what_to_install(command: tuple[str, ...]) -> None:
    ended = command_without_train(*command)
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", f"error: training {NEEDS}")


def test_other_commands_that_need_it_name_their_work(tmp_path: Path) -> None:
    vectors, texts = tmp_path / "vectors.txt", tmp_path / "texts.txt"
    vectors.write_text("2 2\ngood 1 0\nbad 0 1\n")
    texts.write_text("good\n")
    ended = command_without_train("vectors", "info", str(vectors))
    assert ended.returncode == 0, ended.stderr
    ended = command_without_train("vectors", "info", str(vectors), "--data", str(texts))
    assert (ended.returncode, ended.stderr) == (2, f"error: cutting texts into tokens {NEEDS}")

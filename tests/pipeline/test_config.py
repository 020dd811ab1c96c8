import pytest

from lstm_sentiment import InvalidInputError, PipelineConfig


@pytest.mark.parametrize(
    ("option", "choices"),
    [
        ("tokenizer", "auto, unigram, whitespace, characters"),
        ("normalization", "none, width, nfkc"),
        ("unknown", "run, character"),
        ("bad_rows", "refuse, skip"),
        ("cache", "memory, disk"),
    ],
)
def test_an_unknown_choice_is_told_with_the_choices(option: str, choices: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"{choices}\. Received: 'x'"):
        PipelineConfig(**{option: "x"})  # type: ignore[arg-type]

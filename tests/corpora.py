"""Made-up labelled texts that a small model can learn in seconds."""

import csv
import itertools
import random
from collections.abc import Sequence
from pathlib import Path

from lstm_sentiment.text.corpus.corpus import Corpus

SUBJECTS = ("房间", "服务", "早餐", "位置", "前台", "床", "空调", "酒店")
DEGREES = ("很", "非常", "真的", "特别", "有点", "实在")
OPINIONS = {
    "negative": ("脏", "差", "吵", "贵", "失望", "糟糕"),
    "neutral": ("一般", "普通", "凑合", "还行", "平常", "可以"),
    "positive": ("干净", "好", "舒服", "满意", "方便", "不错"),
}


def hotel_like(size: int, seed: int = 0) -> Corpus:
    """Makes `size` different texts, as many of each class."""
    generator = random.Random(seed)
    rows = []
    for label, opinions in OPINIONS.items():
        clauses = ["".join(p) for p in itertools.product(SUBJECTS, DEGREES, opinions)]
        texts: set[str] = set()
        while len(texts) < size // len(OPINIONS):
            texts.add("，".join(generator.sample(clauses, generator.randint(1, 4))))
        rows += [(text, label) for text in sorted(texts)]
    generator.shuffle(rows)
    return Corpus.from_rows(rows)


def rows_of(corpus: Corpus) -> list[tuple[str, str]]:
    """The texts and the names of their labels."""
    return [
        (text, corpus.label_names[label])
        for text, label in zip(corpus.texts, corpus.labels, strict=True)
    ]


def write_csv(path: Path, rows: Sequence[tuple[str, str]]) -> Path:
    """A file of the columns `text` and `label`."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return path


def copied(text: str) -> str:
    """A text as it is found elsewhere: other spaces, letter case, widths and punctuation."""
    return f"  {text.upper().replace('，', ' , ')} !!"

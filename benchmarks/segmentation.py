"""Which way of cutting text into tokens makes the best classifier.

    python -m benchmarks.segmentation --data hotel.csv --text-column review --vectors vectors.txt.gz

Every way is trained with the default settings on the same split (seed 0), with several seeds of the
training. Unless the name says otherwise, word2vec is trained on the training texts. One JSON object
a line and seed, and one with the mean; `--table` prints them as Markdown at the end.

`texts_per_second` is that of text to ids, 64 texts at once, on the test texts. Needs the extra
`bench`.
"""

import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

import lstm_sentiment as ls

_BATCH = 64
_MIN_COUNT = 2
_CHARACTERS_PER_TEXT = 320  # about as much text as the default of 200 words


@dataclass
class Way:
    """One way of cutting, ready to train.

    Attributes:
        tokenizer: What the classifier is trained with.
        vectors: The vector of each token.
        train: Training texts, already cut where that is done outside the graph.
        cut: What is done to a text before the graph sees it.
        max_length: Tokens kept of each text.
    """

    tokenizer: ls.Tokenizer
    vectors: ls.WordVectors
    train: Sequence[str]
    cut: Callable[[str], str] | None = None
    max_length: int = 200


def vectors_words(texts: Sequence[str], pretrained: ls.WordVectors) -> Way:
    """The given vectors, and their words in the graph."""
    return Way(_with_new_words(texts, pretrained), pretrained, texts)


def vectors_words_trained(texts: Sequence[str], pretrained: ls.WordVectors) -> Way:
    """The words of the given vectors in the graph, with vectors of the training texts."""
    tokenizer = _with_new_words(texts, pretrained)
    return Way(tokenizer, _word2vec(tokenizer, texts), texts)


def jieba_words(texts: Sequence[str], pretrained: ls.WordVectors) -> Way:
    """The words that jieba's dictionary finds in the training texts, in the graph."""
    vocabulary = ls.build_vocabulary(texts, "unigram", min_count=_MIN_COUNT)
    tokenizer = ls.UnigramTokenizer(vocabulary)
    return Way(tokenizer, _word2vec(tokenizer, texts), texts)


def jieba_dictionary(texts: Sequence[str], pretrained: ls.WordVectors) -> Way:
    """Jieba's whole dictionary with its counts, in the graph."""
    counts = ls.load_word_counts("jieba")
    vocabulary = ls.build_vocabulary(texts, "unigram", min_count=_MIN_COUNT, word_counts=counts)
    tokenizer = ls.UnigramTokenizer(vocabulary, word_counts=counts)
    return Way(tokenizer, _word2vec(tokenizer, texts), texts)


def jieba_outside(texts: Sequence[str], pretrained: ls.WordVectors) -> Way:
    """`jieba.cut` before the graph, as the recipe does."""
    import jieba

    jieba.setLogLevel("ERROR")
    jieba.initialize()

    def cut(text: str) -> str:
        return " ".join(" ".join(jieba.cut(text)).split())

    segmented = [cut(text) for text in texts]
    counts = Counter(token for text in segmented for token in text.split(" "))
    vocabulary = ls.Vocabulary(w for w, count in counts.most_common() if count >= _MIN_COUNT and w)
    tokenizer = PreSegmented(vocabulary, normalization="none")
    return Way(tokenizer, _word2vec(tokenizer, segmented), segmented, cut)


def characters(texts: Sequence[str], pretrained: ls.WordVectors) -> Way:
    """Every character."""
    tokenizer = ls.CharacterTokenizer(
        ls.build_vocabulary(texts, "characters", min_count=_MIN_COUNT)
    )
    vectors = _word2vec(tokenizer, texts)
    return Way(tokenizer, vectors, texts, max_length=_CHARACTERS_PER_TEXT)


def words_and_characters(texts: Sequence[str], pretrained: ls.WordVectors) -> Way:
    """As `jieba_words`; after each word's vector stands the mean of its characters' vectors."""
    words, parts = jieba_words(texts, pretrained), characters(texts, pretrained)
    table = dict(zip(parts.vectors.tokens, parts.vectors.matrix, strict=True))
    unknown = np.zeros(parts.vectors.dim, np.float32)
    means = [
        np.mean([table.get(character, unknown) for character in token], axis=0)
        for token in words.vectors.tokens
    ]
    both = np.hstack([words.vectors.matrix, np.array(means, np.float32)])
    return Way(words.tokenizer, ls.WordVectors(words.vectors.tokens, both), texts)


WAYS = {
    "unigram over the vectors' words, given vectors": vectors_words,
    "unigram over the vectors' words": vectors_words_trained,
    "unigram over the training texts' jieba words (default)": jieba_words,
    "unigram over jieba's dictionary": jieba_dictionary,
    "jieba outside the graph": jieba_outside,
    "characters": characters,
    "words + characters": words_and_characters,
}


class PreSegmented(ls.WhitespaceTokenizer):
    """Takes tokens separated by spaces as they are."""

    def normalize(self, texts: tf.Tensor) -> tf.Tensor:
        """Leaves the texts alone."""
        return texts

    def segment(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Splits at spaces."""
        return tf.strings.split(texts, " ")


def _with_new_words(texts: Sequence[str], vectors: ls.WordVectors) -> ls.Tokenizer:
    tokenizer = ls.UnigramTokenizer(ls.Vocabulary(vectors.tokens))
    new_words = ls.frequent_unknown_tokens(tokenizer, texts)
    return tokenizer.with_vocabulary(ls.Vocabulary([*vectors.tokens, *new_words]))


def _word2vec(tokenizer: ls.Tokenizer, texts: Sequence[str]) -> ls.WordVectors:
    to_token = tokenizer.vocabulary.id_to_token
    ids = [row for part in _parts(texts) for row in tokenizer(tf.constant(part)).to_list()]
    return ls.train_word_vectors([[to_token(i) for i in row] for row in ids])


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), _BATCH):
        yield texts[start : start + _BATCH]


def _texts_per_second(way: Way, texts: Sequence[str]) -> float:
    in_graph = tf.function(way.tokenizer, input_signature=[tf.TensorSpec([None], tf.string)])
    in_graph(tf.constant(texts[:_BATCH]))
    rates = []
    for _ in range(3):
        started = time.perf_counter()
        for part in _parts(texts):
            in_graph(tf.constant(part if way.cut is None else [way.cut(text) for text in part]))
        rates.append(len(texts) / (time.perf_counter() - started))
    return max(rates)


def _run(name: str, way: Way, parts: Sequence[ls.Corpus], seed: int) -> dict[str, Any]:
    train, dev, test = (
        ls.Corpus(
            tuple(map(way.cut, part.texts)) if way.cut else part.texts,
            part.labels,
            part.label_names,
        )
        for part in parts
    )
    started = time.monotonic()
    result = ls.fit(
        train,
        dev,
        tokenizer=way.tokenizer,
        vectors=way.vectors,
        model=ls.ModelConfig(max_length=way.max_length, ngrams=0),  # it is the cutting that counts
        training=ls.TrainingConfig(seed=seed),
    )
    scores = result.evaluate(test).summary()
    return {"name": name, "seed": seed, **scores, "seconds": round(time.monotonic() - started, 1)}


def main(
    data: Annotated[list[Path], typer.Option(help="As `fit --data`.")],
    vectors: Annotated[Path, typer.Option(help="Word vectors, as `fit --vectors`.")],
    text_column: str = "text",
    label_column: str = "label",
    seeds: Annotated[int, typer.Option(help="Seeds 0, 1, ... of the training.")] = 3,
    only: Annotated[str, typer.Option(help="Ways whose name holds this.")] = "",
    table: Annotated[bool, typer.Option(help="End with a Markdown table.")] = False,
) -> None:
    """Trains a classifier for each way of cutting and each seed."""
    corpus = ls.read_corpus(data, text_column=text_column, label_column=label_column)
    parts = corpus.drop_empty().drop_duplicates().split(seed=0)
    pretrained = ls.load_word_vectors(vectors)
    means = []
    for name, make in WAYS.items():
        if only not in name:
            continue
        way = make(parts[0].texts, pretrained)
        rate = _texts_per_second(way, parts[2].texts)
        runs = [_run(name, way, parts, seed) for seed in range(seeds)]
        for run in runs:
            print(json.dumps({"benchmark": "segmentation", **run}), flush=True)
        mean = {
            key: round(statistics.mean(run[key] for run in runs), 4)
            for key in ("accuracy", "macro_f1", "oov_rate", "seconds")
        }
        accuracies = [run["accuracy"] for run in runs]
        mean["spread"] = round(max(accuracies) - min(accuracies), 4)
        mean = {"name": name, "per_second": round(rate), **mean}
        print(json.dumps({"benchmark": "segmentation mean", **mean}), flush=True)
        means.append(mean)
    if table:
        _print_table(means)


def _print_table(means: Sequence[dict[str, Any]]) -> None:
    print("\n| way | accuracy, % | spread | macro-F1, % | OOV, % | texts a second |")
    print("|---|---|---|---|---|---|")
    for mean in means:
        scores = (100 * mean[key] for key in ("accuracy", "spread", "macro_f1", "oov_rate"))
        cells = " | ".join(f"{score:.1f}" for score in scores)
        print(f"| {mean['name']} | {cells} | {mean['per_second']:,} |")


if __name__ == "__main__":
    typer.run(main)

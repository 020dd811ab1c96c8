"""`labels next`: which texts of a pool to label next."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lstm_sentiment.checks import MAX_SEED, in_range, positive, share
from lstm_sentiment.cli.engine_flags import EngineFlags
from lstm_sentiment.cli.flag_groups import takes_flag_groups
from lstm_sentiment.cli.options import (
    AsJson,
    BadRowsFlag,
    EncodingFlag,
    TextColumn,
    check_writable_file,
    check_writable_table,
)
from lstm_sentiment.cli.program import shell_command
from lstm_sentiment.cli.results import print_json, print_rows
from lstm_sentiment.compressed import content_suffix
from lstm_sentiment.encodings import AUTO
from lstm_sentiment.labels.page.render import (
    SAVED,
    require_page_libraries,
    source_name,
    write_labels_page,
)
from lstm_sentiment.version_folder import find_version

if TYPE_CHECKING:
    from lstm_sentiment.labels.next_texts import NextTexts
    from lstm_sentiment.versions.predictor import SavedModelPredictor


@takes_flag_groups
def choose(
    engine: EngineFlags,
    pool: Annotated[
        list[Path],
        typer.Option(
            help="Texts without labels: .csv, .tsv, .jsonl, .parquet, .xlsx, .txt with one text "
            "per line, or a folder of them. May be repeated.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            metavar="FILE.csv", help="File for the texts to label, the most useful first."
        ),
    ] = Path("next.csv"),
    page: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html",
            help="Also write a web page on which you label the texts; it saves labelled.csv "
            "for `fit --data` (extra `report`).",
        ),
    ] = None,
    number: Annotated[int, typer.Option(metavar="N", help="Number of texts to choose.")] = 100,
    model: Annotated[
        Path | None,
        typer.Option(
            help="A version's folder, or a folder of versions. Texts that the version is "
            "unsure about are preferred; its training texts are left out. Without it, "
            "diverse texts are chosen.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Texts that are labelled already. They and texts like them are not chosen "
            "again. May be repeated.",
            show_default=False,
        ),
    ] = None,
    random_share: Annotated[
        float,
        typer.Option(
            help="Share of the texts drawn at random, so that an unbiased accuracy can be "
            "estimated."
        ),
    ] = 0.1,
    text_column: TextColumn = "text",
    label_column: Annotated[
        str,
        typer.Option(
            help="Column of the labels in --data; without --model the page offers these labels."
        ),
    ] = "label",
    bad_rows: BadRowsFlag = "refuse",
    encoding: EncodingFlag = AUTO,
    seed: Annotated[
        int, typer.Option(help="Random seed; the same seed chooses the same texts.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Choose the texts whose labels would help most.

    The file has the columns text, label, score, reason and digest. Fill in the
    column label and pass the file to fit --data. The reason is uncertain (the
    version is unsure about this text and others like it), diverse (without a
    version: the text is like many others of the pool) or random. The score, from
    0 to 1, is how unsure the version is about the text.

    Example: python cli.py labels next --pool unlabelled.csv --model models/sentiment
    """
    positive(number=number)
    share(random_share=random_share)
    in_range(0, MAX_SEED, seed=seed)
    check_writable_table(output)
    if page is not None:
        require_page_libraries()
        check_writable_file(page)
    from lstm_sentiment.cli.console import TerminalProgress
    from lstm_sentiment.labels.next_file import save_next_texts
    from lstm_sentiment.labels.next_texts import choose_next
    from lstm_sentiment.labels.page.next_page import next_page

    if model is not None:
        find_version(model)
    version = None if model is None else engine.load(model)
    reading = {"bad_rows": bad_rows, "encoding": encoding}
    label_names: Sequence[str] = ()
    if page is not None:
        label_names = _label_names(version, data or (), text_column, label_column, **reading)
    texts = _read(pool, text_column, **reading)
    labelled = _read(data, text_column, **reading) if data else ()
    found = choose_next(
        texts,
        number,
        model=version,
        labelled=labelled,
        random_share=random_share,
        seed=seed,
        progress=TerminalProgress(),
    )
    save_next_texts(found, output)
    if page is not None:
        # One run takes files with the same columns.
        others = data if data and (text_column, label_column) == ("text", "label") else ()
        files = [part for path in (*others, SAVED["next"]) for part in ("--data", path)]
        content = next_page(
            found,
            source=source_name(pool),
            label_names=label_names,
            next_command=shell_command("fit", *files),
        )
        write_labels_page(content, page)
    if as_json:
        written = {"output": output} | ({} if page is None else {"page": page})
        print_json(found.to_dict() | {name: str(path) for name, path in written.items()})
    else:
        _print_result(found, number, output, page)


def _label_names(
    version: "SavedModelPredictor | None",
    data: Sequence[Path],
    text_column: str,
    label_column: str,
    **reading: Any,
) -> Sequence[str]:
    """Returns the classes of a version, or without one the labels of texts."""
    if version is not None:
        return version.label_names
    if not data:
        return ()
    from lstm_sentiment.text.corpus.reading import read_corpus

    return read_corpus(
        data, text_column=text_column, label_column=label_column, **reading
    ).label_names


def _read(paths: Sequence[Path], text_column: str, **reading: Any) -> Sequence[str]:
    """Leaves the texts in their files, but for those of Parquet files and workbooks."""
    from lstm_sentiment.cli.console import TerminalProgress
    from lstm_sentiment.text.corpus.reading import files_of, read_texts
    from lstm_sentiment.text.corpus.record_files import PARQUET, WORKBOOK
    from lstm_sentiment.text.corpus.streaming import open_texts

    progress = TerminalProgress()
    files = files_of(paths, plain=True, progress=progress)
    if not any(content_suffix(file) in (PARQUET, WORKBOOK) for file in files):
        return open_texts(files, text_column=text_column, progress=progress, **reading)
    return [
        text
        for file in files
        for text in read_texts(file, text_column=text_column, progress=progress, **reading)
    ]


def _print_result(found: "NextTexts", number: int, output: Path, page: Path | None) -> None:
    counts = ", ".join(f"{count:,} {name}" for name, count in found.counts().items() if count)
    fewer = f" of {number:,}: the pool has no more" if len(found.texts) < number else ""
    rows: list[tuple[str, object]] = [
        ("pool", found.pool.told()),
        ("chosen", f"{len(found.texts):,}{fewer} ({counts})"),
        ("version", found.version_dir or "none: texts that differ were chosen"),
        ("output", output),
        *([] if page is None else [("page", page)]),
        ("next", f"fill in the column label, then {shell_command('fit', '--data', output)}"),
    ]
    print_rows(rows)

"""`models compare`: which of two versions is better on labelled texts."""

import json
from pathlib import Path
from typing import Annotated

import typer

from lstm_sentiment.cli.options import AsJson, LabelColumn, TextColumn
from lstm_sentiment.errors import InvalidInputError

LabelledTexts = Annotated[
    list[Path],
    typer.Option(
        "--data",
        help="Labelled texts that neither version was trained on, such as the test.csv that a run "
        "leaves: .csv, .tsv, .jsonl, .parquet; or one .txt a class; or a folder of them. May be "
        "repeated.",
        show_default=False,
    ),
]
Confidence = Annotated[
    float,
    typer.Option(
        metavar="SHARE",
        help="Of the intervals. A difference is told where McNemar's p is below 1 less it.",
    ),
]


def compare(
    versions: Annotated[
        str,
        typer.Option(
            metavar="A,B",
            help="Their numbers; with --model-config-file, labels too.",
            show_default=False,
        ),
    ],
    data: LabelledTexts,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The folder of versions.",
            show_default="models/sentiment, or what the models.config names",
        ),
    ] = None,
    model_config_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The models.config that knows the labels.", show_default=False
        ),
    ] = None,
    model_name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Which model of it. May be left out where it has only one.",
            show_default=False,
        ),
    ] = None,
    text_column: TextColumn = "text",
    label_column: LabelColumn = "label",
    confidence: Confidence = 0.95,
    show: Annotated[
        int, typer.Option(metavar="N", help="Texts to show on which they differ.", min=0)
    ] = 10,
    as_json: AsJson = False,
) -> None:
    """Compare two versions on labelled texts, and tell luck from merit.

    Shows accuracy, macro-F1 and each class's F1 of both, how far they and their
    differences can be trusted, and the texts that get different labels. Of the
    texts that only one of the two gets right, McNemar's exact test tells whether
    chance alone would set them so far apart.

    Example: python cli.py models compare --model models/sentiment --versions 3,4 --data test.csv
    """
    from lstm_sentiment.text.corpus.reading import read_corpus
    from lstm_sentiment.version_folder import find_versions
    from lstm_sentiment.versions.significance import check_confidence

    check_confidence(confidence)
    model_dir, numbers = _chosen(versions, model, model_config_file, model_name)
    folders = find_versions(model_dir, numbers)
    corpus = read_corpus(data, text_column=text_column, label_column=label_column)
    from lstm_sentiment.cli.console import TerminalProgress, import_tensorflow

    import_tensorflow()
    from lstm_sentiment.cli.comparison_table import print_comparison, tell_warnings
    from lstm_sentiment.versions.comparison import compare_versions, score_in_turn

    first, second = score_in_turn(folders, corpus, progress=TerminalProgress())
    comparison = compare_versions(first, second, confidence=confidence)
    if as_json:
        print(json.dumps(comparison.to_dict(), ensure_ascii=False))
    else:
        print_comparison(comparison, show=show)
        print(comparison.verdict())
    tell_warnings(comparison.warnings())


def _chosen(
    versions: str, model: Path | None, config_file: Path | None, model_name: str | None
) -> tuple[Path, list[int]]:
    """The folder of versions, and the numbers of the two."""
    labels: dict[str, int] = {}
    if config_file is not None:
        from lstm_sentiment.rollout.control import ModelsControl

        control = ModelsControl(config_file, model_name=model_name)
        model, labels = model or control.base_path, control.labels()
    elif model_name is not None:
        raise InvalidInputError(
            "`--model-name` goes with `--model-config-file`. Received: it alone."
        )
    numbers = [_number(name.strip(), labels) for name in versions.split(",")]
    if len(numbers) != 2 or len({*numbers}) != 2:
        raise InvalidInputError(
            f"`--versions` must be two different ones, such as 3,4. Received: {versions}."
        )
    return model or Path("models/sentiment"), numbers


def _number(name: str, labels: dict[str, int]) -> int:
    if name in labels:
        return labels[name]
    if not (name.isascii() and name.isdigit()):
        known = f" or labels: {', '.join(sorted(labels))}" if labels else ""
        raise InvalidInputError(
            f"`--versions` must be numbers{known or ', such as 3,4'}. Received: {name!r}."
        )
    return int(name)

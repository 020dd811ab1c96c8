"""`models compare`: compares two versions on labelled texts."""

from pathlib import Path
from typing import Annotated

import typer

from lstm_sentiment.cli.engine_flags import EngineFlags
from lstm_sentiment.cli.flag_groups import takes_flag_groups
from lstm_sentiment.cli.labelled_texts import TextsOrTestSet
from lstm_sentiment.cli.options import AsJson
from lstm_sentiment.cli.results import print_json, print_line
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.version_folder import parse_version

Confidence = Annotated[
    float,
    typer.Option(
        metavar="SHARE",
        help="Confidence level of the intervals; a difference counts as real when McNemar's p is "
        "below 1 - SHARE.",
    ),
]


@takes_flag_groups
def compare(
    versions: Annotated[
        str,
        typer.Option(
            metavar="A,B",
            help="Numbers of the two versions; with --model-config-file, version labels too.",
            show_default=False,
        ),
    ],
    texts: TextsOrTestSet,
    engine: EngineFlags,
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
        typer.Option(metavar="FILE", help="The models.config with the labels.", show_default=False),
    ] = None,
    model_name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Name of the model in the file. Needed only if the file has several.",
            show_default=False,
        ),
    ] = None,
    confidence: Confidence = 0.95,
    show: Annotated[
        int,
        typer.Option(
            metavar="N", help="Number of texts with different predictions to show.", min=0
        ),
    ] = 10,
    as_json: AsJson = False,
) -> None:
    """Compare two versions on labelled texts, with a test of significance.

    Shows accuracy, macro-F1 and each class's F1 of both versions and their
    differences, with confidence intervals, and the texts with different
    predictions. McNemar's exact test, on the texts that only one version gets
    right, gives the probability that such a difference is chance.

    Without --data, the texts are the test set of the run that made the second
    version.

    Example: python cli.py models compare --model models/sentiment --versions 3,4 --data test.csv
    """
    from lstm_sentiment.training.evaluation.intervals import check_confidence
    from lstm_sentiment.version_folder import find_versions

    check_confidence(confidence)
    model_dir, numbers = _chosen(versions, model, model_config_file, model_name)
    folders = find_versions(model_dir, numbers)
    corpus = texts.read(folders[1])
    engine.prepare(*folders)
    from lstm_sentiment.cli.comparison_table import print_comparison, tell_warnings
    from lstm_sentiment.cli.console import TerminalProgress
    from lstm_sentiment.versions.comparison import compare_versions, score_in_turn

    first, second = score_in_turn(folders, corpus, progress=TerminalProgress(), load=engine.load)
    comparison = compare_versions(first, second, confidence=confidence)
    if as_json:
        print_json(comparison.to_dict())
    else:
        print_comparison(comparison, show=show)
        print_line(comparison.verdict())
    tell_warnings(comparison.warnings())


def _chosen(
    versions: str, model: Path | None, config_file: Path | None, model_name: str | None
) -> tuple[Path, list[int]]:
    """Returns the folder of versions, and the numbers of the two."""
    labels: dict[str, int] = {}
    if config_file is not None:
        from lstm_sentiment.rollout.control import ModelsControl

        control = ModelsControl(config_file, model_name=model_name)
        model, labels = model or control.base_path, control.labels()
    elif model_name is not None:
        raise InvalidInputError("`--model-name` needs `--model-config-file`. Received: none.")
    numbers = [_number(name.strip(), labels) for name in versions.split(",")]
    if len(numbers) != 2 or len({*numbers}) != 2:
        raise InvalidInputError(
            f"`--versions` must be two different ones, such as 3,4. Received: {versions}."
        )
    return model or Path("models/sentiment"), numbers


def _number(name: str, labels: dict[str, int]) -> int:
    if name in labels:
        return labels[name]
    version = parse_version(name)
    if version is None:
        known = f" or labels: {', '.join(sorted(labels))}" if labels else ""
        raise InvalidInputError(
            f"`--versions` must be numbers{known or ', such as 3,4'}. Received: {name!r}."
        )
    return version

"""`models reexport`: writes the models of versions as new versions."""

from pathlib import Path
from typing import Annotated

import typer

from lstm_sentiment.cli.results import print_line
from lstm_sentiment.version_folder import DefaultSignature, find_version


def reexport(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...",
            help="Versions' folders; of a folder of versions, the highest is taken.",
            show_default=False,
        ),
    ],
    default_signature: Annotated[
        DefaultSignature | None,
        typer.Option(
            help="What requests without a signature send. With text, serving_default is the same "
            "as text, for clients that cannot name a signature, and token ids have the signature "
            "ids. Default: as in the version.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Export a version's model again, as the next version, without training.

    The new version has the signatures of this release, and the weights, words,
    classes and card of the old one, which stays as it is. This command is for
    versions of earlier releases; it needs TensorFlow. The new version is kept
    if it gives the answers of the card.

    Example: python cli.py models reexport models/sentiment/3
    """
    for model in models:
        find_version(model)  # fails before TensorFlow is imported, which takes seconds
    from lstm_sentiment.cli.console import TerminalProgress, import_tensorflow

    import_tensorflow("exporting a version again")
    from lstm_sentiment.versions.reexports import reexport

    with TerminalProgress().step("Exporting again", len(models)) as advance:
        for model in models:
            print_line(reexport(model, default_signature=default_signature))
            advance()

"""`models reexport`: writes the models of versions as new versions."""

from pathlib import Path
from typing import Annotated

import typer

from lstm_sentiment.cli.results import print_line
from lstm_sentiment.display_names import read_display_names
from lstm_sentiment.version_folder import DefaultSignature, find_version, load_card


def reexport(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...",
            help="Folders of versions; of a folder with several versions, the highest is taken.",
            show_default=False,
        ),
    ],
    default_signature: Annotated[
        DefaultSignature | None,
        typer.Option(
            help="Input of requests that name no signature: token ids or texts. Choose text "
            "for clients that cannot name a signature; token ids then have the signature "
            "ids. Default: as in the version.",
            show_default=False,
        ),
    ] = None,
    label_names: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Names that people see in the place of labels, by language: JSON such as "
            '{"0": {"en": "negative", "zh": "差评"}}, or TOML. Default: as in the version.',
            show_default=False,
        ),
    ] = None,
) -> None:
    """Export a version's model again, as the next version, without training.

    The new version has the signatures of this release, and the weights, words,
    classes and card of the old one, which stays as it is. Use this command for
    versions of earlier releases, or to give labels other names; it needs
    TensorFlow. The new version is kept if it reproduces the stored answers.

    Example: python cli.py models reexport models/sentiment/3
    """
    names = None if label_names is None else read_display_names(label_names)
    for model in models:
        folder = find_version(model)  # fails before TensorFlow is imported, which takes seconds
        if names is not None:
            labels = (load_card(folder) or {}).get("labels", ())
            names.check_labels(list(map(str, labels)), label_names)
    from lstm_sentiment.cli.console import TerminalProgress, import_tensorflow

    import_tensorflow("exporting a version again")
    from lstm_sentiment.versions.reexports import reexport

    with TerminalProgress().step("Exporting again", len(models)) as advance:
        for model in models:
            print_line(reexport(model, default_signature=default_signature, display_names=names))
            advance()

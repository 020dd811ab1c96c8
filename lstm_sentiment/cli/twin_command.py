"""`models twin`: makes the light twins of versions."""

from pathlib import Path
from typing import Annotated

import typer

from lstm_sentiment.cli.results import print_line
from lstm_sentiment.version_folder import LIGHT, find_version


def twin(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...",
            help="Folders of versions; of a folder with several versions, the highest is taken.",
            show_default=False,
        ),
    ],
) -> None:
    """Make a version's light twin: files that give its answers without TensorFlow.

    fit and export_servable write the light twin of each new version. Use this
    command for versions of earlier releases; it needs TensorFlow. The twin is
    kept only if it reproduces the answers stored in the version.

    Example: python cli.py models twin models/sentiment/3
    """
    for model in models:
        find_version(model)  # fails before TensorFlow is imported, which takes seconds
    from lstm_sentiment.cli.console import TerminalProgress, import_tensorflow

    import_tensorflow("making a light twin")
    from lstm_sentiment.versions.light_twins import make_light_twin

    with TerminalProgress().step("Making light twins", len(models)) as advance:
        for model in models:
            print_line(make_light_twin(model) / LIGHT)
            advance()

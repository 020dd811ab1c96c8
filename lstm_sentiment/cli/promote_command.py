"""`models promote`: moves a version label to a version that is not worse."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lstm_sentiment.cli.compare_command import Confidence
from lstm_sentiment.cli.engine_flags import EngineFlags
from lstm_sentiment.cli.flag_groups import takes_flag_groups
from lstm_sentiment.cli.labelled_texts import TextsOrTestSet
from lstm_sentiment.cli.models_flags import ModelFlags, ServerFlags, tell_commands, tell_notes
from lstm_sentiment.cli.options import AsJson
from lstm_sentiment.cli.results import print_json, print_line

if TYPE_CHECKING:
    from lstm_sentiment.rollout.promotion import Promotion

REFUSED = 1


@takes_flag_groups
def promote(
    version_label: Annotated[
        str,
        typer.Option(
            "--version-label",
            "--label",
            metavar="L",
            help="The version label to move.",
            show_default=False,
        ),
    ],
    version: Annotated[
        int,
        typer.Option(metavar="N", help="The version to point the label to.", show_default=False),
    ],
    texts: TextsOrTestSet,
    engine: EngineFlags,
    model_flags: ModelFlags,
    server: ServerFlags,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of the versions on this machine.",
            show_default="the base path in the models.config",
        ),
    ] = None,
    against: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="The version to compare with.",
            show_default="the one that the label points to",
        ),
    ] = None,
    max_loss: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            help="Largest loss of accuracy or macro-F1 to accept where it is not significant: "
            "0.01 is one point.",
        ),
    ] = 0.01,
    confidence: Confidence = 0.95,
    force: Annotated[
        bool, typer.Option("--force", help="Move the label even if the checks fail.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Compare, but do not move the label.")
    ] = False,
    show: Annotated[
        int,
        typer.Option(
            metavar="N", help="Number of texts with different predictions to show.", min=0
        ),
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Move a label to a version, unless the version is worse than the current one.

    The command refuses if the version classifies significantly fewer texts
    correctly (McNemar's exact test, p below 1 - --confidence), if its accuracy
    or macro-F1 (mean of the classes' F1) is lower by more than --max-loss, or if
    either version was trained on some of the texts. A new label has no current
    version: the version is evaluated, compared with --against if given, and the
    label is set. With --server, the running server is updated too.

    Exits with 0 if the label points to the version, and with 1 if the command
    refused; --dry-run exits with the same code.

    Without --data, the texts are the test set of the run that made the version.

    Example: python cli.py models promote --version-label stable --version 4 --data test.csv
    --model-config-file models.config
    """
    from lstm_sentiment.rollout.control import ModelsControl
    from lstm_sentiment.version_folder import find_versions

    # Read first: a bad file is told at once.
    control = ModelsControl(model_flags.model_config_file, model_name=model_flags.model_name)
    corpus = texts.read(find_versions(model or control.base_path, [version])[0])
    from lstm_sentiment.cli.console import TerminalProgress
    from lstm_sentiment.rollout.promotion import promote as promote_version
    from lstm_sentiment.versions.comparison import score_in_turn

    with server.connected() as running:
        promotion = promote_version(
            control.connected_to(running),
            version_label,
            version,
            corpus,
            against=against,
            model_dir=model,
            max_loss=max_loss,
            confidence=confidence,
            force=force,
            dry_run=dry_run,
            progress=TerminalProgress(),
            score=partial(score_in_turn, load=engine.load),
        )
    if as_json:
        print_json(promotion.to_dict())
    else:
        _print_promotion(promotion, len(corpus), show)
    _tell(promotion, model_flags, server, is_printed=not as_json)
    if promotion.is_refused:
        raise typer.Exit(REFUSED)


def _print_promotion(promotion: "Promotion", texts: int, show: int) -> None:
    from lstm_sentiment.cli.comparison_table import print_comparison, print_scores

    if promotion.comparison is not None:
        print_comparison(promotion.comparison, show=show)
        print_line(promotion.comparison.verdict())
    elif promotion.scores is not None:
        print_scores(promotion.scores, texts)
    if not promotion.is_refused:
        print_line(promotion.summary())


def _tell(
    promotion: "Promotion", model: ModelFlags, server: ServerFlags, *, is_printed: bool
) -> None:
    """Prints how to undo the change, notes, warnings, and the reasons of a refusal."""
    from lstm_sentiment.cli.comparison_table import tell_warnings
    from lstm_sentiment.cli.console import tell

    changed = promotion.changed
    if is_printed and changed is not None:
        tell_commands(changed, model, server)
    tell_notes(promotion.notes, server, is_changed=changed is not None)
    if promotion.comparison is not None:
        tell_warnings(promotion.comparison.warnings())
    if promotion.is_refused:
        tell(promotion.summary())

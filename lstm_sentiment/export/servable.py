"""Export of a trained model as the next numbered version of a servable."""

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.framework import function_pb2
from tensorflow.core.protobuf import saved_model_pb2

from lstm_sentiment.display_names import (
    NO_NAMES,
    DisplayNames,
    GivenNames,
    as_display_names,
    save_display_names,
)
from lstm_sentiment.errors import ExportError
from lstm_sentiment.export.card import make_card
from lstm_sentiment.export.light.graph import MAX_BYTES, network_bytes
from lstm_sentiment.export.light.tokenizer_files import write_tokenizer
from lstm_sentiment.export.light.twin import write_light_twin
from lstm_sentiment.export.own_model import OwnModel, to_export
from lstm_sentiment.export.signatures import ServableModule
from lstm_sentiment.export.warmup import save_warmup_requests
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.system import sync_to_disk
from lstm_sentiment.text.corpus.held_out import with_test_file
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.training.evaluation.metrics import Evaluation
from lstm_sentiment.training.fit_result import FitResult
from lstm_sentiment.unfinished import staging_folder
from lstm_sentiment.version_digests import save_digests
from lstm_sentiment.version_folder import (
    CARD,
    CLASSIFY,
    DEFAULT_SIGNATURE_KEY,
    GRAPH,
    IDS,
    LIGHT,
    MAX_VERSION,
    TEXTS_SEEN,
    WARMUP_REQUESTS,
    DefaultSignature,
    check_holds_versions,
    next_version,
    version_folders,
)

_VERSION = "version"
_TAKEN_APART = "_lower_using_switch_merge"
_OUTPUT_SHAPES = "_output_shapes"


def export_servable(
    result: FitResult | SentimentModel,
    base_path: str | os.PathLike[str],
    *,
    tokenizer: Tokenizer | None = None,
    label_names: Sequence[Any] | None = None,
    temperature: float = 1.0,
    trained_on: Iterable[Any] | None = None,
    version: int | None = None,
    test: Evaluation | None = None,
    test_file: str | os.PathLike[str] | None = None,
    default_signature: DefaultSignature = "ids",
    display_names: GivenNames | None = None,
    when_written: Callable[[Path], None] = lambda _: None,
) -> Path:
    """Writes one version under `base_path`, where it appears as a whole or not at all.

    The version is written to a folder that no server reads, synced to disk, then renamed.

    Args:
        result: The trained classifier; or a `SentimentModel` that you have trained yourself, with
            the next four arguments.
        base_path: The servable's folder, with one subfolder a version; made if missing.
        tokenizer: The tokenizer that the model was trained with.
        label_names: The model's classes in id order.
        temperature: Divisor of the model's logits for probabilities: see `fit_temperature`. With a
            `FitResult`, its own is taken.
        trained_on: The texts that the model has learned. The version keeps their digests, so that
            it is not scored on them later, and shows some of them as examples. `None` if unknown:
            then training cannot continue from the version.
        version: A positive number without a version. `None` is the highest number there plus one.
        test: Scores on held-out texts, to be kept with the version.
        test_file: File of the held-out texts, whose fingerprint is in `result.data`. The version
            keeps the path relative to `base_path`: see `read_test_texts`.
        default_signature: What a request without a signature sends: see `ServableModule`.
        display_names: What people see in the place of labels, by label and language tag, as in
            `{"0": {"en": "negative", "zh": "差评"}}`. `None` for those of `result`.
        when_written: Called with the folder of the complete version before it appears.

    Returns:
        The version's folder.

    Raises:
        ExportError: If the version exists or the folder cannot be written.
        InvalidInputError: If `result` is nothing that can be exported, or has a weight that is not
            finite; if the tokenizer does not fit the model; if `display_names` break a rule, see
            `read_display_names`, or name a label that the classifier does not have; if `base_path`
            is the folder of one version.
    """
    classifier = to_export(
        result,
        tokenizer=tokenizer,
        label_names=label_names,
        temperature=temperature,
        trained_on=trained_on,
    )
    if test_file is not None:
        data = with_test_file(classifier.data, Path(test_file), Path(base_path))
        classifier = replace(classifier, data=data)
    if display_names is not None:
        classifier = replace(classifier, display_names=as_display_names(display_names))
    classifier.display_names.check_labels(classifier.label_names, "`display_names`")

    def write(folder: Path) -> None:
        write_version(classifier, folder, test, default_signature)
        when_written(folder)

    return publish(Path(base_path), write, version)


def publish(base: Path, write: Callable[[Path], None], version: int | None = None) -> Path:
    """Makes a version of what `write` puts into a folder: see `export_servable`."""
    if version is not None and version < 1:
        raise ExportError(f"`version` must be a positive integer. Received: version={version}.")
    if version is not None and version > MAX_VERSION:
        raise ExportError(f"`version` must be at most {MAX_VERSION}. Received: version={version}.")
    check_holds_versions(base)
    try:
        base.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"{base}: cannot be written: {error.strerror}.") from error
    try:
        with staging_folder(base) as staging:
            folder = staging / _VERSION
            folder.mkdir()
            write(folder)
            return _publish(folder, base, version)
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ExportError(f"{base}: the version cannot be written: {reason}.") from error


def write_version(
    result: FitResult | OwnModel,
    folder: Path,
    test: Evaluation | None,
    default_signature: DefaultSignature = "ids",
) -> None:
    """Fills a version folder and syncs it to disk."""
    model, tokenizer, temperature = result.model, result.tokenizer, result.temperature
    write_saved_model(folder, model, tokenizer, result.label_names, temperature, default_signature)
    card = make_card(result, test)
    complete_version(
        folder,
        model,
        tokenizer,
        temperature,
        card,
        result.texts_seen,
        default_signature,
        result.display_names,
    )


def write_saved_model(
    folder: Path,
    model: SentimentModel,
    tokenizer: Tokenizer,
    label_names: tuple[str, ...],
    temperature: float,
    default_signature: DefaultSignature = "ids",
) -> None:
    """Writes the graph, weights and assets of a version; for the arguments see `ServableModule`."""
    # Beside the version, where a killed export's are cleared with all else.
    with tempfile.TemporaryDirectory(dir=folder.parent) as assets:
        module = ServableModule(
            model,
            tokenizer,
            label_names,
            Path(assets),
            temperature=temperature,
            default_signature=default_signature,
        )
        tf.saved_model.save(module, str(folder), signatures=module.signatures())
    _finish_graph(folder / GRAPH)


def complete_version(
    folder: Path,
    model: SentimentModel,
    tokenizer: Tokenizer,
    temperature: float,
    card: Mapping[str, Any],
    texts_seen: NDArray[np.uint64] | None,
    default_signature: DefaultSignature = "ids",
    display_names: DisplayNames = NO_NAMES,
) -> None:
    """Writes what a version has beside its SavedModel, and syncs the folder to disk.

    Args:
        folder: The folder that `write_saved_model` has filled from the same arguments.
        model: Trained.
        tokenizer: The tokenizer that the model was trained with.
        temperature: Divisor of the logits for probabilities.
        card: The facts of the version: see `make_card`.
        texts_seen: See `FitResult.texts_seen`; `None` if unknown.
        default_signature: That of `write_saved_model`.
        display_names: What people see in the place of the labels.
    """
    (folder / CARD).parent.mkdir()
    (folder / CARD).write_text(json.dumps(card, ensure_ascii=False, indent=2) + "\n", "utf-8")
    if texts_seen is not None:
        np.save(folder / TEXTS_SEEN, texts_seen)
    save_display_names(display_names, folder)
    ids_key = IDS if default_signature == "text" else DEFAULT_SIGNATURE_KEY
    save_warmup_requests(folder / WARMUP_REQUESTS, tokenizer, model.config.max_length, ids_key)
    if network_bytes(model) <= MAX_BYTES:
        (folder / LIGHT).mkdir()
        options = write_tokenizer(tokenizer, folder / LIGHT)
        write_light_twin(folder / LIGHT, folder, model, options, temperature)
    save_digests(folder)
    folder.chmod(0o755)  # whatever the umask: a server may run as another user
    for path in (*folder.rglob("*"), folder):
        sync_to_disk(path)


def _finish_graph(path: Path) -> None:
    """Writes into the graph what `tf.saved_model.save` has no argument for.

    `classify` gets the method name of the Classify API, which TensorFlow Serving checks with
    `--enable_signature_method_name_check`; TensorFlow writes `predict` for all. And control flow
    stays in functions: lowered, as a session does by default, a loop inside of a branch can get an
    input from outside of the loop's frame, and fails.
    """
    graph = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for meta_graph in graph.meta_graphs:
        meta_graph.signature_def[CLASSIFY].method_name = tf.saved_model.CLASSIFY_METHOD_NAME
        functions = meta_graph.graph_def.library.function
        nodes = (node for function in functions for node in function.node_def)
        for node in (*meta_graph.graph_def.node, *nodes):
            node.attr.pop(_TAKEN_APART, None)
        for function in functions:
            _remove_known_shapes(function)
    path.write_bytes(graph.SerializeToString())


def _remove_known_shapes(function: function_pb2.FunctionDef) -> None:
    """Removes the shapes that TensorFlow writes beside each node, where the op determines them.

    They are a tenth of the file, and a server reads them again for each function that it runs.
    Those of outputs and of calls stay: `tf.saved_model.load` infers no shape through a call.
    """
    returned = {output.partition(":")[0] for output in function.ret.values()}
    for node in function.node_def:
        is_call = any(value.HasField("func") for value in node.attr.values())
        if not is_call and node.name not in returned:
            node.attr.pop(_OUTPUT_SHAPES, None)


def _publish(staging: Path, base: Path, version: int | None) -> Path:
    """Renames the finished folder to its version number, and returns the new path."""
    while True:
        target = base / str(next_version(base) if version is None else version)
        taken = version is not None and version in version_folders(base)  # as `007`, say
        try:
            if not taken:
                # A rename onto a folder with files fails, so no version is overwritten.
                staging.rename(target)
                sync_to_disk(base)
                return target
        except OSError:
            if not target.exists():
                raise
        if version is not None:
            raise ExportError(
                f"`version` must not exist yet under {base}. Received: version={version}."
            )
        # Another export has taken the number: the next one is tried.

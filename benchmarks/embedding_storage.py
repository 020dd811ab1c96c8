"""What it costs and saves to keep word vectors in fewer bits.

    python -m benchmarks.embedding_storage --data hotel.csv --text-column review

One JSON object a line, seed and kind of storage. The defaults are trained once a seed, with
`embedding_storage="float32"`. Then the vectors of that one classifier are rounded to each kind, and
the rounded one is exported and asked for the test texts by its signature `text`. All else is as the
float32 classifier has it: the n-grams' share and the temperature too, which `fit` would choose
anew. So the scores differ by the rounding alone.

Each `share` is of float32's bytes: of the table of word vectors, of `variables.data`, and of the
whole version folder.
"""

import json
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, get_args

import typer

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from numpy.typing import NDArray

import lstm_sentiment as ls
from lstm_sentiment.model.config import EmbeddingStorage
from lstm_sentiment.model.embedding_storage import store_matrix
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.pipeline.corpora import prepare_corpora
from lstm_sentiment.training.evaluation.metrics import Evaluation, evaluate_predictions

_PEER: EmbeddingStorage = "float32"


@dataclass(frozen=True)
class Bytes:
    """What a version takes.

    Attributes:
        embedding: The table of word vectors, with their scales.
        variables: The file of all variables.
        folder: All files.
    """

    embedding: int
    variables: int
    folder: int

    @classmethod
    def of(cls, version_dir: Path, result: ls.FitResult) -> "Bytes":
        """Adds them up."""
        model = result.model
        table = store_matrix(model.embedding.merged_matrix(), model.config.embedding_storage)
        sizes = {path: path.stat().st_size for path in version_dir.rglob("*") if path.is_file()}
        return cls(
            table.values.nbytes + (0 if table.scales is None else table.scales.nbytes),
            sum(size for path, size in sizes.items() if path.name.startswith("variables.data")),
            sum(sizes.values()),
        )


@dataclass(frozen=True)
class Stored:
    """A classifier whose word vectors are kept in one way.

    Attributes:
        bytes: What its version takes.
        scores: On the test texts.
        probabilities: Of the test texts: `(texts, classes)`.
    """

    bytes: Bytes
    scores: Evaluation
    probabilities: NDArray[np.float64]


def main(
    data: Annotated[list[Path], typer.Option(help="As `fit --data`.")],
    text_column: str = "text",
    label_column: str = "label",
    seeds: Annotated[int, typer.Option(min=1, help="Seeds 0, 1, ... of the training.")] = 1,
) -> None:
    """Prints scores and bytes for each kind of storage, beside float32's."""
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            config = ls.PipelineConfig(
                data=tuple(data),
                text_column=text_column,
                label_column=label_column,
                model_dir=Path(folder) / "trained",
                run_dir=Path(folder) / "runs" / "run",
                split_seed=0,
                model=ls.ModelConfig(embedding_storage=_PEER),
                training=ls.TrainingConfig(seed=seed),
            )
            result = ls.run_pipeline(config).fit
            test = prepare_corpora(config)[2]
            peer = _stored(result, _PEER, test, Path(folder))
            for storage in reversed(get_args(EmbeddingStorage)):
                stored = peer if storage == _PEER else _stored(result, storage, test, Path(folder))
                _report(f"{data[0].stem}, seed {seed}, {storage}", stored, peer)


def _stored(
    result: ls.FitResult, storage: EmbeddingStorage, test: ls.Corpus, folder: Path
) -> Stored:
    rounded = replace(result, model=_rounded(result.model, storage))
    version_dir = ls.export_servable(rounded, folder / storage)
    predictions = ls.SavedModelPredictor(version_dir).predict(test.texts)
    predicted = [prediction.classification for prediction in predictions]
    return Stored(
        Bytes.of(version_dir, rounded),
        evaluate_predictions(test.labels, predicted, test.label_names),
        np.array([prediction.probabilities for prediction in predictions]),
    )


def _rounded(model: SentimentModel, storage: EmbeddingStorage) -> SentimentModel:
    """A copy that keeps its word vectors in another way."""
    copy = SentimentModel(
        model.vocabulary_size,
        model.embedding_dim,
        model.num_classes,
        replace(model.config, embedding_storage=storage),
        num_ngrams=model.num_ngrams,
    )
    copy.embedding.load_matrix(model.embedding.merged_matrix())
    copy.embedding.round_to(storage)
    for ours, theirs in zip(model.layers_with_weights(), copy.layers_with_weights(), strict=True):
        theirs.set_weights(ours.get_weights())
    return copy


def _report(name: str, stored: Stored, peer: Stored) -> None:
    own, of_peer = stored.bytes, peer.bytes
    differing = np.abs(stored.probabilities - peer.probabilities)
    line = {
        "benchmark": "embedding_storage",
        "name": name,
        "accuracy": round(stored.scores.accuracy, 4),
        "macro_f1": round(stored.scores.macro_f1, 4),
        "other_labels": _changes(stored.probabilities, peer.probabilities),
        "largest_difference": round(float(differing.max()), 6),
        "embedding_bytes": own.embedding,
        "variables_bytes": own.variables,
        "folder_bytes": own.folder,
        "embedding_share": _share(own.embedding, of_peer.embedding),
        "variables_share": _share(own.variables, of_peer.variables),
        "folder_share": _share(own.folder, of_peer.folder),
        "against": _PEER,
    }
    print(json.dumps(line, ensure_ascii=False), flush=True)


def _changes(probabilities: NDArray[np.float64], of_peer: NDArray[np.float64]) -> int:
    """How many texts get another label."""
    return int((probabilities.argmax(axis=1) != of_peer.argmax(axis=1)).sum())


def _share(own: int, of_peer: int) -> float:
    return round(own / of_peer, 3)


if __name__ == "__main__":
    typer.run(main)

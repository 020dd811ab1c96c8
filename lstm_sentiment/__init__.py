"""Labelled texts in, a sentiment classifier that answers over the wire out.

The public names are those in `__all__`. None of them is imported before it is used, so that
`import lstm_sentiment` is quick and loads no TensorFlow.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lstm_sentiment.client.access import TLSConfig
    from lstm_sentiment.client.async_client import AsyncPredictClient
    from lstm_sentiment.client.model_info import SignatureInfo, TensorInfo, VersionStatus
    from lstm_sentiment.client.model_service import RunningServer
    from lstm_sentiment.client.predict_client import (
        Explanation,
        IdPrediction,
        PredictClient,
        Prediction,
    )
    from lstm_sentiment.errors import (
        ConfigError,
        ExportError,
        InvalidInputError,
        LstmSentimentError,
        ServableNotFoundError,
        ServableUnavailableError,
        TrainingError,
    )
    from lstm_sentiment.export.servable import export_servable
    from lstm_sentiment.export.trained_version import TrainedVersion, load_trained_version
    from lstm_sentiment.model.config import ModelConfig
    from lstm_sentiment.model.sentiment_model import SentimentModel
    from lstm_sentiment.pipeline.config import PipelineConfig
    from lstm_sentiment.pipeline.config_file import load_config, save_config
    from lstm_sentiment.pipeline.run import PipelineResult, resume_pipeline, run_pipeline
    from lstm_sentiment.report.analysis.version_evaluation import (
        VersionEvaluation,
        evaluate_version,
    )
    from lstm_sentiment.report.page.write import WrittenReport, write_report
    from lstm_sentiment.rollout.control import ModelsControl
    from lstm_sentiment.rollout.promotion import Promotion, promote
    from lstm_sentiment.rollout.shadow_agreement import (
        PairAgreement,
        ShadowAgreement,
        read_shadow_agreement,
    )
    from lstm_sentiment.serving.server import ModelServer
    from lstm_sentiment.serving.shadow.options import ShadowOptions
    from lstm_sentiment.text.corpus.corpus import Corpus
    from lstm_sentiment.text.corpus.demo import load_demo_corpus
    from lstm_sentiment.text.corpus.reading import read_corpus, read_texts
    from lstm_sentiment.text.corpus.streaming import open_corpus
    from lstm_sentiment.text.padding import pad_token_ids
    from lstm_sentiment.text.tokenizer import (
        CharacterTokenizer,
        Tokenizer,
        UnigramTokenizer,
        WhitespaceTokenizer,
        make_tokenizer,
    )
    from lstm_sentiment.text.vectors.files import load_word_vectors, save_word_vectors
    from lstm_sentiment.text.vectors.options import VectorTrainingConfig
    from lstm_sentiment.text.vectors.report import (
        VectorReport,
        describe_vectors,
        nearest_neighbours,
    )
    from lstm_sentiment.text.vectors.training import train_vectors_on_texts, train_word_vectors
    from lstm_sentiment.text.vectors.word_vectors import WordVectors
    from lstm_sentiment.text.vocabulary import Vocabulary
    from lstm_sentiment.text.word_counts import load_word_counts
    from lstm_sentiment.text.words import (
        build_vocabulary,
        choose_tokenizer,
        frequent_unknown_tokens,
    )
    from lstm_sentiment.training.config import SnapshotEvery, TrainingConfig
    from lstm_sentiment.training.evaluation.calibration import (
        expected_calibration_error,
        fit_temperature,
    )
    from lstm_sentiment.training.evaluation.metrics import Evaluation, evaluate_predictions
    from lstm_sentiment.training.fit import fit
    from lstm_sentiment.training.fit_result import FitResult
    from lstm_sentiment.training.warm_start import StartWeights
    from lstm_sentiment.training.worker_run import join_fit
    from lstm_sentiment.training.workers.distribution import Workers, start_workers
    from lstm_sentiment.training.workers.launcher import launch
    from lstm_sentiment.tuning.search import TrialResult, TuneResult, tune
    from lstm_sentiment.version_folder import OOV_ID, PAD_ID
    from lstm_sentiment.versions.comparison import (
        ComparedVersion,
        Comparison,
        Disagreement,
        compare_versions,
    )
    from lstm_sentiment.versions.inspection.version_report import VersionReport, inspect_version
    from lstm_sentiment.versions.predictor import SavedModelPredictor
    from lstm_sentiment.versions.scoring.score import ScoreResult, find_shards, score
    from lstm_sentiment.versions.significance import (
        Estimate,
        estimate_accuracy,
        estimate_accuracy_difference,
        estimate_macro_f1,
        estimate_macro_f1_difference,
        mcnemar_p_value,
    )
    from lstm_sentiment.versions.texts_seen import count_texts_seen
    from lstm_sentiment.versions.verification.verify import Verification, verify_version

__version__ = "0.1.0"

_HOMES = {
    "client.predict_client": (
        "Explanation",
        "IdPrediction",
        "PredictClient",
        "Prediction",
    ),
    "client.async_client": ("AsyncPredictClient",),
    "client.access": ("TLSConfig",),
    "client.model_info": (
        "SignatureInfo",
        "TensorInfo",
        "VersionStatus",
    ),
    "versions.comparison": (
        "ComparedVersion",
        "Comparison",
        "Disagreement",
        "compare_versions",
    ),
    "pipeline.config_file": (
        "load_config",
        "save_config",
    ),
    "errors": (
        "ConfigError",
        "ExportError",
        "InvalidInputError",
        "LstmSentimentError",
        "ServableNotFoundError",
        "ServableUnavailableError",
        "TrainingError",
    ),
    "export.servable": ("export_servable",),
    "export.trained_version": (
        "TrainedVersion",
        "load_trained_version",
    ),
    "versions.inspection.version_report": (
        "VersionReport",
        "inspect_version",
    ),
    "training.workers.launcher": ("launch",),
    "model.config": ("ModelConfig",),
    "model.sentiment_model": ("SentimentModel",),
    "rollout.control": ("ModelsControl",),
    "client.model_service": ("RunningServer",),
    "pipeline.run": (
        "PipelineResult",
        "resume_pipeline",
        "run_pipeline",
    ),
    "pipeline.config": ("PipelineConfig",),
    "versions.predictor": ("SavedModelPredictor",),
    "rollout.promotion": (
        "Promotion",
        "promote",
    ),
    "report.analysis.version_evaluation": (
        "VersionEvaluation",
        "evaluate_version",
    ),
    "report.page.write": (
        "WrittenReport",
        "write_report",
    ),
    "versions.scoring.score": (
        "ScoreResult",
        "find_shards",
        "score",
    ),
    "serving.server": ("ModelServer",),
    "serving.shadow.options": ("ShadowOptions",),
    "rollout.shadow_agreement": (
        "PairAgreement",
        "ShadowAgreement",
        "read_shadow_agreement",
    ),
    "versions.significance": (
        "Estimate",
        "estimate_accuracy",
        "estimate_accuracy_difference",
        "estimate_macro_f1",
        "estimate_macro_f1_difference",
        "mcnemar_p_value",
    ),
    "text.corpus.corpus": ("Corpus",),
    "text.corpus.reading": (
        "read_corpus",
        "read_texts",
    ),
    "text.corpus.demo": ("load_demo_corpus",),
    "text.padding": ("pad_token_ids",),
    "text.corpus.streaming": ("open_corpus",),
    "text.tokenizer": (
        "CharacterTokenizer",
        "Tokenizer",
        "UnigramTokenizer",
        "WhitespaceTokenizer",
        "make_tokenizer",
    ),
    "text.vectors.files": (
        "load_word_vectors",
        "save_word_vectors",
    ),
    "text.vectors.report": (
        "VectorReport",
        "describe_vectors",
        "nearest_neighbours",
    ),
    "text.vectors.options": ("VectorTrainingConfig",),
    "text.vectors.training": ("train_vectors_on_texts", "train_word_vectors"),
    "text.vocabulary": ("Vocabulary",),
    "version_folder": (
        "OOV_ID",
        "PAD_ID",
    ),
    "text.word_counts": ("load_word_counts",),
    "text.vectors.word_vectors": ("WordVectors",),
    "text.words": (
        "build_vocabulary",
        "choose_tokenizer",
        "frequent_unknown_tokens",
    ),
    "versions.texts_seen": ("count_texts_seen",),
    "training.evaluation.calibration": (
        "expected_calibration_error",
        "fit_temperature",
    ),
    "training.config": (
        "SnapshotEvery",
        "TrainingConfig",
    ),
    "training.workers.distribution": (
        "Workers",
        "start_workers",
    ),
    "training.evaluation.metrics": (
        "Evaluation",
        "evaluate_predictions",
    ),
    "training.fit": ("fit",),
    "training.fit_result": ("FitResult",),
    "training.warm_start": ("StartWeights",),
    "training.worker_run": ("join_fit",),
    "tuning.search": (
        "TrialResult",
        "TuneResult",
        "tune",
    ),
    "versions.verification.verify": (
        "Verification",
        "verify_version",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "OOV_ID",
    "PAD_ID",
    "AsyncPredictClient",
    "CharacterTokenizer",
    "ComparedVersion",
    "Comparison",
    "ConfigError",
    "Corpus",
    "Disagreement",
    "Estimate",
    "Evaluation",
    "Explanation",
    "ExportError",
    "FitResult",
    "IdPrediction",
    "InvalidInputError",
    "LstmSentimentError",
    "ModelConfig",
    "ModelServer",
    "ModelsControl",
    "PairAgreement",
    "PipelineConfig",
    "PipelineResult",
    "PredictClient",
    "Prediction",
    "Promotion",
    "RunningServer",
    "SavedModelPredictor",
    "ScoreResult",
    "SentimentModel",
    "ServableNotFoundError",
    "ServableUnavailableError",
    "ShadowAgreement",
    "ShadowOptions",
    "SignatureInfo",
    "SnapshotEvery",
    "StartWeights",
    "TLSConfig",
    "TensorInfo",
    "Tokenizer",
    "TrainedVersion",
    "TrainingConfig",
    "TrainingError",
    "TrialResult",
    "TuneResult",
    "UnigramTokenizer",
    "VectorReport",
    "VectorTrainingConfig",
    "Verification",
    "VersionEvaluation",
    "VersionReport",
    "VersionStatus",
    "Vocabulary",
    "WhitespaceTokenizer",
    "WordVectors",
    "Workers",
    "WrittenReport",
    "__version__",
    "build_vocabulary",
    "choose_tokenizer",
    "compare_versions",
    "count_texts_seen",
    "describe_vectors",
    "estimate_accuracy",
    "estimate_accuracy_difference",
    "estimate_macro_f1",
    "estimate_macro_f1_difference",
    "evaluate_predictions",
    "evaluate_version",
    "expected_calibration_error",
    "export_servable",
    "find_shards",
    "fit",
    "fit_temperature",
    "frequent_unknown_tokens",
    "inspect_version",
    "join_fit",
    "launch",
    "load_config",
    "load_demo_corpus",
    "load_trained_version",
    "load_word_counts",
    "load_word_vectors",
    "make_tokenizer",
    "mcnemar_p_value",
    "nearest_neighbours",
    "open_corpus",
    "pad_token_ids",
    "promote",
    "read_corpus",
    "read_shadow_agreement",
    "read_texts",
    "resume_pipeline",
    "run_pipeline",
    "save_config",
    "save_word_vectors",
    "score",
    "start_workers",
    "train_vectors_on_texts",
    "train_word_vectors",
    "tune",
    "verify_version",
    "write_report",
]


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)

"""What one run is told; imports no TensorFlow, so that flags and files can be checked first."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from lstm_sentiment.checks import one_of, positive
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.text.tokenizer_options import (
    DEFAULT_NORMALIZATION,
    DEFAULT_UNKNOWN,
    Normalization,
    TokenizerKind,
    Unknown,
)
from lstm_sentiment.text.vectors.options import BadRows, VectorTrainingConfig
from lstm_sentiment.training.config import SnapshotEvery, SnapshotUnit, TrainingConfig

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class PipelineConfig:
    """Everything that one run is told.

    Attributes:
        data: Files or folders of labelled texts, see `read_corpus`. Empty takes the demo corpus.
        dev_data: Texts that decide when to stop, taken as they are; `None` deals a tenth of `data`.
        test_data: Texts to be scored on, taken as they are; `None` deals a tenth of `data`.
        text_column: Column of the texts.
        label_column: Column of the labels.
        streaming: Whether all texts stay in their files and are read when they are needed, for
            corpora larger than memory; the result is the same. For `.csv`, `.tsv`, `.jsonl` and
            `.txt` files, which must stay as they are until the run ends.
        unlabelled: Files or folders of more texts to train word vectors on; of tables, only
            `text_column` is read. Texts of dev and test are left out of them.
        exclude_data: Files or folders of texts that nothing may be learned from.
        init_from: A version to begin with, or the base path of which the highest is taken: its
            weights, vocabulary, tokenizer and model sizes.
        vectors: File of word vectors. `None` trains word2vec on the training texts.
        own_vectors: Whether, beside those of `vectors`, others are trained on the texts and each
            word gets both. Without `vectors` they are trained anyhow.
        vectors_limit: Read the first so many vectors only; `None` reads all.
        bad_rows: `refuse` or `skip` malformed rows of `vectors`: see `load_word_vectors`.
        tokenizer: `auto`, or a tokenizer's kind.
        normalization: Which spellings count as one: see `normalize_texts`.
        unknown: For `unigram`: what an unknown run of characters becomes, see `UnigramTokenizer`.
        dictionary: For `unigram`: words and counts to cut by, see `load_word_counts`. `None` cuts
            by the words of the vocabulary.
        model_dir: The servable's base path: the version appears in it.
        export_every: Export a version every so many epochs or steps too, while training goes on.
            `None` exports the best weights alone, in the end.
        export_unit: `epochs` or `steps`.
        keep: How many of the highest versions stay; older ones are removed, but none that
            `model_config_file` names. `None` keeps all.
        model_config_file: A `models.config` in which the version label `best` is pointed to the
            best weights; made where it is missing. `None` labels nothing.
        run_dir: A new or empty folder for what the run leaves: config, history, checkpoints,
            scores, data fingerprint, model.
        tensorboard: Whether to write a TensorBoard log to the run's folder.
        split_seed: Decides the split into train, dev and test; `None` takes `training.seed`.
        model: Sizes and switches of the model.
        training: How to train.
        vector_training: How word vectors are trained where none are given.
        cache: Whether token ids are kept in `memory` for this run, or on `disk`, beside the run's
            folder, for the next run on the same texts too.
    """

    data: Sequence[PathLike] = ()
    dev_data: PathLike | None = None
    test_data: PathLike | None = None
    text_column: str = "text"
    label_column: str = "label"
    streaming: bool = False
    unlabelled: Sequence[PathLike] = ()
    exclude_data: Sequence[PathLike] = ()
    init_from: PathLike | None = None
    vectors: PathLike | None = None
    own_vectors: bool = False
    vectors_limit: int | None = None
    bad_rows: BadRows = "refuse"
    tokenizer: str = "auto"
    normalization: str = DEFAULT_NORMALIZATION
    unknown: str = DEFAULT_UNKNOWN
    dictionary: PathLike | None = None
    model_dir: PathLike = Path("models") / "sentiment"
    export_every: int | None = None
    export_unit: SnapshotUnit = "epochs"
    keep: int | None = None
    model_config_file: PathLike | None = None
    run_dir: PathLike | None = None
    tensorboard: bool = False
    split_seed: int | None = None
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    vector_training: VectorTrainingConfig = field(
        default_factory=lambda: VectorTrainingConfig(characters=True)
    )
    cache: str = "memory"

    def __post_init__(self) -> None:
        """Checks the choices; the other parts check themselves.

        Raises:
            InvalidInputError: If one is unknown.
        """
        one_of(("auto", *get_args(TokenizerKind)), tokenizer=self.tokenizer)
        one_of(get_args(Normalization), normalization=self.normalization)
        one_of(get_args(Unknown), unknown=self.unknown)
        one_of(get_args(BadRows), bad_rows=self.bad_rows)
        one_of(("memory", "disk"), cache=self.cache)
        one_of(get_args(SnapshotUnit), export_unit=self.export_unit)
        positive(export_every=self.export_every, keep=self.keep)

    @property
    def snapshots(self) -> SnapshotEvery | None:
        """How often a version is exported while training goes on."""
        if self.export_every is None:
            return None
        return SnapshotEvery(self.export_every, self.export_unit)

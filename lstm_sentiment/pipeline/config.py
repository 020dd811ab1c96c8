"""Settings of one run; imports no TensorFlow, so that flags and files are checked quickly."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, get_args

from lstm_sentiment.checks import one_of
from lstm_sentiment.encodings import AUTO, codec_of
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.ranges import COUNT, PATH, SEED, check_fields
from lstm_sentiment.text.tokenizer_options import (
    DEFAULT_NORMALIZATION,
    DEFAULT_UNKNOWN,
    Normalization,
    TokenizerKind,
    Unknown,
)
from lstm_sentiment.text.vectors.options import BadRows, VectorTrainingConfig
from lstm_sentiment.training.config import SnapshotEvery, SnapshotUnit, TrainingConfig
from lstm_sentiment.version_folder import DefaultSignature

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class PipelineConfig:
    """Settings of one run.

    Attributes:
        data: Files or folders of labelled texts, see `read_corpus`. Empty loads the demo corpus.
        dev_data: Dev set (it decides when training stops), used as it is; `None` splits off a tenth
            of `data`.
        test_data: Test set (for the final scores), used as it is; `None` splits off a tenth of
            `data`.
        corrections: Files of corrections, see `read_corrections`: they change the labels of texts
            of `data`, `dev_data` and `test_data`, or leave texts out.
        text_column: Column of the texts.
        label_column: Column of the labels.
        streaming: Read texts from their files instead of loading all of them into memory. The
            result is the same. The files (`.csv`, `.tsv`, `.jsonl` or `.txt`) must not change until
            the run ends.
        unlabelled: Files or folders of more texts to train word vectors on. In a table, only
            `text_column` is read. Near duplicates of dev and test texts are left out.
        teacher: File of soft labels, see `read_soft_labels`: the class probabilities that another
            classifier gave to texts, labelled or not. The model learns them together with the
            labels, except for dev, test and excluded texts and their near duplicates. With `e5`
            instead of a file, a regression on sentence embeddings labels the `unlabelled` texts
            (extra `teacher`).
        label_names: File of display names, see `read_display_names`: what people see in the place
            of labels, by language, as in `{"0": {"en": "negative", "zh": "差评"}}`. The version
            keeps them. `None` takes those of `init_from`, if it has any.
        exclude_data: Files or folders of texts that must not be learned from.
        init_from: A version to start from, or a base path (the folder of a model's versions), whose
            highest version is used. Weights, vocabulary, tokenizer and model sizes come from that
            version.
        vectors: File of word vectors, or the name of a package: see `load_word_vectors`. `None`
            trains word2vec on the training texts.
        own_vectors: Also train vectors on the texts and concatenate them with those of `vectors`.
        vectors_limit: Number of vectors to read from the head of the file; `None` reads all.
        bad_rows: `refuse` or `skip` malformed rows of texts and of `vectors`, and texts without a
            label: see `read_corpus` and `load_word_vectors`.
        encoding: Encoding of the text files of `data`, `dev_data`, `test_data`, `unlabelled` and
            `exclude_data`: `auto`, or a name such as `gb18030`. See `read_corpus`.
        tokenizer: `auto`, or a tokenizer's kind.
        normalization: Spellings to unify: see `normalize_texts`.
        unknown: For `unigram`, the tokens of unknown characters: see `UnigramTokenizer`.
        dictionary: For `unigram`, words and counts for segmentation, from one source or several;
            the later sources add to the first: see `load_word_counts`. `None` segments by the
            vocabulary.
        model_dir: Base path: the folder of the model's versions, in which the new version appears.
        export_every: Also export a version every so many epochs or steps during training. `None`
            exports only the best weights, at the end.
        export_unit: `epochs` or `steps`.
        keep: Number of highest versions to keep; older ones are removed, except those named in
            `model_config_file`. `None` keeps all.
        default_signature: Input of requests that name no signature: token `ids`, as in the original
            recipe, or `text`, for clients that cannot name a signature. With `text`,
            `serving_default` is the same as `text`, and token ids have the signature `ids`.
        model_config_file: A `models.config` whose version label `best` is set to the best weights;
            created if missing. `None` sets no label.
        run_dir: New or empty folder for config, history, checkpoints, scores, data fingerprint and
            model. `None` creates `runs/TIME-PROCESS`.
        tensorboard: Write a TensorBoard log to the run's folder.
        split_seed: Seed of the split into train, dev and test; `None` takes `training.seed`.
        model: Sizes and switches of the model.
        training: Settings of the training loop.
        vector_training: Settings of the training of word vectors.
        cache: Keep token ids in `memory`, or on `disk` beside the run's folder, where the next run
            on the same texts finds them.

    Raises:
        InvalidInputError: If a choice is unknown, or a number or path breaks its rule.
    """

    data: Annotated[Sequence[PathLike], PATH] = ()
    dev_data: Annotated[PathLike | None, PATH] = None
    test_data: Annotated[PathLike | None, PATH] = None
    corrections: Annotated[Sequence[PathLike], PATH] = ()
    text_column: str = "text"
    label_column: str = "label"
    streaming: bool = False
    unlabelled: Annotated[Sequence[PathLike], PATH] = ()
    teacher: Annotated[PathLike | None, PATH] = None
    label_names: Annotated[PathLike | None, PATH] = None
    exclude_data: Annotated[Sequence[PathLike], PATH] = ()
    init_from: Annotated[PathLike | None, PATH] = None
    vectors: Annotated[PathLike | None, PATH] = None
    own_vectors: bool = False
    vectors_limit: Annotated[int | None, COUNT] = None
    bad_rows: BadRows = "refuse"
    encoding: str = AUTO
    tokenizer: str = "auto"
    normalization: str = DEFAULT_NORMALIZATION
    unknown: str = DEFAULT_UNKNOWN
    dictionary: Annotated[PathLike | Sequence[PathLike] | None, PATH] = None
    model_dir: Annotated[PathLike, PATH] = Path("models") / "sentiment"
    export_every: Annotated[int | None, COUNT] = None
    export_unit: SnapshotUnit = "epochs"
    keep: Annotated[int | None, COUNT] = None
    default_signature: DefaultSignature = "ids"
    model_config_file: Annotated[PathLike | None, PATH] = None
    run_dir: Annotated[PathLike | None, PATH] = None
    tensorboard: bool = False
    split_seed: Annotated[int | None, SEED] = None
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    vector_training: VectorTrainingConfig = field(default_factory=VectorTrainingConfig)
    cache: str = "memory"

    def __post_init__(self) -> None:
        """Checks the choices; the nested configs check themselves."""
        one_of(("auto", *get_args(TokenizerKind)), tokenizer=self.tokenizer)
        one_of(get_args(Normalization), normalization=self.normalization)
        one_of(get_args(Unknown), unknown=self.unknown)
        one_of(get_args(BadRows), bad_rows=self.bad_rows)
        codec_of(self.encoding)
        one_of(("memory", "disk"), cache=self.cache)
        one_of(get_args(SnapshotUnit), export_unit=self.export_unit)
        one_of(get_args(DefaultSignature), default_signature=self.default_signature)
        check_fields(self)

    @property
    def snapshots(self) -> SnapshotEvery | None:
        """Interval of exports during training; `None` for none."""
        if self.export_every is None:
            return None
        return SnapshotEvery(self.export_every, self.export_unit)

"""The contract between training and serving: the folder of one version.

    models/sentiment/       the base path of a servable stream
      3/                    version 3
        saved_model.pb      GRAPH
        variables/          WEIGHTS_INDEX
        assets/             VOCABULARY, LABELS: a token, a class a line, in id order
        assets.extra/       CARD, TEXTS_SEEN, WARMUP_REQUESTS, LIGHT: see `light_twin`,
                            LABEL_NAMES: see `display_names`, DIGESTS: see `version_digests`

`export` writes such folders; `serving`, `versions` and stock TensorFlow Serving read them. File
names, signature names, special ids and the rule of a version's number are written down here alone.
"""

import json
import os
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from lstm_sentiment.checks import did_you_mean_file
from lstm_sentiment.errors import ExportError, InvalidInputError, ServableNotFoundError
from lstm_sentiment.first_bytes import it_is, recognize_file
from lstm_sentiment.unicode import replace_surrogates
from lstm_sentiment.version_digests import check_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

GRAPH = Path("saved_model.pb")
GRAPH_TEXT = Path("saved_model.pbtxt")
"""The graph in text format, which TensorFlow reads where there is no `GRAPH`."""
VOCABULARY = Path("assets") / "vocabulary.txt"
LABELS = Path("assets") / "labels.txt"
CARD = Path("assets.extra") / "sentiment.json"
LABEL_NAMES = Path("assets.extra") / "label_names.json"
TEXTS_SEEN = Path("assets.extra") / "texts_seen.npy"
ESTIMATOR = Path("assets.extra") / "estimator.json"
"""Parameters, and labels with their type, of a version that `TextClassifier.save` wrote."""
WARMUP_REQUESTS = Path("assets.extra") / "tf_serving_warmup_requests"
WEIGHTS_INDEX = Path("variables") / "variables.index"
LIGHT = Path("assets.extra") / "light"

PAD_ID = 0
"""The token id of padding."""
OOV_ID = 1
"""The token id of every token that is not in the vocabulary."""

DEFAULT_SIGNATURE_KEY: Final = "serving_default"
"""The signature of a request that names none: of token ids, or of texts where there is `IDS`."""
IDS: Final = "ids"
"""The signature of token ids, in a version whose default signature is `TEXT`'s."""
DefaultSignature = Literal["ids", "text"]
"""What a request without a signature sends: token ids, as in the original recipe, or texts."""
TEXT: Final = "text"
TOKENS: Final = "tokens"
CLASSIFY: Final = "classify"
EXPLAIN: Final = "explain"
TEXT_STATISTICS: Final = "text_statistics"
"""`text` string `(batch,)` in; `num_characters`, `num_tokens`, `num_truncated` and `num_oov` out,
int32 `(batch,)` each; see `TokenCounts`."""

MAX_VERSION = 2**63 - 1
"""The largest version number: versions are int64 in TensorFlow Serving's protocol."""
_MAX_DIGITS = len(str(MAX_VERSION))


def check_holds_versions(base: Path) -> None:
    """Checks that a folder to which a version shall be added is not a version itself.

    Raises:
        InvalidInputError: If it is one.
    """
    if (base / GRAPH).exists() or (base / GRAPH_TEXT).exists():
        raise InvalidInputError(
            f"{base}: must be a folder that holds the versions of a model, such as {base.parent}. "
            "Received: the folder of one version."
        )


def ids_signature(signatures: Container[str]) -> str:
    """Returns the key of the signature of token ids.

    Args:
        signatures: The keys of a version's signatures.
    """
    return IDS if IDS in signatures else DEFAULT_SIGNATURE_KEY


@dataclass(frozen=True)
class TokenCounts:
    """Token counts of texts, from the outputs of the signature `text_statistics`.

    Attributes:
        tokens: Number of tokens, int `(texts,)`.
        truncated: Number of tokens beyond `max_length`, which the model does not read.
        oov: Number of tokens, of those read, that are not in the vocabulary.
    """

    OUTPUTS = ("num_tokens", "num_truncated", "num_oov")

    tokens: "NDArray[Any]"
    truncated: "NDArray[Any]"
    oov: "NDArray[Any]"

    @property
    def oov_rates(self) -> "NDArray[np.float64]":
        """Share of unknown tokens among the tokens read, float `(texts,)`."""
        return self.oov / (self.tokens - self.truncated).clip(min=1)

    @property
    def oov_rate(self) -> float:
        """Share of unknown tokens among the tokens read, over all texts."""
        return float(self.oov.sum() / max(1, (self.tokens - self.truncated).sum()))


@dataclass(frozen=True)
class ExampleAnswer:
    """A text of a version's card, with the answer that the trained model gave.

    Attributes:
        text: The raw text.
        tokens: The text as the version's tokenizer cuts it.
        token_ids: Ids of the tokens that the model reads, at most `max_length`.
        label: The most probable class.
        probabilities: One for each class, in id order.
    """

    text: str
    tokens: tuple[str, ...]
    token_ids: tuple[int, ...]
    label: str
    probabilities: tuple[float, ...]


def parse_version(name: str) -> int | None:
    """Reads a version number, as the name of a folder or in a request.

    Args:
        name: Decimal ASCII digits; leading zeros are allowed.

    Returns:
        A number from 0 to `MAX_VERSION`; `None` for anything else.
    """
    digits = name.lstrip("0") or "0"
    # int() refuses thousands of digits.
    if not (name.isascii() and name.isdigit()) or len(digits) > _MAX_DIGITS:
        return None
    return int(digits) if int(digits) <= MAX_VERSION else None


def version_number(version_dir: Path) -> int | None:
    """Returns the number that the folder's name is, or `None` if the name is no version number."""
    return parse_version(Path(os.path.abspath(version_dir)).name)


def servable_name(version_dir: Path) -> str:
    """Returns the name of the base path's folder, by which the model is served by default."""
    return Path(os.path.abspath(version_dir)).parent.name


def version_folders(base_path: Path) -> dict[int, Path]:
    """Finds the versions under a base path.

    Args:
        base_path: The folder of a servable stream.

    Returns:
        The folder of each version. Of `007` and `7`, two names of one version, `7` is taken.
        Files and folders with other names are ignored.

    Raises:
        OSError: If the base path is missing or cannot be read.
    """
    folders = {}
    for folder in sorted(base_path.iterdir()):
        version = parse_version(folder.name)
        if version is not None and folder.is_dir():
            folders[version] = folder
    return folders


def next_version(base_path: Path) -> int:
    """Returns a version number above all that the names under a base path take.

    A file with such a name counts too: TensorFlow Serving takes it for a version.

    Raises:
        OSError: If the base path is missing or cannot be read.
        ExportError: If `MAX_VERSION` is taken.
    """
    numbers = (parse_version(entry.name) for entry in base_path.iterdir())
    highest = max((number for number in numbers if number is not None), default=0)
    if highest == MAX_VERSION:
        raise ExportError(
            f"{base_path}: the highest version must be below {MAX_VERSION}, so that another can "
            f"follow. Received: {highest}."
        )
    return highest + 1


def graph_file(version_dir: Path) -> Path:
    """Returns the file of a version's graph as TensorFlow chooses it; it need not exist."""
    text = version_dir / GRAPH_TEXT
    return text if text.is_file() and not (version_dir / GRAPH).is_file() else version_dir / GRAPH


def find_version(model_dir: Path) -> Path:
    """Finds the version to use: the folder itself, or the highest version below it.

    Args:
        model_dir: A version's folder, or a servable's base path.

    Raises:
        ServableNotFoundError: If there is none.
    """
    if graph_file(model_dir).is_file():
        return model_dir
    versions = version_folders(model_dir) if model_dir.is_dir() else {}
    if not versions:
        raise ServableNotFoundError(
            f"{model_dir}: must be a version's folder, or hold numbered versions. "
            f"Received: {_there(model_dir)}."
            f"{_advice(model_dir)}"
        )
    return versions[max(versions)]


def _advice(path: Path) -> str:
    """Returns which folder was probably meant, or how to make one; empty for unknown files."""
    if path.is_file():
        return it_is(path)
    if not path.exists():
        return did_you_mean_file(path) or " `fit` makes one."
    with suppress(OSError):
        folders = sorted(filter(Path.is_dir, path.iterdir()))
        below = [folder for folder in folders if version_folders(folder)]
        if below:
            return f" Did you mean {str(below[0])!r}?"
    return it_is(path)


def _there(path: Path) -> str:
    if path.is_dir():
        return "a folder without any"
    return "a file" if path.is_file() else "no folder"


def stand_ins(version_dir: Path) -> str:
    """Returns a sentence on a file of a version that is not the one that it stands for.

    Args:
        version_dir: The folder of a version that could not be loaded. Paths in the sentence are
            relative to it.

    Returns:
        ` FILE is a pointer of Git LFS ...`, with what to do, or ` FILE is empty.`; empty if no file
        is any such thing.
    """
    for file in sorted(version_dir.rglob("*")):
        name, kind = file.relative_to(version_dir), recognize_file(file)
        if kind is not None and kind.is_stand_in:
            return f" {name} is {kind.told(name)}."
        if name in (GRAPH, WEIGHTS_INDEX, VOCABULARY, LABELS) and not file.stat().st_size:
            return f" {name} is empty, as half a copy is."
    return ""


def find_versions(model_dir: Path, versions: Sequence[int]) -> list[Path]:
    """Finds the folders of several versions.

    Args:
        model_dir: A servable's base path.
        versions: Version numbers.

    Returns:
        The folder of each version, in the order of `versions`.

    Raises:
        ServableNotFoundError: If the base path cannot be read, or a version is missing.
    """
    try:
        folders = version_folders(model_dir)
    except OSError as error:
        raise ServableNotFoundError(
            f"{model_dir}: must be a folder of versions. Received: {error.strerror}."
        ) from error
    for version in versions:
        if version not in folders:
            there = ", ".join(map(str, sorted(folders))) or "none"
            raise ServableNotFoundError(
                f"{model_dir}: the versions must be among those in it: {there}. "
                f"Received: {version}."
            )
    return [folders[version] for version in versions]


def load_card(version_dir: Path) -> Mapping[str, Any] | None:
    """Reads the card of a version, the file `CARD` that `export_servable` writes.

    Args:
        version_dir: The version's folder.

    Returns:
        The JSON object in the file; `None` if the version has no card.

    Raises:
        InvalidInputError: If the file cannot be read, is not a JSON object or is damaged.
    """
    path = version_dir / CARD
    check_file(version_dir, CARD)
    try:
        card = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{path}: must be a JSON object. Received: {error}.") from error
    if not isinstance(card, dict):
        raise InvalidInputError(f"{path}: must be a JSON object. Received: {type(card).__name__}.")
    return card


def example_answers(version_dir: Path, card: Mapping[str, Any] | None) -> tuple[ExampleAnswer, ...]:
    """Returns the example texts of a card, with the answers that training computed.

    Args:
        version_dir: The version's folder, named in messages.
        card: The version's card, from `load_card`.

    Returns:
        The examples; empty if there is no card, or an older release wrote a card without any.

    Raises:
        InvalidInputError: If an example lacks a field or has another form.
    """
    try:
        return tuple(
            ExampleAnswer(
                replace_surrogates(str(example["text"])),
                tuple(map(str, example["tokens"])),
                tuple(map(int, example["token_ids"])),
                str(example["label"]),
                tuple(map(float, example["probabilities"])),
            )
            for example in (card or {}).get("examples", ())
        )
    except (TypeError, ValueError, KeyError) as error:
        raise InvalidInputError(
            f"{version_dir}: each example of its card must have text, tokens, token_ids, label "
            f"and probabilities. Received: {type(error).__name__}: {error}."
        ) from error


def probabilities_of(logits: "ArrayLike", temperature: float = 1.0) -> "NDArray[np.float64]":
    """Computes probabilities from logits as the exported graph does, in float64.

    Args:
        logits: Float `(..., classes)`.
        temperature: The version's; logits are divided by it first.

    Returns:
        `(..., classes)`; each row sums to 1.
    """
    import numpy as np

    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))

"""The contract between export and the light engine: the folder of a version's light twin.

    3/assets.extra/light/     LIGHT
      graph.onnx              NETWORK: the LSTM with its pooling and dense layer
      table.onnx              TABLE_NETWORK, where words are looked up in TABLE_FILE instead
      table.npy               TABLE_FILE: the words' part of the gates, for the whole vocabulary
      sentencepiece.model     SENTENCEPIECE_MODEL, where the tokenizer is `unigram`
      unicode.json            UNICODE_TABLES, by which texts are normalized
      ngrams.npz              NGRAMS, where the version has a linear classifier of n-grams
      characters.npz          CHARACTERS, where it has one of character n-grams
      light.json              DESCRIPTION, written last

`export.light` writes such folders, `serving.light` reads them.
"""

import hashlib
import json
import math
import stat
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.version_digests import file_sha256
from lstm_sentiment.version_folder import GRAPH, LABELS, LIGHT, VOCABULARY, WEIGHTS_INDEX

NETWORK: Final = "graph.onnx"
TABLE_NETWORK: Final = "table.onnx"
TABLE_FILE: Final = "table.npy"
SENTENCEPIECE_MODEL: Final = "sentencepiece.model"
UNICODE_TABLES: Final = "unicode.json"
NGRAMS: Final = "ngrams.npz"
CHARACTERS: Final = "characters.npz"
DESCRIPTION: Final = "light.json"

TOKEN_IDS, LENGTHS, LOGITS, VECTORS = "token_ids", "lengths", "logits", "vectors"
"""Names of the network's inputs and outputs; see `export.light.graph`."""
TABLE, TABLE_ROWS, ACTIVE, START = "table", "table_rows", "active", "start"
REST_ROWS, REST_REAL, EXCESS = "rest_rows", "rest_real", "excess"
"""Names of the further inputs of the network with a table; see `export.light.table_graph`."""
QUERY, DENSE_KERNEL, DENSE_BIAS = "query", "dense_kernel", "dense_bias"
KERNEL, RECURRENT_KERNEL, BIAS = "kernel_{}", "recurrent_kernel_{}", "bias_{}"
"""Names of the network's weights, which are outputs too; `{}` is the number of the LSTM layer.

Those of the further members of an ensemble have a prefix: see `of_member`.
"""

FORMAT = 3
_DIGEST = "digest"
_WITHOUT_CHARACTERS = 2  # the format before, which differs in nothing else

TOKENIZERS = ("unigram", "whitespace", "characters")
NORMALIZATIONS = ("none", "width", "nfkc")
UNKNOWNS = ("run", "character")
POOLINGS = ("max_mean", "max", "mean", "attention", "last")
"""What the light engine knows of tokenizers, their options, and pooling."""

GATES = 4
"""Gates of an LSTM, each with a number for each unit."""

STEPS_AT_ONCE = 8
"""Steps that the network with a table computes before it leaves out texts that have ended."""

PADDING_GATE = 1e4
"""Size of the gates that the table has for padding, far beyond what a state can add to them."""

FOLDED_BYTES = 128 * 2**20
"""Size of the largest table, as in `InferenceNetwork`."""

# Files outside of the twin that must be those that it was made from. The index of the weights is
# small, and holds a checksum of each: other weights have another index. The twin never reads the
# weights themselves, which TensorFlow checks against the index when it reads them.
_SOURCES = (GRAPH, WEIGHTS_INDEX, VOCABULARY, LABELS)


def of_member(name: str, member: int) -> str:
    """Returns the name of a weight of a member, from 0; the first member's have no prefix."""
    return f"member_{member}_{name}" if member else name


@dataclass(frozen=True)
class LightTwin:
    """The description of a light twin, the content of `light.json`.

    Attributes:
        tokenizer: Options of the tokenizer, see `load_tokenizer`.
        vocabulary_size: Number of token ids, the two special ids included.
        max_length: Tokens that the model reads of a text.
        temperature: Divisor of the logits before the softmax.
        model: The fields of the model's `ModelConfig`.
        ngrams: Length in tokens of the longest n-grams of the linear classifier; `None` if the
            version has none.
        character_ngrams: Length in characters of the longest n-grams of the other linear
            classifier; `None` if the version has none.
        digests: SHA-256 of each file that the twin consists of or was made from, in hexadecimal
            digits, by its path in the version's folder.
        format: Number of the format.
    """

    tokenizer: Mapping[str, str]
    vocabulary_size: int
    max_length: int
    temperature: float
    model: Mapping[str, Any]
    ngrams: int | None
    character_ngrams: int | None
    digests: Mapping[str, str]
    format: int = FORMAT


def has_light_twin(version_dir: Path) -> bool:
    """Returns whether a version has a light twin, which may be damaged or unreadable."""
    try:
        mode = (version_dir / LIGHT / DESCRIPTION).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return stat.S_ISREG(mode)


def digests(version_dir: Path, folder: Path) -> dict[str, str]:
    """Computes the digests of the files that a light twin consists of or is made from.

    Args:
        version_dir: The version's folder.
        folder: The folder of its twin, there or for now elsewhere.

    Raises:
        InvalidInputError: If a file is missing or cannot be read.
    """
    files = sorted(file for file in folder.iterdir() if file.name != DESCRIPTION)
    return {
        **{path.as_posix(): _digest(version_dir / path) for path in _SOURCES},
        **{(LIGHT / file.name).as_posix(): _digest(file) for file in files},
    }


def save_description(twin: LightTwin, folder: Path) -> None:
    """Writes `light.json` into the folder of a light twin."""
    facts = asdict(twin)
    content = json.dumps({**facts, _DIGEST: _facts_digest(facts)}, ensure_ascii=False, indent=2)
    (folder / DESCRIPTION).write_text(content + "\n", "utf-8")


def load_description(folder: Path) -> LightTwin:
    """Reads `light.json` of a light twin.

    Raises:
        InvalidInputError: If the file is missing or damaged, or has another format.
    """
    path = folder / DESCRIPTION
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise _no_description(path, f"{type(error).__name__}: {error}") from error
    if not isinstance(content, dict) or "format" not in content:
        raise _no_description(path, "JSON without a format")
    found = content["format"]
    digest = content.pop(_DIGEST, None)  # earlier releases wrote none
    is_whole = digest in (None, _facts_digest(content))
    if found == _WITHOUT_CHARACTERS:
        content = {**content, "character_ngrams": None}
    elif found != FORMAT:
        raise InvalidInputError(
            f"{path}: must have format {FORMAT}, which `models twin` writes. "
            f"Received: format {found!r}."
        )
    for field, is_right in _RULES.items():
        if not is_right(content.get(field)):
            raise _no_description(path, f"{field} {content.get(field)!r}")
    if not is_whole:
        raise _no_description(path, "another content than was written")
    return LightTwin(**{field.name: content[field.name] for field in fields(LightTwin)})


def _facts_digest(facts: Mapping[str, Any]) -> str:
    """Returns the SHA-256 of a description, as its own digest."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _no_description(path: Path, received: str) -> InvalidInputError:
    return InvalidInputError(f"{path}: must describe a light twin. Received: {received}.")


def _is_tokenizer(value: Any) -> bool:
    choices = {"kind": TOKENIZERS, "normalization": NORMALIZATIONS, "unknown": UNKNOWNS}
    return isinstance(value, dict) and all(
        value.get(name) in known for name, known in choices.items()
    )


def _is_model(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and _is_size(value.get("lstm_units"))
        and _is_size(value.get("lstm_layers"))
        and _is_size(value.get("members", 1))
        and isinstance(value.get("bidirectional"), bool)
        and value.get("pooling") in POOLINGS
    )


def _is_size(value: Any) -> bool:
    return type(value) is int and value > 0


_RULES: Mapping[str, Callable[[Any], bool]] = {
    "tokenizer": _is_tokenizer,
    "vocabulary_size": _is_size,
    "max_length": _is_size,
    "temperature": lambda value: type(value) in (int, float) and 0 < value < math.inf,
    "model": _is_model,
    "ngrams": lambda value: value is None or _is_size(value),
    "character_ngrams": lambda value: value is None or _is_size(value),
    "digests": lambda value: isinstance(value, dict),
}
"""What the fields of a description must be."""


def check_digests(twin: LightTwin, version_dir: Path, folder: Path) -> None:
    """Checks that all files have the content that they had when a light twin was made.

    Args:
        twin: The description of the twin.
        version_dir: The version's folder.
        folder: The folder of its twin, there or for now elsewhere.

    Raises:
        InvalidInputError: If a file is missing or cannot be read, or has another content.
    """
    names = [NETWORK, UNICODE_TABLES]
    has_table = (folder / TABLE_NETWORK).is_file() or _in_twin(TABLE_NETWORK) in twin.digests
    names += [TABLE_NETWORK, TABLE_FILE] if has_table else []
    names += [SENTENCEPIECE_MODEL] if twin.tokenizer["kind"] == "unigram" else []
    names += [] if twin.ngrams is None else [NGRAMS]
    names += [] if twin.character_ngrams is None else [CHARACTERS]
    files = {_in_twin(name): folder / name for name in names}
    files |= {path.as_posix(): version_dir / path for path in _SOURCES}
    for name, file in files.items():
        if _digest(file) != twin.digests.get(name):
            raise InvalidInputError(
                f"{file}: must be as it was when the version's light twin was made. "
                "Received: another content."
            )


def _in_twin(name: str) -> str:
    return (LIGHT / name).as_posix()


def _digest(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read: {error.strerror}.") from error

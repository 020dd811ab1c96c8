"""Named hypothesis strategies: what users' texts, tokens and ids can be."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import is_dataclass, replace
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.pipeline.config import PathLike, PipelineConfig
from lstm_sentiment.training.config import AutoInteger, AutoNumber, CrossValidation
from lstm_sentiment.version_folder import OOV_ID

token_ids = st.integers(min_value=OOV_ID, max_value=2**31 - 1)
"""Ids of real tokens, known or not; never padding."""

id_sequences = st.lists(token_ids, max_size=40)
"""The ids of one text, an empty one included."""

id_batches = st.lists(id_sequences, min_size=1, max_size=8)
"""The ids of several texts."""

any_texts = st.one_of(
    st.text(st.characters(exclude_categories=())),
    st.text(
        st.sampled_from(
            "房间很干净 \t\u3000\x00\x1b\ud83d\ude00😀👨‍👩‍👧é'’,。!_1aZİß\ufeff\ufffd\U0010ffff"
        )
    ),
)
"""Whatever a string can hold: emoji, control characters, lone surrogates."""

tokens = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=6
)
"""What can be a token of every tokenizer's vocabulary: no whitespace, no control characters."""

vocabularies = st.lists(tokens, min_size=1, max_size=30, unique=True)
"""The tokens of a vocabulary."""

odd_tokens = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), min_size=1, max_size=6
)
"""Whatever can stand on one line: spaces, control characters and Unicode's line separators too."""

odd_vocabularies = st.lists(odd_tokens, min_size=1, max_size=30, unique=True)
"""The tokens of a vocabulary that somebody else made."""

paths = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12
).map(Path)
"""Whatever a path can be: spaces, quotes, backslashes, line ends, any script."""


def _settings_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a setting's type, those among them that its config refuses."""
    if isinstance(hint, type) and is_dataclass(hint):
        return valid_configs(hint)
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    if get_origin(hint) is Sequence:
        return st.lists(_settings_of(*get_args(hint)), max_size=3).map(tuple)
    if hint in (PathLike, PathLike | None):
        return paths if hint == PathLike else st.none() | paths
    if hint == PathLike | Sequence[PathLike] | None:
        return st.none() | paths | st.lists(paths, min_size=2, max_size=3).map(tuple)
    if NoneType in get_args(hint):
        return st.none() | _settings_of(get_args(hint)[0])
    return _SCALARS[hint]


_SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    AutoInteger: st.just("auto") | st.integers(min_value=1, max_value=2**32 - 1),
    AutoNumber: st.just("auto") | st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    CrossValidation: st.sampled_from(["auto", "off"]) | st.integers(min_value=0, max_value=30),
    bool: st.booleans(),
    int: st.integers(min_value=1, max_value=2**32 - 1),
    float: st.floats(min_value=0, max_value=1, exclude_min=True, exclude_max=True),
    str: st.sampled_from(["auto", "nfkc", "run", "memory", "default"])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
}


def valid_configs(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Configs of one dataclass: each setting its default, or any value that it allows."""
    default = kind()

    @st.composite
    def drawn(draw: st.DrawFn) -> Any:
        config = default
        for name, hint in get_type_hints(kind).items():
            value = draw(st.just(getattr(default, name)) | _settings_of(hint))
            with suppress(InvalidInputError):
                config = replace(config, **{name: value})
        return config

    return drawn()


pipeline_configs = valid_configs(PipelineConfig)
"""Configs of whole runs."""

"""How many bytes each part of a version's folder takes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from posixpath import commonpath

import tensorflow as tf

from lstm_sentiment.errors import ServableUnavailableError
from lstm_sentiment.version_folder import GRAPH

_CHECKPOINT = Path("variables") / "variables"
_VALUE_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
_SHOWN_SHARE = 0.01


@dataclass(frozen=True)
class VariableSize:
    """One variable of the checkpoint.

    Attributes:
        name: Its key there, which is its attribute's path in the saved object.
        dtype: TensorFlow's name of it.
        shape: One size for each axis.
        bytes: Of its values.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int


@dataclass(frozen=True)
class PartSize:
    """The variables of one part of the model.

    Attributes:
        count: How many there are.
        bytes: Of all their values.
        largest: Those above a hundredth of the whole version, the largest first.
    """

    count: int
    bytes: int
    largest: tuple[VariableSize, ...]


@dataclass(frozen=True)
class SizeSummary:
    """Bytes of a version's files.

    Attributes:
        graph: `saved_model.pb`.
        variables: The checkpoint's files.
        parts: Of the values in it, by what variables' names have before the last `/`, without
            what all have alike: `embedding`, `weights/lstm_0`.
        assets: Each file that the graph reads.
        assets_extra: Each file beside, that it does not.
        other: All other files together.
    """

    graph: int
    variables: int
    parts: Mapping[str, PartSize]
    assets: Mapping[str, int]
    assets_extra: Mapping[str, int]
    other: int

    @property
    def total(self) -> int:
        """All files together."""
        files = sum(self.assets.values()) + sum(self.assets_extra.values())
        return self.graph + self.variables + files + self.other


def measure_sizes(version_dir: Path) -> SizeSummary:
    """Adds up the files of a version, and the values in its checkpoint.

    Args:
        version_dir: The folder that holds `saved_model.pb`.

    Raises:
        ServableUnavailableError: If the checkpoint is damaged, or a file cannot be read.
    """
    try:
        files = {
            path.relative_to(version_dir).as_posix(): path.stat().st_size
            for path in sorted(version_dir.rglob("*"))
            if path.is_file()
        }
    except OSError as error:
        raise ServableUnavailableError(
            f"{version_dir}: cannot be read: {error.strerror}."
        ) from error
    graph = files[GRAPH.name]
    variables, assets, assets_extra = (
        _below(files, folder) for folder in ("variables", "assets", "assets.extra")
    )
    named = graph + sum(sum(part.values()) for part in (variables, assets, assets_extra))
    total = sum(files.values())
    return SizeSummary(
        graph=graph,
        variables=sum(variables.values()),
        parts=_parts(_variables(version_dir), total * _SHOWN_SHARE),
        assets=assets,
        assets_extra=assets_extra,
        other=total - named,
    )


def _below(files: Mapping[str, int], folder: str) -> dict[str, int]:
    prefix = f"{folder}/"
    return {
        name.removeprefix(prefix): size for name, size in files.items() if name.startswith(prefix)
    }


def _variables(version_dir: Path) -> list[VariableSize]:
    """What the checkpoint's index says; no value is read."""
    path = version_dir / _CHECKPOINT
    if not path.with_suffix(".index").is_file():
        return []  # a SavedModel of constants has no checkpoint
    try:
        reader = tf.train.load_checkpoint(str(path))
        shapes, dtypes = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    except (tf.errors.OpError, RuntimeError, ValueError) as error:
        raise ServableUnavailableError(
            f"{path}.index: must be a checkpoint. Received: {str(error).splitlines()[0]}."
        ) from error
    return [
        VariableSize(
            name.removesuffix(_VALUE_SUFFIX),
            dtypes[name].name,
            tuple(shape),
            math.prod(shape) * dtypes[name].size,
        )
        for name, shape in sorted(shapes.items())
        if dtypes[name] != tf.string  # the object graph, and others whose index tells no size
    ]


def _parts(variables: list[VariableSize], shown_bytes: float) -> dict[str, PartSize]:
    folders = [variable.name.rpartition("/")[0] for variable in variables]
    shared = commonpath(folders) if folders else ""
    groups: dict[str, list[VariableSize]] = {}
    for variable, folder in zip(variables, folders, strict=True):
        part = folder.removeprefix(shared).removeprefix("/") or shared or variable.name
        groups.setdefault(part, []).append(variable)
    parts = {
        name: PartSize(
            len(group),
            sum(variable.bytes for variable in group),
            tuple(
                variable
                for variable in sorted(group, key=lambda variable: -variable.bytes)
                if variable.bytes > shown_bytes
            ),
        )
        for name, group in groups.items()
    }
    return dict(sorted(parts.items(), key=lambda item: (-item[1].bytes, item[0])))

"""Measures the bytes of each part of a version's folder."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from posixpath import commonpath

from lstm_sentiment.errors import ServableUnavailableError
from lstm_sentiment.protocol.dtypes import STRING, dtype_of
from lstm_sentiment.version_folder import graph_file
from lstm_sentiment.versions.inspection.checkpoint_index import read_checkpoint_index

_CHECKPOINT_INDEX = Path("variables") / "variables.index"
_VALUE_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
_SHOWN_SHARE = 0.01


@dataclass(frozen=True)
class VariableSize:
    """A variable of the checkpoint.

    Attributes:
        name: Its key, which is the attribute's path in the saved object.
        dtype: TensorFlow's name of the dtype.
        shape: The size of each axis.
        bytes: Bytes of its values.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int


@dataclass(frozen=True)
class PartSize:
    """The variables of one part of the model.

    Attributes:
        count: Number of variables.
        bytes: Bytes of all their values.
        largest: The variables above 1 % of the whole version, the largest first.
    """

    count: int
    bytes: int
    largest: tuple[VariableSize, ...]


@dataclass(frozen=True)
class SizeSummary:
    """Bytes of a version's files.

    Attributes:
        graph: `saved_model.pb`, or `saved_model.pbtxt`.
        variables: The checkpoint's files.
        parts: Bytes of the values in the checkpoint, grouped by the variables' names before the
            last `/` without their common prefix: `embedding`, `weights/lstm_0`.
        assets: Each file that the graph reads.
        assets_extra: Each file that the graph does not read.
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
        """Bytes of all files."""
        files = sum(self.assets.values()) + sum(self.assets_extra.values())
        return self.graph + self.variables + files + self.other


def measure_sizes(version_dir: Path) -> SizeSummary:
    """Measures the files in a version's folder and the values in its checkpoint.

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
    graph = files.get(graph_file(version_dir).name, 0)
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
    """Lists the variables in the checkpoint's index, without reading a value."""
    path = version_dir / _CHECKPOINT_INDEX
    if not path.is_file():
        return []  # a SavedModel of constants has no checkpoint
    variables = []
    for name, entry in sorted(read_checkpoint_index(path).items()):
        dtype = dtype_of(entry.dtype)
        if dtype in (None, STRING):  # such as the object graph: strings have no fixed size
            continue
        shape = tuple(dim.size for dim in entry.shape.dim)
        size = math.prod(shape) * dtype.numpy.itemsize
        variables.append(VariableSize(name.removesuffix(_VALUE_SUFFIX), dtype.name, shape, size))
    return variables


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

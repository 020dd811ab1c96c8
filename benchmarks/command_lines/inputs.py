"""The small inputs that drawn command lines name, in a folder of their own."""

import hashlib
import os
import shutil
import stat
from pathlib import Path

MODELS_CONFIG = (
    'model_config_list {{ config {{ name: "sentiment" base_path: "{base_path}" '
    'model_platform: "tensorflow" version_labels {{ key: "stable" value: 1 }} }} }}\n'
)
_TEXTS = ("房间很干净", "太差了", "服务很好", "不会再来", "早餐好吃", "又脏又吵")
_HALF_WRITTEN = (".writing", ".tmp", ".partial")


def make_inputs(folder: Path, version: Path) -> None:
    """Makes the inputs: texts, vectors, configs, a version, and files that are none.

    Args:
        folder: A new folder.
        version: An exported version, which is copied.
    """
    folder.mkdir(parents=True)
    labels = (version / "assets" / "labels.txt").read_text("utf-8").split()
    texts = [f"{text}{number}" for number in range(4) for text in _TEXTS]
    rows = [f"{text},{labels[row % len(labels)]}" for row, text in enumerate(texts)]
    table = "text,label\n" + "\n".join(rows) + "\n"
    (folder / "a.csv").write_text(table, "utf-8")
    (folder / "texts").mkdir()
    (folder / "texts" / "b.txt").write_text("\n".join(_TEXTS) + "\n", "utf-8")
    (folder / "v.txt").write_text("房间 0.1 0.2 0.3\n很 0.4 0.5 0.6\n", "utf-8")
    (folder / "words.txt").write_text("房间\n", "utf-8")
    (folder / "damaged.csv").write_bytes(b"text,label\n\xff\xfe\x00,1\n")
    (folder / "empty").touch()
    (folder / "zeros").write_bytes(b"\0" * 64)
    os.mkfifo(folder / "fifo")
    (folder / "loop").symlink_to("loop")
    shutil.copytree(version, folder / "models" / "sentiment" / "1")
    (folder / "models.config").write_text(
        MODELS_CONFIG.format(base_path=folder / "models" / "sentiment"), "utf-8"
    )
    for name, device in (("null", 3), ("full", 7)):
        _make_device(folder / name, device)


def _make_device(path: Path, minor: int) -> None:
    """Makes a device like /dev/null: one of its own, which a fault may replace unharmed."""
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
    except OSError:  # only an administrator may
        path.symlink_to(Path("/dev") / path.name)


def contents(folder: Path) -> dict[str, str]:
    """Returns a digest of the kind and content of everything in a folder, by name."""
    found = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        digest = hashlib.sha256(content).hexdigest()
        found[str(path.relative_to(folder))] = f"{status.st_mode:o} {digest}"
    return found


def half_written(folder: Path) -> list[str]:
    """Returns the paths in a folder that look like files and folders which are being written."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob(".*")
        if path.name.endswith(_HALF_WRITTEN) or path.name.startswith(".writing-")
    ]

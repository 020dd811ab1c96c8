import json
import os
import shutil
from pathlib import Path

import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.version_digests import (
    DIGESTS,
    check_file,
    check_version,
    has_digests,
    save_digests,
)

FILES = {
    "saved_model.pb": b"graph",
    "variables/variables.index": b"index",
    "variables/variables.data-00000-of-00001": b"weights" * 100,
    "assets/labels.txt": "好评\n差评\n".encode(),
    "assets.extra/sentiment.json": b"{}",
}


@pytest.fixture
def version_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "1"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    save_digests(folder)
    return folder


def test_a_version_as_it_was_written_passes(version_dir: Path) -> None:
    check_version(version_dir)
    assert has_digests(version_dir)
    stored = json.loads((version_dir / DIGESTS).read_text("utf-8"))
    assert set(stored["files"]) == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_file_with_another_content_is_named(version_dir: Path, name: str) -> None:
    path, content = version_dir / name, FILES[name]
    for damaged in (bytes([content[0] ^ 128]) + content[1:], content + b"\n", content[:-1], b""):
        path.write_bytes(damaged)
        with pytest.raises(InvalidInputError) as caught:
            check_version(version_dir)
        assert str(caught.value).startswith(f"{path}: must be as it was")
        with pytest.raises(InvalidInputError):
            check_file(version_dir, Path(name))
        for other in FILES:
            if other != name:
                check_file(version_dir, Path(other))
    path.unlink()
    with pytest.raises(InvalidInputError, match=r"cannot be read: No such file"):
        check_version(version_dir)


def test_what_users_may_add_or_replace_passes(version_dir: Path) -> None:
    extra = version_dir / "assets.extra"
    (extra / "tf_serving_warmup_requests").write_bytes(b"before")
    (extra / "light").mkdir()
    (extra / "light" / "graph.onnx").write_bytes(b"before")
    save_digests(version_dir)
    (extra / "tf_serving_warmup_requests").write_bytes(b"after")
    (extra / "light" / "graph.onnx").write_bytes(b"after")  # has a digest in its own description
    (extra / "notes.txt").write_bytes(b"new")
    check_version(version_dir)


def test_a_version_without_digests_passes(version_dir: Path) -> None:
    (version_dir / DIGESTS).unlink()
    (version_dir / "saved_model.pb").write_bytes(b"another")
    check_version(version_dir)
    check_file(version_dir, Path("saved_model.pb"))
    assert not has_digests(version_dir)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format": 2, "files": {}}', '{"format": 1, "files": {"a": {}}}']
)
def test_digests_that_are_none_are_named_themselves(version_dir: Path, content: str) -> None:
    (version_dir / DIGESTS).write_text(content, "utf-8")
    with pytest.raises(InvalidInputError, match=r"digests\.json: must hold the digests"):
        check_version(version_dir)


def test_copies_and_hard_links_of_a_version_pass_and_share_damage(version_dir: Path) -> None:
    linked = version_dir.with_name("2")
    shutil.copytree(version_dir, linked, copy_function=os.link)
    copied = Path(shutil.copytree(version_dir, version_dir.with_name("3")))
    for folder in (linked, copied):
        check_version(folder)
    with (linked / "saved_model.pb").open("r+b") as file:
        file.write(b"X")
    check_version(copied)
    for folder in (version_dir, linked):
        with pytest.raises(InvalidInputError, match=f"{folder.name}/saved_model.pb: must be as"):
            check_version(folder)
    shutil.rmtree(linked)
    check_version(copied)

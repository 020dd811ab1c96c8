"""Configs, keys and versions that are not what they seem are named with what to do."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import lstm_sentiment.compressed as compressed
from lstm_sentiment import InvalidInputError, ServableNotFoundError, load_config
from lstm_sentiment.client.access import TLSConfig, read_pem_files
from lstm_sentiment.errors import ConfigError, LstmSentimentError, ServableUnavailableError
from lstm_sentiment.models_config.config import load_models_config
from lstm_sentiment.protocol.saved_model import signature_defs
from lstm_sentiment.protocol.tfrecord import read_records
from lstm_sentiment.serving.access.tls import ServerCredentials
from lstm_sentiment.serving.batching.parameters import load_batching_parameters
from lstm_sentiment.text.vocabulary import Vocabulary
from lstm_sentiment.version_folder import find_version, stand_ins
from tests.test_first_bytes import KINDS

LFS = KINDS["lfs"][0]
DER = b"\x30\x82\x02\x0a\x30\x82\x01\x73" + bytes(40)
PKCS12 = b"\x30\x82\x09\xc1\x02\x01\x03\x30" + bytes(40)

READERS: dict[str, Callable[[Path], object]] = {
    "a.toml": load_config,
    "models.config": load_models_config,
    "batching.config": load_batching_parameters,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", READERS)
def test_a_config_of_another_kind(tmp_path: Path, name: str, kind: str) -> None:
    content, told, advice = KINDS[kind]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        READERS[name](path)
    message = str(raised.value)
    assert message.startswith(f"{path}: must be ")
    assert told in message and advice in message
    assert "\n" not in message


@pytest.mark.parametrize("name", READERS)
def test_a_config_in_another_encoding(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes("# 房间很干净\n".encode("gb18030"))
    with pytest.raises(ConfigError, match=r"must be UTF-8.*`iconv -f GB18030 -t UTF-8 "):
        READERS[name](path)


@pytest.mark.parametrize("name", READERS)
def test_a_config_that_nobody_writes_or_that_never_ends(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compressed, "_SECONDS_FOR_A_WRITER", 0)
    monkeypatch.setattr(compressed, "_LONGEST_WHOLE", 10_000)
    pipe = tmp_path / name
    os.mkfifo(pipe)
    with pytest.raises(LstmSentimentError, match="a named pipe must have a program that writes"):
        READERS[name](pipe)
    with pytest.raises(LstmSentimentError, match="must be at most 10,000 bytes long"):
        READERS[name](Path("/dev/zero"))


@pytest.mark.parametrize(
    ("content", "told"),
    [(DER, "openssl x509 -inform der"), (PKCS12, "openssl pkcs12"), (LFS, "git lfs pull")],
)
def test_keys_and_certificates_of_another_kind(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "server.pem"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=told):
        ServerCredentials.from_files(path, path)
    with pytest.raises(InvalidInputError, match=told):
        read_pem_files(TLSConfig(path))


def test_other_files_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(KINDS["zip"][0] + b"\xff")
    with pytest.raises(InvalidInputError, match=r"corrupted record at 0\. It is a ZIP archive"):
        list(read_records(path))
    path.write_bytes(KINDS["pickle"][0])
    with pytest.raises(InvalidInputError, match="It is a pickle of Python"):
        Vocabulary.load(path)


@pytest.mark.parametrize("kind", ["zip", "tar", "keras", "h5", "onnx", "saved_model", "torch"])
def test_a_file_in_the_place_of_a_version(tmp_path: Path, kind: str) -> None:
    content, told, advice = KINDS[kind]
    path = tmp_path / "model"
    path.write_bytes(content)
    with pytest.raises(ServableNotFoundError) as raised:
        find_version(path)
    assert told in str(raised.value) and advice in str(raised.value)


@pytest.mark.parametrize("kind", ["lfs", "annex", "html", "404"])
def test_a_version_whose_files_were_not_fetched(tmp_path: Path, kind: str) -> None:
    content, told, advice = KINDS[kind]
    version = tmp_path / "1"
    (version / "variables").mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(content)
    with pytest.raises(ServableUnavailableError, match=f"It is .*{told}"):
        signature_defs(version)
    assert stand_ins(version).startswith(" saved_model.pb is ")
    shutil.move(version / "saved_model.pb", version / "variables" / "variables.data-00000-of-00001")
    (version / "saved_model.pb").write_bytes(KINDS["saved_model"][0])
    sentence = stand_ins(version)
    assert sentence.startswith(" variables/variables.data-00000-of-00001 is ")
    assert told in sentence and advice in sentence
    (version / "variables" / "variables.data-00000-of-00001").write_bytes(bytes(9_999))
    assert stand_ins(version) == ""
    (version / "saved_model.pb").write_bytes(b"")
    assert stand_ins(version) == " saved_model.pb is empty, as half a copy is."

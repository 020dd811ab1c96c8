"""Certificates, tokens, and what must not travel in the clear."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from lstm_sentiment.client.access import TLSConfig
from lstm_sentiment.client.channel import is_loopback
from lstm_sentiment.client.predict_client import PredictClient
from lstm_sentiment.errors import InvalidInputError, ServableUnavailableError
from tests.client_servers import CLIENTS, FakeServer, serving


@pytest.fixture(params=CLIENTS)
def make(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def files(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pem")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    trustme.CA().cert_pem.write_to_path(str(folder / "stranger.pem"))
    own = authority.issue_cert("client@example.org")
    own.private_key_pem.write_to_path(str(folder / "key.pem"))
    own.cert_chain_pems[0].write_to_path(str(folder / "chain.pem"))
    other = authority.issue_cert("other@example.org").private_key_pem
    other.write_to_path(str(folder / "other_key.pem"))
    key = serialization.load_pem_private_key(own.private_key_pem.bytes(), None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    (folder / "encrypted_key.pem").write_bytes(encrypted)
    (folder / "no.pem").write_text("no PEM")
    (folder / "cut.pem").write_bytes(authority.cert_pem.bytes()[:200])
    (folder / "folder").mkdir()
    return folder


def credentials(authority: trustme.CA, name: str, **options: Any) -> grpc.ServerCredentials:
    issued = authority.issue_cert(name)
    chain = b"".join(pem.bytes() for pem in issued.cert_chain_pems)
    pair = (issued.private_key_pem.bytes(), chain)
    return grpc.ssl_server_credentials([pair], **options)


@pytest.fixture(scope="module")
def served(authority: trustme.CA) -> Iterator[tuple[FakeServer, str]]:
    server = FakeServer()
    with serving(server, credentials(authority, "127.0.0.1")) as address:
        yield server, address


@pytest.fixture(scope="module")
def mutual_address(authority: trustme.CA) -> Iterator[str]:
    trusting = credentials(
        authority,
        "127.0.0.1",
        root_certificates=authority.cert_pem.bytes(),
        require_client_auth=True,
    )
    with serving(FakeServer(), trusting) as address:
        yield address


@pytest.mark.parametrize("path_type", [str, Path])
def test_a_server_whose_authority_is_trusted_answers(
    make: Any, served: tuple[FakeServer, str], files: Path, path_type: Any
) -> None:
    tls = TLSConfig(root_certificates=path_type(files / "ca.pem"))
    with make(served[1], "m", tls=tls) as client:
        assert client.predict(["a"])[0].label == "a"


@pytest.mark.parametrize("tls", [True, TLSConfig(), "stranger.pem"])
def test_a_server_of_another_authority_is_not_spoken_to(
    make: Any, served: tuple[FakeServer, str], files: Path, tls: Any
) -> None:
    if isinstance(tls, str):
        tls = TLSConfig(root_certificates=files / tls)
    with (
        make(served[1], "m", tls=tls, max_retries=0) as client,
        pytest.raises(ServableUnavailableError, match=r"(?i)certificate.verify.failed"),
    ):
        client.predict(["a"])


def test_without_tls_nothing_is_answered(served: tuple[FakeServer, str]) -> None:
    with (
        PredictClient(served[1], "m", max_retries=0) as client,
        pytest.raises(ServableUnavailableError),
    ):
        client.predict(["a"])


def test_mutual_tls(make: Any, mutual_address: str, files: Path) -> None:
    tls = TLSConfig(files / "ca.pem", files / "key.pem", files / "chain.pem")
    with make(mutual_address, "m", tls=tls) as client:
        assert client.predict(["a"])[0].label == "a"
    anonymous = TLSConfig(files / "ca.pem")
    with (
        make(mutual_address, "m", tls=anonymous, max_retries=0) as client,
        pytest.raises(ServableUnavailableError),
    ):
        client.predict(["a"])


def test_the_server_may_go_by_another_name(make: Any, authority: trustme.CA, files: Path) -> None:
    with serving(FakeServer(), credentials(authority, "models.internal")) as address:
        named = TLSConfig(files / "ca.pem", server_name="models.internal")
        with make(address, "m", tls=named) as client:
            assert client.predict(["a"])[0].label == "a"
        with (
            make(address, "m", tls=TLSConfig(files / "ca.pem"), max_retries=0) as client,
            pytest.raises(ServableUnavailableError),
        ):
            client.predict(["a"])


@pytest.mark.parametrize(
    ("names", "at_fault", "rule"),
    [
        ({"root_certificates": "absent.pem"}, "absent.pem", "cannot be read: No such file"),
        ({"root_certificates": "folder"}, "folder", "cannot be read: Is a directory"),
        ({"root_certificates": "no.pem"}, "no.pem", "must hold certificates in PEM"),
        ({"root_certificates": "cut.pem"}, "cut.pem", "must hold certificates in PEM"),
        ({"root_certificates": "key.pem"}, "key.pem", "must hold certificates in PEM"),
        ({"certificate_chain": "no.pem"}, "no.pem", "must hold certificates in PEM"),
        ({"certificate_chain": "absent.pem"}, "absent.pem", "cannot be read"),
        ({"private_key": "absent.pem"}, "absent.pem", "cannot be read"),
        ({"private_key": "no.pem"}, "no.pem", "must hold the key of .*chain.pem in PEM"),
        ({"private_key": "other_key.pem"}, "other_key.pem", "must hold the key .* mismatch"),
        ({"private_key": "encrypted_key.pem"}, "encrypted_key.pem", ".* not encrypted"),
    ],
)
def test_a_bad_file_is_named(files: Path, names: dict[str, str], at_fault: str, rule: str) -> None:
    if "root_certificates" not in names:
        names = {"private_key": "key.pem", "certificate_chain": "chain.pem", **names}
    paths: dict[str, Any] = {name: files / file for name, file in names.items()}
    with pytest.raises(InvalidInputError, match=f"^{files / at_fault}: {rule}") as caught:
        PredictClient("127.0.0.1:1", "m", tls=TLSConfig(**paths))
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read any file")
def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.touch(mode=0)
    with pytest.raises(InvalidInputError, match=f"^{path}: cannot be read: Permission denied"):
        PredictClient("127.0.0.1:1", "m", tls=TLSConfig(path))


@pytest.mark.parametrize("given", ["private_key", "certificate_chain"])
def test_a_key_and_its_certificate_go_together(given: str) -> None:
    with pytest.raises(InvalidInputError, match="`private_key` and `certificate_chain` go togeth"):
        TLSConfig(**{given: "x.pem"})


def test_tls_is_no_path() -> None:
    tls: Any = "ca.pem"
    with pytest.raises(InvalidInputError, match="`tls` must be True, False or a TLSConfig"):
        PredictClient("127.0.0.1:1", "m", tls=tls)


@pytest.mark.parametrize("secure", [True, False])
def test_the_token_goes_with_each_request(
    make: Any, served: tuple[FakeServer, str], files: Path, secure: bool
) -> None:
    clear = FakeServer()
    with serving(clear) as clear_address:
        server, address = served if secure else (clear, clear_address)
        tls = TLSConfig(files / "ca.pem") if secure else False
        server.metadata.clear()
        with make(address, "m", tls=tls, token="abc.~+/-_=") as client:
            client.predict(["a"])
            client.predict_ids([[5]])
            client.classify(["a"])
            client.model_status()
        assert [sent.get("authorization") for sent in server.metadata] == ["Bearer abc.~+/-_="] * 4
        server.metadata.clear()
        with make(address, "m", tls=tls) as client:
            client.predict(["a"])
        assert "authorization" not in server.metadata[0]


def test_a_token_does_not_travel_in_the_clear(make: Any) -> None:
    with pytest.raises(
        InvalidInputError, match=r"^models\.internal:8500: a `token` must not travel in the clear"
    ) as caught:
        make("models.internal:8500", "m", token="hush")
    assert "hush" not in str(caught.value)
    make("models.internal:8500", "m", token="hush", tls=True)


def test_a_token_in_the_clear_goes_past_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("grpc_proxy", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with (
        serving(FakeServer()) as address,
        PredictClient(address, "m", token="hush", max_retries=0) as client,
    ):
        assert client.predict(["a"])[0].label == "a"


@pytest.mark.parametrize("token", ["", "two words", "line\n", "密"])
def test_a_token_is_visible_ascii(token: str) -> None:
    with pytest.raises(InvalidInputError, match="`token` must be one or more visible") as caught:
        PredictClient("localhost:1", "m", token=token)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "stays_here"),
    [
        ("localhost:8500", True),
        ("LOCALHOST", True),
        ("127.0.0.1:8500", True),
        ("127.8.9.10:1", True),
        ("[::1]:8500", True),
        ("dns:///localhost:8500", True),
        ("dns:localhost:8500", True),
        ("ipv4:127.0.0.1:8500", True),
        ("ipv4:127.0.0.1:1,127.0.0.2:1", True),
        ("ipv6:[::1]:8500", True),
        ("unix:/run/models.sock", True),
        ("unix-abstract:models", True),
        ("10.0.0.1:8500", False),
        ("0.0.0.0:8500", False),
        ("[::]:8500", False),
        ("[2001:db8::1]:8500", False),
        ("ipv4:127.0.0.1:1,10.0.0.1:1", False),
        ("ipv4:127.0.0.1:1,", False),
        ("localhost.example.org:8500", False),
        ("127.0.0.1.example.org:8500", False),
        ("127.1:8500", False),
        ("dns://8.8.8.8/localhost:8500", False),
        ("localhost@example.org:8500", False),
        ("localhost:8500@example.org", False),
        ("xds:///localhost", False),
        ("vsock:1:2", False),
        ("example.org", False),
    ],
)
def test_which_addresses_are_on_this_machine(address: str, stays_here: bool) -> None:
    assert is_loopback(address) is stays_here

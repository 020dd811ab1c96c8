"""Certificates for trials on 127.0.0.1, signed by an authority that only a test trusts."""

import functools
import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Identity:
    certificate: bytes
    private_key: bytes

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """The paths of certificate and key."""
        certificate, private_key = folder / f"{name}.pem", folder / f"{name}.key"
        certificate.write_bytes(self.certificate)
        private_key.touch(mode=0o600)
        private_key.write_bytes(self.private_key)
        return certificate, private_key


class Authority:
    def __init__(self) -> None:
        self._ca = trustme.CA()
        self.certificate: bytes = self._ca.cert_pem.bytes()

    def issue(self, name: str, key_type: trustme.KeyType = trustme.KeyType.ECDSA) -> Identity:
        leaf = self._ca.issue_cert(name, key_type=key_type)
        certificate = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
        return Identity(certificate, leaf.private_key_pem.bytes())

    def client_context(self, identity: tuple[Path, Path] | None = None) -> ssl.SSLContext:
        """What a caller needs that trusts this authority, and may show who it is."""
        context = ssl.create_default_context(cadata=self.certificate.decode())
        if identity is not None:
            context.load_cert_chain(*identity)
        return context


@functools.cache
def authority() -> Authority:
    return Authority()


@functools.cache
def other_authority() -> Authority:
    return Authority()


@functools.cache
def server_identity() -> Identity:
    return authority().issue("127.0.0.1")

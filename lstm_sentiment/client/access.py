"""Access to a server: the PEM files of TLS and the client's bearer token."""

import re
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.first_bytes import it_is

_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class TLSConfig:
    """The PEM files of a TLS connection, read when the client is made.

    Attributes:
        root_certificates: File of the CA certificates to trust; `None` for gRPC's own, and for the
            system's over REST.
        private_key: File of the client's key, not encrypted, for mutual TLS.
        certificate_chain: File of the client's certificate, goes with `private_key`.
        server_name: The name in the server's certificate, if it is not the address's host.

    Raises:
        InvalidInputError: If `private_key` or `certificate_chain` is given without the other.
    """

    root_certificates: str | Path | None = None
    private_key: str | Path | None = None
    certificate_chain: str | Path | None = None
    server_name: str | None = None

    def __post_init__(self) -> None:
        """Checks that a key comes with its certificate."""
        if (self.private_key is None) != (self.certificate_chain is None):
            missing = "private_key" if self.private_key is None else "certificate_chain"
            raise InvalidInputError(
                "`private_key` and `certificate_chain` go together. "
                f"Received: `{missing}` is missing."
            )


class AccessRefusedError(InvalidInputError):
    """A refusal of a caller whose token or certificate the server does not accept."""


class PEMFiles(NamedTuple):
    """The contents of the files of a `TLSConfig`, `None` for a file that is not named."""

    root_certificates: bytes | None
    private_key: bytes | None
    certificate_chain: bytes | None


def tls_config(tls: TLSConfig | bool) -> TLSConfig | None:
    """Returns the TLS configuration that a client's `tls` stands for, `None` for no TLS.

    Raises:
        InvalidInputError: If `tls` is neither a bool nor a `TLSConfig`.
    """
    if not isinstance(tls, bool | TLSConfig):
        raise InvalidInputError(
            f"`tls` must be True, False or a TLSConfig. Received: {type(tls).__name__}."
        )
    return (TLSConfig() if tls else None) if isinstance(tls, bool) else tls


def read_pem_files(tls: TLSConfig) -> PEMFiles:
    """Reads and checks the files of a TLS configuration.

    Raises:
        InvalidInputError: If a file cannot be read or does not hold what it should.
    """
    roots = _certificates(tls.root_certificates)
    chain = _certificates(tls.certificate_chain)
    key = None
    if tls.private_key is not None and tls.certificate_chain is not None:
        key = _bytes(tls.private_key)
        try:
            # gRPC asks for no password: an encrypted key must fail here.
            _client_context().load_cert_chain(tls.certificate_chain, tls.private_key, password="")
        except (ssl.SSLError, ValueError) as error:
            raise InvalidInputError(
                f"{tls.private_key}: must hold the key of {tls.certificate_chain} in PEM, not "
                f"encrypted. Received: {_reason(error)}."
            ) from error
    return PEMFiles(roots, key, chain)


class _ClientContext(ssl.SSLContext):
    """An SSL context that can expect another name than the address's host."""

    server_name: str | None = None

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        if self.server_name is not None:
            options["server_hostname"] = self.server_name
        return super().wrap_socket(*args, **options)


def ssl_context(tls: TLSConfig) -> ssl.SSLContext:
    """Builds the SSL context of a TLS configuration, for Python's own sockets.

    Raises:
        InvalidInputError: As `read_pem_files`.
    """
    read_pem_files(tls)
    context = _client_context()
    context.server_name = tls.server_name
    if tls.root_certificates is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(tls.root_certificates)
    if tls.certificate_chain is not None:
        context.load_cert_chain(tls.certificate_chain, tls.private_key)
    return context


def check_token(token: str, address: str, *, in_the_clear: bool) -> None:
    """Checks a bearer token and the connection that is to carry it.

    Args:
        token: The token, a secret: no message repeats it.
        address: The server's address, for the message.
        in_the_clear: Whether others on the network could read the token.

    Raises:
        InvalidInputError: If the token is empty, holds other than visible ASCII characters, or
            would travel in the clear.
    """
    if not _VISIBLE_ASCII.fullmatch(token):
        raise InvalidInputError(
            "`token` must be one or more visible ASCII characters. "
            f"Received: {'other characters' if token else 'an empty one'}."
        )
    if in_the_clear:
        raise InvalidInputError(
            f"{address}: a `token` must not travel in the clear: give `tls`, or an address on this "
            "machine such as localhost. Received: tls=False."
        )


def is_loopback_host(host: str) -> bool:
    """Returns True if a host, a name or an IP address without brackets, is this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _certificates(path: str | Path | None) -> bytes | None:
    if path is None:
        return None
    content = _bytes(path)
    try:
        _client_context().load_verify_locations(cafile=path)
    except ssl.SSLError as error:
        raise InvalidInputError(
            f"{path}: must hold certificates in PEM. Received: {_reason(error)}.{it_is(path)}"
        ) from error
    return content


def _bytes(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read: {error.strerror}.") from error


def _client_context() -> _ClientContext:
    return _ClientContext(ssl.PROTOCOL_TLS_CLIENT)


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return str(reason).lower().replace("_", " ") if reason else "what cannot be read as PEM"

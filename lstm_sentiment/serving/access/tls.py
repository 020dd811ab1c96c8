"""TLS for both transports, from one key and certificate.

TensorFlow Serving uses `SSLConfig` for gRPC alone; its REST is not encrypted. Here both are.
"""

import ssl
import tempfile
from pathlib import Path

import grpc

from lstm_sentiment.errors import ConfigError
from lstm_sentiment.serving.access.secret_file import read_secret_file
from lstm_sentiment.serving.access.ssl_config import SSLConfig, load_ssl_config

_PARTS = ("server_cert", "server_key", "custom_ca")

# OpenSSL's reasons for a key that belongs to another certificate.
_OTHER_KEY = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
_TOO_WEAK = ("EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK")


class ServerCredentials:
    """A server's key and certificate, and the clients that it accepts. TLS 1.2 or later."""

    def __init__(self, config: SSLConfig, *, sources: tuple[str, str, str] = _PARTS) -> None:
        """Checks that key and certificates are valid and belong together.

        Args:
            config: Contents of PEM files.
            sources: Names of the certificate, the private key and the authorities in messages.

        Raises:
            ConfigError: One line that starts with the bad source. It quotes nothing of it.
        """
        certificate_source, key_source, ca_source = sources
        self._config = config
        _check_certificates(config.server_cert, certificate_source)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._context.set_alpn_protocols(["http/1.1"])
        _load_chain(self._context, config, certificate_source, key_source)
        if config.custom_ca:
            _check_certificates(config.custom_ca, ca_source)
        if config.client_verify:
            self._context.verify_mode = ssl.CERT_REQUIRED
            # As in gRPC, a listed certificate is trusted, whether it is a root or not.
            self._context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            self._context.load_verify_locations(cadata=_ascii(config.custom_ca))

    @classmethod
    def from_config_file(cls, path: str | Path) -> "ServerCredentials":
        """Loads a `--ssl_config_file` of TensorFlow Serving.

        Args:
            path: An `SSLConfig` in protobuf text format, which holds PEM contents.

        Raises:
            ConfigError: One line that starts with the path, if the file or its contents are bad.
        """
        certificate, key, ca = (f"{path}: {part}" for part in _PARTS)
        return cls(load_ssl_config(path), sources=(certificate, key, ca))

    @classmethod
    def from_files(
        cls,
        certificate: str | Path,
        private_key: str | Path,
        client_ca: str | Path | None = None,
    ) -> "ServerCredentials":
        """Loads PEM files.

        Args:
            certificate: The server's certificate, then the intermediate ones.
            private_key: The server's private key, not encrypted.
            client_ca: Certificates of the authorities that sign clients' certificates; `None`
                accepts clients without a certificate.

        Raises:
            ConfigError: One line that starts with the path of the bad file.
        """
        config = SSLConfig(
            server_cert=_read_pem(certificate),
            server_key=_text(read_secret_file(private_key), private_key),
            custom_ca="" if client_ca is None else _read_pem(client_ca),
            client_verify=client_ca is not None,
        )
        return cls(config, sources=(str(certificate), str(private_key), str(client_ca)))

    @property
    def client_verify(self) -> bool:
        """`True` if a client must show a certificate."""
        return self._config.client_verify

    def grpc(self) -> grpc.ServerCredentials:
        """Returns the credentials for `grpc.Server.add_secure_port`."""
        config = self._config
        return grpc.ssl_server_credentials(
            [(config.server_key.encode(), config.server_cert.encode())],
            root_certificates=config.custom_ca.encode() if config.client_verify else None,
            require_client_auth=config.client_verify,
        )

    def ssl_context(self) -> ssl.SSLContext:
        """Returns the context for an HTTPS server, always the same one."""
        return self._context


def _load_chain(
    context: ssl.SSLContext, config: SSLConfig, certificate_source: str, key_source: str
) -> None:
    # The ssl module reads keys from files only. The folder is the user's alone, and removed soon.
    with tempfile.TemporaryDirectory(prefix="lstm-sentiment-") as folder:
        certificate, key = Path(folder, "certificate.pem"), Path(folder, "key.pem")
        certificate.write_text(config.server_cert, encoding="utf-8")
        key.touch(mode=0o600)
        key.write_text(config.server_key, encoding="utf-8")

        def refuse_to_ask() -> str:
            raise ConfigError(f"{key_source}: the private key must not be encrypted.")

        try:
            context.load_cert_chain(certificate, key, password=refuse_to_ask)
        except ssl.SSLError as error:
            if error.reason in _OTHER_KEY:
                raise ConfigError(
                    f"{key_source}: the private key must be that of the certificate in "
                    f"{certificate_source}. Received: the key of another."
                ) from None
            if error.reason in _TOO_WEAK:
                raise ConfigError(
                    f"{certificate_source}: the certificate must be strong enough for OpenSSL. "
                    f"Received: {error.reason.replace('_', ' ').lower()}."
                ) from None
            raise ConfigError(f"{key_source}: must be a private key as PEM.") from None


def _check_certificates(pem: str, source: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=_ascii(pem))
    except (ssl.SSLError, ValueError):
        raise ConfigError(f"{source}: must be certificates as PEM.") from None


def _ascii(pem: str) -> str:
    # Text between the certificates may be in any language.
    return pem.encode("ascii", "replace").decode("ascii")


def _read_pem(path: str | Path) -> str:
    try:
        return _text(Path(path).read_bytes(), path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.") from error


def _text(pem: bytes, path: str | Path) -> str:
    if not pem.strip():
        raise ConfigError(f"{path}: must be the contents of a PEM file. Received: none.")
    return pem.decode("utf-8", "replace")

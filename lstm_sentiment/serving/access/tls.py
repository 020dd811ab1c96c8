"""TLS for both transports, from one key and certificate.

TensorFlow Serving uses `SSLConfig` for gRPC alone; its REST is not encrypted. Here both are.
"""

import ssl
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import grpc

from lstm_sentiment.errors import ConfigError
from lstm_sentiment.first_bytes import it_is
from lstm_sentiment.serving.access.secret_file import read_secret_file
from lstm_sentiment.serving.access.ssl_config import SSLConfig, load_ssl_config
from lstm_sentiment.serving.access.watched_files import WatchedFiles

_PARTS = ("server_cert", "server_key", "custom_ca")

# OpenSSL's reasons for a key that belongs to another certificate.
_OTHER_KEY = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
_TOO_WEAK = ("EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK")


Sources = tuple[str, str, str]
"""Names of the certificate, the private key and the authorities in messages."""


class ServerCredentials:
    """A server's key and certificate, and the clients that it accepts. TLS 1.2 or later.

    Those that were read from files can be read again: `reload`. Safe to share among threads.
    """

    def __init__(self, config: SSLConfig, *, sources: Sources = _PARTS) -> None:
        """Checks that key and certificates are valid and belong together.

        Args:
            config: Contents of PEM files.
            sources: Names of the certificate, the private key and the authorities in messages.

        Raises:
            ConfigError: One line that starts with the bad source. It quotes nothing of it.
        """
        self._sources = sources
        self._context = _CurrentContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.current = _checked_context(config, sources)
        self._config = config
        self._files: WatchedFiles | None = None
        self._read: Callable[[], SSLConfig] = lambda: config

    @classmethod
    def from_config_file(cls, path: str | Path) -> "ServerCredentials":
        """Loads a `--ssl_config_file` of TensorFlow Serving.

        Args:
            path: An `SSLConfig` in protobuf text format, which holds PEM contents.

        Raises:
            ConfigError: One line that starts with the path, if the file or its contents are bad.
        """
        certificate, key, ca = (f"{path}: {part}" for part in _PARTS)
        return cls._from([path], lambda: load_ssl_config(path), (certificate, key, ca))

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

        def read() -> SSLConfig:
            return SSLConfig(
                server_cert=_read_pem(certificate),
                server_key=_text(read_secret_file(private_key), private_key),
                custom_ca="" if client_ca is None else _read_pem(client_ca),
                client_verify=client_ca is not None,
            )

        paths = [certificate, private_key, *([] if client_ca is None else [client_ca])]
        return cls._from(paths, read, (str(certificate), str(private_key), str(client_ca)))

    @classmethod
    def _from(
        cls, paths: Sequence[str | Path], read: Callable[[], SSLConfig], sources: Sources
    ) -> "ServerCredentials":
        files = WatchedFiles(*paths)
        credentials = cls(read(), sources=sources)
        credentials._files, credentials._read = files, read
        return credentials

    def reload(self) -> bool:
        """Reads the files again if they have changed; new connections use what they hold now.

        Returns:
            Whether they were read; never for credentials that came from no file.

        Raises:
            LstmSentimentError: If they break a rule, or ask for clients' certificates where they
                did not before, or no longer. The old ones stay in force.
        """
        if self._files is None or not self._files.have_changed():
            return False
        config = self._read()
        if config.client_verify != self._config.client_verify:
            raise ConfigError(
                f"{self._sources[0]}: client_verify must stay as it is until the server is started "
                f"again. Received: {str(config.client_verify).lower()}."
            )
        context = _checked_context(config, self._sources)
        self._config, self._context.current = config, context
        return True

    @property
    def client_verify(self) -> bool:
        """`True` if a client must show a certificate."""
        return self._config.client_verify

    def grpc(self) -> grpc.ServerCredentials:
        """Returns credentials for `grpc.Server.add_secure_port`, which follow `reload`."""
        given = self._config

        def fetch() -> grpc.ServerCertificateConfiguration | None:
            # gRPC asks before each handshake.
            nonlocal given
            if given is self._config:
                return None
            given = self._config
            return _grpc_configuration(given)

        return grpc.dynamic_ssl_server_credentials(
            _grpc_configuration(given),
            fetch,  # type: ignore[arg-type]  # its stubs leave out that None means no change
            given.client_verify,
        )

    def ssl_context(self) -> ssl.SSLContext:
        """Returns the context for an HTTPS server, always the same one, which follows `reload`."""
        return self._context


class _CurrentContext(ssl.SSLContext):
    """Opens each connection by the context of that moment.

    A context that has loaded an authority cannot forget it, and one that takes a new key has for a
    moment the old one beside the new certificate. So there is a new context each time.
    """

    current: ssl.SSLContext

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """Opens a connection on the event loop."""
        return self.current.wrap_bio(*args, **kwargs)


def _checked_context(config: SSLConfig, sources: Sources) -> ssl.SSLContext:
    certificate_source, key_source, ca_source = sources
    _check_certificates(config.server_cert, certificate_source)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    _load_chain(context, config, certificate_source, key_source)
    if config.custom_ca:
        _check_certificates(config.custom_ca, ca_source)
    if config.client_verify:
        context.verify_mode = ssl.CERT_REQUIRED
        # As in gRPC, a listed certificate is trusted, whether it is a root or not.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(cadata=_ascii(config.custom_ca))
    return context


def _grpc_configuration(config: SSLConfig) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() if config.client_verify else None,
    )


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
            raise ConfigError(
                f"{key_source}: must be a private key as PEM.{it_is(key_source)}"
            ) from None


def _check_certificates(pem: str, source: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=_ascii(pem))
    except (ssl.SSLError, ValueError):
        raise ConfigError(f"{source}: must be certificates as PEM.{it_is(source)}") from None


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

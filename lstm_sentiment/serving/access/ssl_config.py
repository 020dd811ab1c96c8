"""Private key and certificates in one file: `--ssl_config_file`."""

from dataclasses import dataclass, field
from pathlib import Path

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.model_server_config_pb2 import SSLConfig as SSLConfigMessage
from lstm_sentiment.serving.access.secret_file import warn_if_everybody_can_read
from lstm_sentiment.serving.parameter_files import load_parameter_file


@dataclass(frozen=True)
class SSLConfig:
    """Private key and certificates, as contents of PEM files. `repr` leaves the key out.

    Attributes:
        server_key: The server's private key.
        server_cert: The server's certificate, then the intermediate ones.
        custom_ca: Certificates of the authorities that sign clients' certificates.
        client_verify: Requires a certificate of each client: mutual TLS.

    Raises:
        InvalidInputError: If key or certificate is missing, or, with `client_verify`, authorities.
    """

    server_key: str = field(repr=False)
    server_cert: str
    custom_ca: str = ""
    client_verify: bool = False

    def __post_init__(self) -> None:
        """Checks that the required contents are there."""
        for name in ("server_key", "server_cert"):
            if not getattr(self, name).strip():
                raise InvalidInputError(
                    f"`{name}` must be the contents of a PEM file. Received: none."
                )
        if self.client_verify and not self.custom_ca.strip():
            raise InvalidInputError(
                "`custom_ca` must be the contents of a PEM file with client_verify. Received: none."
            )


def load_ssl_config(path: str | Path) -> SSLConfig:
    """Loads an SSL config; `ServerCredentials` checks the PEM in it.

    Args:
        path: An `SSLConfig` in protobuf text format, UTF-8.

    Raises:
        ConfigError: One line that starts with the path, and the line number of a syntax error, if
            the file cannot be read or breaks a rule. It quotes nothing of the file.
    """

    def config(message: SSLConfigMessage) -> SSLConfig:
        return SSLConfig(
            message.server_key, message.server_cert, message.custom_ca, message.client_verify
        )

    ssl_config = load_parameter_file(path, SSLConfigMessage, config, is_secret=True)
    warn_if_everybody_can_read(path)
    return ssl_config

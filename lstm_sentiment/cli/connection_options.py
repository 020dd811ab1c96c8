"""Flags of commands that ask a server: how it and they know each other."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from lstm_sentiment.checks import unreadable
from lstm_sentiment.errors import InvalidInputError

if TYPE_CHECKING:
    from lstm_sentiment.client.access import TLSConfig

_PANEL = "A server that does not let everybody in"

SslCa = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The server has TLS, and its certificate is of these authorities: PEM file.",
        rich_help_panel=_PANEL,
    ),
]
SslCertificate = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Your own certificate: PEM file.", rich_help_panel=_PANEL),
]
SslPrivateKey = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Its private key: PEM file.", rich_help_panel=_PANEL),
]
AuthTokenFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="File of your bearer token.", rich_help_panel=_PANEL),
]


class Access(NamedTuple):
    """What `PredictClient` needs to be let in."""

    tls: "TLSConfig | bool"
    token: str | None


NO_ACCESS = Access(tls=False, token=None)
"""What a server needs that lets everybody in."""


def read_access(
    ssl_ca: Path | None,
    ssl_certificate: Path | None,
    ssl_private_key: Path | None,
    auth_token_file: Path | None,
) -> Access:
    """Reads what the flags name.

    Raises:
        InvalidInputError: If a flag lacks another, or the token cannot be read.
    """
    tls = _tls(ssl_ca, ssl_certificate, ssl_private_key)
    return Access(tls, None if auth_token_file is None else _token(auth_token_file))


def _tls(ca: Path | None, certificate: Path | None, key: Path | None) -> "TLSConfig | bool":
    if ca is None:
        if certificate or key:
            raise InvalidInputError(
                "`--ssl-certificate` and `--ssl-private-key` go with `--ssl-ca`. "
                "Received: no `--ssl-ca`."
            )
        return False
    from lstm_sentiment.client.access import TLSConfig

    return TLSConfig(ca, private_key=key, certificate_chain=certificate)


def _token(path: Path) -> str:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(unreadable(path, error)) from error
    tokens = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not tokens:
        raise InvalidInputError(f"{path}: must hold a bearer token. Received: none.")
    return tokens[0]

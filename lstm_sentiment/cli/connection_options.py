"""Flags of commands that connect to a server: its TLS and the caller's bearer token."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from lstm_sentiment.checks import unreadable
from lstm_sentiment.errors import InvalidInputError

if TYPE_CHECKING:
    from lstm_sentiment.client.access import TLSConfig

# A server's file of tokens may tell behind each what it may do.
_ROLES = re.compile(r"([\s,]+(ask|status|change))+[\s,]*$")
_PANEL = "TLS and authentication"


class Access(NamedTuple):
    """The arguments of a client that the server's access control requires."""

    tls: "TLSConfig | bool"
    token: str | None


NO_ACCESS = Access(tls=False, token=None)
"""Access to a server without TLS and authentication."""


@dataclass(frozen=True)
class AccessFlags:
    """Flags for the TLS of a connection and the caller's bearer token."""

    ssl_ca: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="CA certificates that verify the server; turns on TLS: PEM file.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    ssl_certificate: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Your client certificate: PEM file.", rich_help_panel=_PANEL
        ),
    ] = None
    ssl_private_key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Private key of the certificate: PEM file.", rich_help_panel=_PANEL
        ),
    ] = None
    auth_token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File with your bearer token.", rich_help_panel=_PANEL),
    ] = None

    @cached_property
    def access(self) -> Access:
        """The arguments of the client, read from the flags' files.

        Raises:
            InvalidInputError: If a flag lacks another, or the token cannot be read.
        """
        tls = _tls(self.ssl_ca, self.ssl_certificate, self.ssl_private_key)
        path = self.auth_token_file
        return Access(tls, None if path is None else _token(path))

    def check_server(self, *servers: str | None, flags: str = "`--server`") -> None:
        """Checks that the flags are given only together with a server.

        Args:
            servers: Addresses of the servers; `None` for one that is not named.
            flags: The flags that name them, for the message.

        Raises:
            InvalidInputError: If no server is named, and as `access`.
        """
        if self.access != NO_ACCESS and all(server is None for server in servers):
            raise InvalidInputError(
                f"`--ssl-ca` and `--auth-token-file` need {flags}. Received: no {flags}."
            )


def _tls(ca: Path | None, certificate: Path | None, key: Path | None) -> "TLSConfig | bool":
    if ca is None:
        if certificate or key:
            raise InvalidInputError(
                "`--ssl-certificate` and `--ssl-private-key` need `--ssl-ca`. "
                "Received: no `--ssl-ca`."
            )
        return False
    from lstm_sentiment.client.access import TLSConfig

    return TLSConfig(ca, private_key=key, certificate_chain=certificate)


def _token(path: Path) -> str:
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(unreadable(path, error)) from error
    tokens = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not tokens:
        raise InvalidInputError(f"{path}: must hold a bearer token. Received: none.")
    return _ROLES.sub("", tokens[0])

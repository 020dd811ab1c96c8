"""gRPC channels to a server, in the clear or over TLS, and the client's token."""

import re

import grpc
import grpc.aio

from lstm_sentiment.client.access import (
    TLSConfig,
    check_token,
    is_loopback_host,
    read_pem_files,
    tls_config,
)
from lstm_sentiment.client.address import read_grpc_address
from lstm_sentiment.client.peer import goes_past_proxies, grpc_hint

_OPTIONS = (
    # Texts and scores of one request are not limited to gRPC's 4 MiB.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # By default gRPC tries a lost server again after 1 second and then ever more rarely, up to 2
    # minutes apart; until then each request fails without a try, retries too.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)
# A proxy named in the environment would read a token that travels in the clear.
_WITHOUT_PROXY = ("grpc.enable_http_proxy", 0)

_SCHEME = re.compile(r"dns:(///)?|ipv4:|ipv6:")
_HOST_AND_PORT = re.compile(r"(?:\[(?P<ipv6>[^\]]+)\]|(?P<host>[^:\[\]/]+))(?::[0-9]+)?")


class Endpoint:
    """A server's gRPC address, with what a channel to it needs.

    Attributes:
        address: As given.
        metadata: gRPC metadata of each request: the token, or nothing.

    Raises:
        InvalidInputError: If an argument breaks a rule, or a file of `tls` cannot be used.
    """

    def __init__(self, address: str, tls: TLSConfig | bool, token: str | None) -> None:
        """Reads the files of `tls`; the arguments are those of `PredictClient`."""
        self.address = address
        self._options: tuple[tuple[str, int | str], ...] = _OPTIONS
        self._credentials = None
        config = tls_config(tls)
        self._place = read_grpc_address(address, has_tls=config is not None)
        if config is None and self._place.is_tls:
            config = TLSConfig()
        if goes_past_proxies(self._place.host):
            self._options += (_WITHOUT_PROXY,)
        if config is not None:
            self._credentials = grpc.ssl_channel_credentials(*read_pem_files(config))
            if config.server_name is not None:
                self._options += (("grpc.ssl_target_name_override", config.server_name),)
        self.metadata: tuple[tuple[str, str], ...] = ()
        if token is not None:
            has_tls = config is not None
            check_token(
                token, address, in_the_clear=not has_tls and not is_loopback(self._place.target)
            )
            self.metadata = (("authorization", f"Bearer {token}"),)
            if not has_tls and _WITHOUT_PROXY not in self._options:
                self._options += (_WITHOUT_PROXY,)

    def hint(self) -> str:
        """Returns what to do about a connection that failed; may ask the port, for a second."""
        return grpc_hint(
            self._place,
            has_tls=self._credentials is not None,
            has_proxy=_WITHOUT_PROXY not in self._options,
        )

    def channel(self) -> grpc.Channel:
        """Opens a channel, which connects with its first request."""
        if self._credentials is None:
            return grpc.insecure_channel(self._place.target, options=self._options)
        return grpc.secure_channel(self._place.target, self._credentials, options=self._options)

    def async_channel(self) -> grpc.aio.Channel:
        """Opens a channel for the coroutines of the running event loop."""
        if self._credentials is None:
            return grpc.aio.insecure_channel(self._place.target, options=self._options)
        return grpc.aio.secure_channel(self._place.target, self._credentials, options=self._options)


def is_loopback(address: str) -> bool:
    """Returns True if requests to a gRPC address are certain to stay on this machine.

    Args:
        address: Any that gRPC takes, such as `host:port` or `unix:/path`.
    """
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    scheme = _SCHEME.match(address)
    places = address[scheme.end() :] if scheme else address
    return all(map(_is_loopback_place, places.split(",")))


def _is_loopback_place(place: str) -> bool:
    match = _HOST_AND_PORT.fullmatch(place)
    return match is not None and is_loopback_host(match["ipv6"] or match["host"])

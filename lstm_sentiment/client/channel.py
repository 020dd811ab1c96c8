"""The way to a server: in the clear or by TLS, and who the client says it is."""

import re
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import grpc
import grpc.aio

from lstm_sentiment.errors import InvalidInputError

_OPTIONS = (
    # Texts and scores of one request are not limited to gRPC's 4 MiB.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # By default gRPC tries a lost server again after 1 second and then ever more rarely, up to 2
    # minutes apart; until then each request fails without a try, retries too.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)
# What a proxy of the environment would read: with a token in the clear there must be none.
_WITHOUT_PROXY = ("grpc.enable_http_proxy", 0)

_SCHEME = re.compile(r"dns:(///)?|ipv4:|ipv6:")
_HOST_AND_PORT = re.compile(r"(?:\[(?P<ipv6>[^\]]+)\]|(?P<host>[^:\[\]/]+))(?::[0-9]+)?")
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class TLSConfig:
    """How a client and a server know each other: PEM files, read when the client is made.

    Attributes:
        root_certificates: File of the authorities to trust; `None` for those gRPC comes with.
        private_key: File of the client's own key, not encrypted, where the server asks for a
            client's certificate (mutual TLS).
        certificate_chain: File of the client's own certificate, goes with `private_key`.
        server_name: The name to be found in the server's certificate, where it is not the
            address's host.
    """

    root_certificates: str | Path | None = None
    private_key: str | Path | None = None
    certificate_chain: str | Path | None = None
    server_name: str | None = None

    def __post_init__(self) -> None:
        """Checks that a key comes with its certificate.

        Raises:
            InvalidInputError: If one of them is given without the other.
        """
        if (self.private_key is None) != (self.certificate_chain is None):
            missing = "private_key" if self.private_key is None else "certificate_chain"
            raise InvalidInputError(
                "`private_key` and `certificate_chain` go together. "
                f"Received: `{missing}` is missing."
            )


class Endpoint:
    """A server's address and how to get there.

    Attributes:
        address: As given.
        metadata: What goes with each request.
    """

    def __init__(self, address: str, tls: TLSConfig | bool, token: str | None) -> None:
        """Reads the files of `tls`; the arguments are those of `PredictClient`."""
        if not isinstance(tls, bool | TLSConfig):
            raise InvalidInputError(
                f"`tls` must be True, False or a TLSConfig. Received: {type(tls).__name__}."
            )
        self.address = address
        self._options: tuple[tuple[str, int | str], ...] = _OPTIONS
        self._credentials = None
        if tls:
            config = TLSConfig() if tls is True else tls
            self._credentials = _credentials(config)
            if config.server_name is not None:
                self._options += (("grpc.ssl_target_name_override", config.server_name),)
        self.metadata: tuple[tuple[str, str], ...] = ()
        if token is not None:
            _check_token(token, address, in_the_clear=not tls)
            self.metadata = (("authorization", f"Bearer {token}"),)
            if not tls:
                self._options += (_WITHOUT_PROXY,)

    def channel(self) -> grpc.Channel:
        """Opens a channel, which connects with its first request."""
        if self._credentials is None:
            return grpc.insecure_channel(self.address, options=self._options)
        return grpc.secure_channel(self.address, self._credentials, options=self._options)

    def async_channel(self) -> grpc.aio.Channel:
        """Opens a channel for the coroutines of the running event loop."""
        if self._credentials is None:
            return grpc.aio.insecure_channel(self.address, options=self._options)
        return grpc.aio.secure_channel(self.address, self._credentials, options=self._options)


def is_loopback(address: str) -> bool:
    """Tells whether requests to an address stay on this machine.

    Args:
        address: Any that gRPC takes, such as `host:port` or `unix:/path`.

    Returns:
        False where it is not certain.
    """
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    scheme = _SCHEME.match(address)
    places = address[scheme.end() :] if scheme else address
    return all(map(_is_loopback_place, places.split(",")))


def _is_loopback_place(place: str) -> bool:
    match = _HOST_AND_PORT.fullmatch(place)
    if match is None:
        return False
    host = match["ipv6"] or match["host"]
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _check_token(token: str, address: str, *, in_the_clear: bool) -> None:
    # A token is a secret: no message repeats it.
    if not _VISIBLE_ASCII.fullmatch(token):
        raise InvalidInputError(
            "`token` must be one or more visible ASCII characters. "
            f"Received: {'other characters' if token else 'an empty one'}."
        )
    if in_the_clear and not is_loopback(address):
        raise InvalidInputError(
            f"{address}: a `token` must not travel in the clear: give `tls`, or an address on this "
            "machine such as localhost. Received: tls=False."
        )


def _credentials(tls: TLSConfig) -> grpc.ChannelCredentials:
    roots = _certificates(tls.root_certificates)
    chain = _certificates(tls.certificate_chain)
    key = None
    if tls.private_key is not None and tls.certificate_chain is not None:
        key = _bytes(tls.private_key)
        try:
            # gRPC asks for no password: an encrypted key must fail here.
            _context().load_cert_chain(tls.certificate_chain, tls.private_key, password="")
        except (ssl.SSLError, ValueError) as error:
            raise InvalidInputError(
                f"{tls.private_key}: must hold the key of {tls.certificate_chain} in PEM, not "
                f"encrypted. Received: {_reason(error)}."
            ) from error
    return grpc.ssl_channel_credentials(roots, key, chain)


def _certificates(path: str | Path | None) -> bytes | None:
    if path is None:
        return None
    content = _bytes(path)
    try:
        _context().load_verify_locations(cafile=path)
    except ssl.SSLError as error:
        raise InvalidInputError(
            f"{path}: must hold certificates in PEM. Received: {_reason(error)}."
        ) from error
    return content


def _bytes(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read: {error.strerror}.") from error


def _context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return str(reason).lower().replace("_", " ") if reason else "what cannot be read as PEM"

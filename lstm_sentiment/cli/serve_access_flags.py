"""The flags of `serve` for access, monitoring and the shadow, in groups as in `serve_flags`."""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.models_config.base_path import check_is_folder_path
from lstm_sentiment.version_folder import MAX_VERSION, parse_version

if TYPE_CHECKING:
    from lstm_sentiment.serving.access.authentication import BearerTokens
    from lstm_sentiment.serving.access.cors import AllowedOrigins
    from lstm_sentiment.serving.access.hosts import AllowedHosts
    from lstm_sentiment.serving.access.tls import ServerCredentials
    from lstm_sentiment.serving.monitoring.access_log import AccessLog
    from lstm_sentiment.serving.monitoring.config import MonitoringConfig
    from lstm_sentiment.serving.request_log.options import RequestLogOptions
    from lstm_sentiment.serving.shadow.options import ShadowOptions

_NO_FOLDER = "none"
_SAFETY, _WATCHING, _SHADOW = "Access", "Monitoring", "Shadow version"


@dataclass(frozen=True)
class AccessFlags:
    """TLS, bearer tokens, folders of models, hosts, and the origins of web pages."""

    ssl_config_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="TLS for gRPC and REST, in TensorFlow Serving's format.",
            rich_help_panel=_SAFETY,
        ),
    ] = None
    ssl_certificate: Annotated[
        Path | None,
        typer.Option(
            help="Server certificate that turns on TLS, instead of --ssl-config-file: PEM file.",
            rich_help_panel=_SAFETY,
        ),
    ] = None
    ssl_private_key: Annotated[
        Path | None,
        typer.Option(help="Private key of the certificate: PEM file.", rich_help_panel=_SAFETY),
    ] = None
    ssl_client_ca: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Accept only callers whose certificate one of these authorities signed: PEM file.",
            rich_help_panel=_SAFETY,
        ),
    ] = None
    auth_token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Accept only callers with a bearer token from this file, one token per line. "
            "Words after a token limit its use to ask, status or change; a token alone "
            "may do everything.",
            rich_help_panel=_SAFETY,
        ),
    ] = None
    access_poll_wait_seconds: Annotated[
        float,
        typer.Option(
            metavar="N",
            help="Seconds between checks whether certificates and tokens have changed; 0 reads "
            "the files once.",
            rich_help_panel=_SAFETY,
            min=0,
        ),
    ] = 10.0
    allowed_base_paths: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DIR,...",
            help="Folder from which a reload request over gRPC may load models, at any depth. "
            "May be repeated. Default: the folders that are served and their neighbours. "
            "none allows only the folders that are served.",
            rich_help_panel=_SAFETY,
            show_default=False,
        ),
    ] = None
    allowed_hosts: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST,...",
            help="Host name accepted in REST requests, such as api.example.org, *.example.org "
            "for its subdomains, or * for all. May be repeated. Localhost and the address "
            "the server listens on are always accepted.",
            rich_help_panel=_SAFETY,
            show_default=False,
        ),
    ] = None
    rest_api_enable_cors_support: Annotated[
        bool,
        typer.Option(
            "--rest-api-enable-cors-support",
            help="Allow web pages of other origins to send REST requests: all origins, unless "
            "--cors-allowed-origins names some.",
            rich_help_panel=_SAFETY,
        ),
    ] = False
    cors_allowed_origins: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN,...",
            help="Origin whose web pages may send REST requests, such as https://example.org. "
            "May be repeated.",
            rich_help_panel=_SAFETY,
            show_default=False,
        ),
    ] = None

    @property
    def has_tls(self) -> bool:
        """True if the flags name a certificate."""
        return self.ssl_config_file is not None or self.ssl_certificate is not None

    def credentials(self) -> "ServerCredentials | None":
        """Returns the credentials, read from their files; `None` without TLS."""
        from lstm_sentiment.serving.access.tls import ServerCredentials

        certificate, key, client_ca = self.ssl_certificate, self.ssl_private_key, self.ssl_client_ca
        if self.ssl_config_file is not None:
            if certificate or key or client_ca:
                raise InvalidInputError(
                    "Either `--ssl-config-file` or `--ssl-certificate` and the like may be given. "
                    "Received: both."
                )
            return ServerCredentials.from_config_file(self.ssl_config_file)
        if certificate is not None and key is not None:
            return ServerCredentials.from_files(certificate, key, client_ca)
        if certificate or key or client_ca:
            raise InvalidInputError(
                "`--ssl-certificate` and `--ssl-private-key` go together, and `--ssl-client-ca` "
                "with both. Received: not both."
            )
        return None

    def tokens(self) -> "BearerTokens | None":
        """Returns the tokens, read from their file; `None` accepts every caller."""
        if self.auth_token_file is None:
            return None
        from lstm_sentiment.serving.access.authentication import load_bearer_tokens

        return load_bearer_tokens(self.auth_token_file)

    def cors_origins(self) -> "AllowedOrigins | None":
        """Returns the origins whose pages may ask; `None` for no page of another origin."""
        from lstm_sentiment.serving.access.cors import ANY_ORIGIN, AllowedOrigins

        if not self.rest_api_enable_cors_support:
            if self.cors_allowed_origins:
                raise InvalidInputError(
                    "`--cors-allowed-origins` needs `--rest-api-enable-cors-support`. "
                    "Received: no `--rest-api-enable-cors-support`."
                )
            return None
        return AllowedOrigins(_listed(self.cors_allowed_origins or [ANY_ORIGIN]))

    def base_paths(self) -> list[str] | None:
        """Returns the folders that a config by request may name; `None` for the default."""
        if self.allowed_base_paths is None:
            return None
        folders = [*_listed(self.allowed_base_paths)]
        if not folders or (_NO_FOLDER in folders and len(folders) > 1):
            raise InvalidInputError(
                f"`--allowed-base-paths` must be folders, or `{_NO_FOLDER}` alone. "
                f"Received: {','.join(self.allowed_base_paths)!r}."
            )
        # A shell leaves the ~ of --flag=~/models as it is.
        named = [os.path.expanduser(folder) for folder in folders if folder != _NO_FOLDER]
        for folder in named:
            check_is_folder_path(folder)
            if not os.path.isdir(folder):
                from lstm_sentiment.cli.console import say

                say(f"--allowed-base-paths: there is no folder {folder!r} yet")
        return named

    def hosts(self) -> "AllowedHosts | None":
        """Returns the further hosts that REST accepts; `None` for none."""
        from lstm_sentiment.serving.access.hosts import AllowedHosts

        if self.allowed_hosts is None:
            return None
        return AllowedHosts(_listed(self.allowed_hosts))


@dataclass(frozen=True)
class MonitoringFlags:
    """Metrics, access log, web page, health checks."""

    monitoring_config_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Monitoring config in TensorFlow Serving's format; it sets the path of the "
            "metrics.",
            rich_help_panel=_WATCHING,
        ),
    ] = None
    text_sample_share: Annotated[
        float,
        typer.Option(
            help="Share of texts whose tokens are counted for the metrics.",
            rich_help_panel=_WATCHING,
            min=0,
            metavar="N",
            max=1,
        ),
    ] = 1.0
    drift_alpha: Annotated[
        float | None,
        typer.Option(
            help="Compare live texts with the training texts. A, such as 0.01, is the maximum "
            "probability of a false alarm. Results are in /state and the metrics. "
            "Default: off.",
            rich_help_panel=_WATCHING,
            metavar="A",
            show_default=False,
        ),
    ] = None
    access_log: Annotated[
        Literal["off", "text", "json"],
        typer.Option(
            help="Write a line per request to standard error, without the texts.",
            rich_help_panel=_WATCHING,
        ),
    ] = "off"
    access_log_texts: Annotated[
        bool,
        typer.Option(
            "--access-log-texts",
            help="Include the texts in the access log.",
            rich_help_panel=_WATCHING,
        ),
    ] = False
    request_log_max_bytes: Annotated[
        int,
        typer.Option(
            help="Size at which a request log starts its next file. The logging_config in the "
            "models.config chooses the requests to log.",
            rich_help_panel=_WATCHING,
            min=1,
            metavar="N",
        ),
    ] = 64 * 2**20
    request_log_max_age_seconds: Annotated[
        float,
        typer.Option(
            help="Age in seconds at which a request log starts its next file; inf for no limit.",
            rich_help_panel=_WATCHING,
            min=1,
            metavar="N",
        ),
    ] = 3600.0
    ui: Annotated[
        bool,
        typer.Option(help="Serve a web page at / of the REST port.", rich_help_panel=_WATCHING),
    ] = True
    enable_grpc_healthcheck_service: Annotated[
        bool,
        typer.Option(
            "--enable-grpc-healthcheck-service",
            help="Serve gRPC's health checking protocol.",
            rich_help_panel=_WATCHING,
        ),
    ] = False
    enable_grpc_reflection: Annotated[
        bool,
        typer.Option(
            "--enable-grpc-reflection",
            help="Serve gRPC's server reflection, which lists the services.",
            rich_help_panel=_WATCHING,
        ),
    ] = False

    def config(self) -> "MonitoringConfig":
        """Returns the config, read from its file; without one, metrics at the usual path."""
        from lstm_sentiment.serving.monitoring.config import (
            MonitoringConfig,
            load_monitoring_config,
        )

        path = self.monitoring_config_file
        return MonitoringConfig(enable=True) if path is None else load_monitoring_config(path)

    def request_log(self) -> "RequestLogOptions":
        """Returns the options of the request log."""
        from lstm_sentiment.serving.request_log.options import RequestLogOptions

        return RequestLogOptions(
            max_bytes=self.request_log_max_bytes,
            max_age_seconds=self.request_log_max_age_seconds,
        )

    def log(self) -> "AccessLog | None":
        """Returns the access log, on standard error; `None` where it is off."""
        from lstm_sentiment.serving.monitoring.access_log import AccessLog

        if self.access_log != "off":
            return AccessLog(
                sys.stderr, as_json=self.access_log == "json", with_texts=self.access_log_texts
            )
        if self.access_log_texts:
            raise InvalidInputError(
                "`--access-log-texts` needs `--access-log text` or `json`. Received: neither."
            )
        return None


@dataclass(frozen=True)
class ShadowFlags:
    """The version that gets copies of requests in the background: `ShadowOptions`."""

    shadow_to: Annotated[
        str | None,
        typer.Option(
            metavar="N|LABEL",
            help="Also send requests to this version in the background, and count at /state "
            "how often it agrees. Callers never get its answers.",
            rich_help_panel=_SHADOW,
            show_default=False,
        ),
    ] = None
    shadow_of: Annotated[
        str | None,
        typer.Option(
            metavar="N|LABEL",
            help="Send only the requests that this version answered. Default: the requests to "
            "every other version.",
            rich_help_panel=_SHADOW,
            show_default=False,
        ),
    ] = None
    shadow_model_name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Name of the model. Needed only if several are served.",
            rich_help_panel=_SHADOW,
            show_default=False,
        ),
    ] = None
    shadow_share: Annotated[
        float,
        typer.Option(
            help="Share of the requests to send.",
            rich_help_panel=_SHADOW,
            min=0,
            max=1,
            metavar="N",
        ),
    ] = 0.1

    def options(self) -> "ShadowOptions | None":
        """Returns the options that the flags set; `None` without a shadow."""
        from lstm_sentiment.serving.shadow.options import ShadowOptions

        if self.shadow_to is None:
            if self.shadow_of or self.shadow_model_name:
                raise InvalidInputError(
                    "`--shadow-of` and `--shadow-model-name` need `--shadow-to`. "
                    "Received: no `--shadow-to`."
                )
            return None
        of = None if self.shadow_of is None else _version_or_label(self.shadow_of)
        to = _version_or_label(self.shadow_to)
        return ShadowOptions(to, of, self.shadow_model_name, self.shadow_share)


def _listed(given: Iterable[str]) -> Iterator[str]:
    return filter(None, map(str.strip, ",".join(given).split(",")))


def _version_or_label(given: str) -> int | str:
    version = parse_version(given)
    if version is None and re.fullmatch(r"[-+]?\d+", given):
        raise InvalidInputError(
            f"a version must be an integer from 0 to {MAX_VERSION}. Received: {given}."
        )
    return given if version is None else version

"""Agreement of a shadow version with the version that answers, counted by a running server."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstm_sentiment.client.access import TLSConfig
from lstm_sentiment.client.rest_client import RefusedError, RestClient
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.training.evaluation.intervals import (
    Estimate,
    check_confidence,
    estimate_accuracy,
)

WIDEST_TELLING = 0.1
"""The widest interval from which a share is still known well enough."""

_STATE_PAGE = (
    "`/state` must be the state page of this package's model server; TensorFlow Serving has none"
)


@dataclass(frozen=True)
class PairAgreement:
    """The agreement of two versions, counted in texts.

    Attributes:
        version: The version that answered callers.
        shadow_version: The shadow; `None` if its label pointed to no version.
        sampled: Texts that were drawn.
        compared: Texts that both versions answered.
        agreed: Texts with the same label from both versions.
        failed: Texts that the shadow did not answer: it was not loaded, or failed.
        dropped: Texts that the shadow was not asked, because too many waited.
        largest_difference: The largest difference in a class's probability for one text; `None`
            if no text was compared.
        agreement: The share of `compared` that agreed, with Wilson's interval; `None` if no text
            was compared.
    """

    version: int
    shadow_version: int | None
    sampled: int
    compared: int
    agreed: int
    failed: int
    dropped: int
    largest_difference: float | None
    agreement: Estimate | None

    def verdict(self) -> str:
        """Returns a sentence or two about the numbers, and what they do not show."""
        shadow = "the shadow" if self.shadow_version is None else f"version {self.shadow_version}"
        if self.agreement is None:
            return (
                f"Nothing that version {self.version} answered was compared with {shadow} yet: of "
                f"{self.sampled} texts drawn, {self.failed} failed and {self.dropped} were dropped."
            )
        low, high = self.agreement.low, self.agreement.high
        found = (
            f"version {self.version} and {shadow} gave {self.agreed} of {self.compared} texts the "
            f"same label"
        )
        if high - low > WIDEST_TELLING:
            return (
                f"Too few texts were compared to tell much: {found}, so the true share may be "
                f"anything from {low:.1%} to {high:.1%}."
            )
        told = (
            f"{found[0].upper()}{found[1:]}: {self.agreement.value:.1%}, and of all "
            f"texts like these probably between {low:.1%} and {high:.1%}."
        )
        if self.agreed == self.compared:
            return told
        return (
            f"{told} To find out which of the two is right about the others, run `models compare` "
            "on labelled texts."
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the numbers and the verdict for JSON."""
        agreement = None if self.agreement is None else self.agreement.to_dict()
        return {**vars(self), "agreement": agreement, "verdict": self.verdict()}


@dataclass(frozen=True)
class ShadowAgreement:
    """The agreement of a server's shadow version.

    Attributes:
        model_name: The model.
        of: The version whose requests are drawn, such as `label stable`; `any version` for all.
        to: The shadow, such as `label candidate`.
        share: The share of requests that is drawn.
        pairs: Each pair of versions, since labels move; the pair compared last comes first.
        recent_disagreements: The last texts with two labels, the last first; `seconds_ago`,
            `version`, `shadow_version`, `label`, `shadow_label`, `difference`, and `text` if the
            server may show texts.
    """

    model_name: str
    of: str
    to: str
    share: float
    pairs: Sequence[PairAgreement]
    recent_disagreements: Sequence[Mapping[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Returns the agreement for JSON."""
        return {
            **vars(self),
            "pairs": [pair.to_dict() for pair in self.pairs],
            "recent_disagreements": [dict(found) for found in self.recent_disagreements],
        }


def read_shadow_agreement(
    rest_api: str,
    *,
    confidence: float = 0.95,
    tls: TLSConfig | bool = False,
    token: str | None = None,
    timeout_seconds: float = 30.0,
    **deprecated: str | Path | None,
) -> ShadowAgreement:
    """Reads the agreement of a shadow version from a running model server of this package.

    Args:
        rest_api: The server's REST address: `host:port`, or a URL that begins with `http`.
        confidence: Confidence level of the intervals, above 0 and below 1.
        tls: As `PredictClient` takes it, with the authorities of the system in the place of gRPC's.
            An `https` URL has TLS without it.
        token: As `PredictClient` takes it.
        timeout_seconds: Timeout of the request.
        **deprecated: `ssl_ca`, `ssl_certificate` and `ssl_private_key`, the paths that `tls` now
            holds; accepted for one more release.

    Raises:
        InvalidInputError: If an argument breaks a rule, or the server has no shadow, refuses the
            caller, or is not of this package.
        ServableUnavailableError: If the server cannot be reached or does not answer in time.
    """
    check_confidence(confidence)
    if deprecated:
        tls = _deprecated_tls(tls, **deprecated)
    client = RestClient(
        rest_api, _STATE_PAGE, tls=tls, token=token, timeout_seconds=timeout_seconds
    )
    try:
        state = client.get("/state")
    except RefusedError as error:
        raise client.unexpected(error.reason) from error
    try:
        told = state["shadow"]
        if not told:
            raise InvalidInputError(
                f"{rest_api}: must be a server that has a shadow, `serve --shadow-to`. "
                "Received: one that has none."
            )
        return _agreement(told[0], confidence)
    except (KeyError, TypeError, AttributeError) as error:
        raise client.unexpected("another page") from error


def _deprecated_tls(
    tls: TLSConfig | bool,
    *,
    ssl_ca: str | Path | None = None,
    ssl_certificate: str | Path | None = None,
    ssl_private_key: str | Path | None = None,
) -> TLSConfig | bool:
    warnings.warn(
        "ssl_ca, ssl_certificate and ssl_private_key of read_shadow_agreement: deprecated, to be "
        "removed in the next release. Instead: tls=TLSConfig(...).",
        DeprecationWarning,
        stacklevel=3,
    )
    if (ssl_ca, ssl_certificate, ssl_private_key) == (None, None, None):
        return tls
    if tls:
        raise InvalidInputError(
            "TLS must be given as `tls` alone. Received: `tls` and one of `ssl_ca`, "
            "`ssl_certificate` and `ssl_private_key`."
        )
    return TLSConfig(ssl_ca, ssl_private_key, ssl_certificate)


def _agreement(told: Mapping[str, Any], confidence: float) -> ShadowAgreement:
    return ShadowAgreement(
        str(told["model"]),
        _named(told["of"]),
        _named(told["to"]),
        told["share"],
        [_pair(pair, confidence) for pair in told["pairs"]],
        told["recent_disagreements"],
    )


def _pair(told: Mapping[str, Any], confidence: float) -> PairAgreement:
    compared, agreed = told["compared"], told["agreed"]
    return PairAgreement(
        told["version"],
        told["shadow_version"],
        told["sampled"],
        compared,
        agreed,
        told["failed"],
        told["dropped"],
        told["largest_difference"],
        estimate_accuracy(agreed, compared, confidence=confidence) if compared else None,
    )


def _named(told: Mapping[str, Any]) -> str:
    return " ".join(f"{kind} {value}" for kind, value in told.items()) or "any version"

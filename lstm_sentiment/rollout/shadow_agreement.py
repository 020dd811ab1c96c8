"""How often a canary agrees with the version that answers, as a running server tells it."""

import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from lstm_sentiment.errors import InvalidInputError, ServableUnavailableError
from lstm_sentiment.versions.significance import Estimate, check_confidence, estimate_accuracy

WIDEST_TELLING = 0.1
"""An interval that is wider than this tells too little of a share."""

_UNAUTHORIZED = 401
_LONGEST_ANSWER_BYTES = 64 * 2**20


@dataclass(frozen=True)
class PairAgreement:
    """How often two versions gave a text the same label.

    Attributes:
        version: The version that answered callers.
        shadow_version: The canary; `None` where its label pointed to no version.
        sampled: Texts that were drawn.
        compared: Those of them that both versions answered.
        agreed: Those of these that got the same label from both.
        failed: Those that the canary did not answer: it was not loaded, or failed.
        dropped: Those that it was not asked about, because too many waited.
        largest_difference: The largest difference that a class's probability had for a text;
            `None` where none was compared.
        agreement: The share that agreed, with Wilson's interval; `None` where none was compared.
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
        """Says in a sentence or two what the numbers tell, and what they do not."""
        canary = "the canary" if self.shadow_version is None else f"version {self.shadow_version}"
        if self.agreement is None:
            return (
                f"Nothing that version {self.version} answered was compared with {canary} yet: of "
                f"{self.sampled} texts drawn, {self.failed} failed and {self.dropped} were dropped."
            )
        low, high = self.agreement.low, self.agreement.high
        found = (
            f"version {self.version} and {canary} gave {self.agreed} of {self.compared} texts the "
            f"same label"
        )
        if high - low > WIDEST_TELLING:
            return (
                f"Too few texts were compared to tell much: {found}, so the true share may be "
                f"anything from {low:.1%} to {high:.1%}."
            )
        told = (
            f"{found[0].upper()}{found[1:]}: {self.agreement.value:.1%}, and of all such texts "
            f"probably between {low:.1%} and {high:.1%}."
        )
        if self.agreed == self.compared:
            return told
        return (
            f"{told} Which of the two is right about the others, only labelled texts tell: "
            "`models compare`."
        )

    def to_dict(self) -> dict[str, Any]:
        """The numbers, as JSON holds them, and the verdict."""
        agreement = None if self.agreement is None else self.agreement.to_dict()
        return {**vars(self), "agreement": agreement, "verdict": self.verdict()}


@dataclass(frozen=True)
class ShadowAgreement:
    """What a server tells of its canary.

    Attributes:
        model_name: The model.
        of: Whose requests are drawn, such as `label stable`; `any version` for all.
        to: The canary, such as `label canary`.
        share: The share of requests that is drawn.
        pairs: Each two versions that were compared, the last to be compared first: labels move.
        recent_disagreements: The last texts that got two labels, the last first; `seconds_ago`,
            `version`, `shadow_version`, `label`, `shadow_label`, `difference`, and `text` where the
            server may tell texts.
    """

    model_name: str
    of: str
    to: str
    share: float
    pairs: Sequence[PairAgreement]
    recent_disagreements: Sequence[Mapping[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON holds it."""
        return {
            **vars(self),
            "pairs": [pair.to_dict() for pair in self.pairs],
            "recent_disagreements": [dict(found) for found in self.recent_disagreements],
        }


def read_shadow_agreement(
    rest_api: str,
    *,
    confidence: float = 0.95,
    ssl_ca: str | Path | None = None,
    ssl_certificate: str | Path | None = None,
    ssl_private_key: str | Path | None = None,
    token: str | None = None,
    timeout_seconds: float = 30.0,
) -> ShadowAgreement:
    """Asks a running model server of this package how its canary does.

    Args:
        rest_api: Where its REST API is: `host:port`, or a URL that begins with `http`.
        confidence: How often such intervals hold the true share, above 0 and below 1.
        ssl_ca: PEM file of the authorities that the server's certificate is of; `None` for those
            that the system knows, where a URL begins with `https`.
        ssl_certificate: PEM file of the caller's own certificate.
        ssl_private_key: PEM file of its key.
        token: The caller's bearer token.
        timeout_seconds: How long it may take.

    Returns:
        What it tells.

    Raises:
        InvalidInputError: If the server has no canary, lets the caller not in, or is none of this
            package's, or an argument breaks a rule.
        ServableUnavailableError: If it cannot be asked.
    """
    check_confidence(confidence)
    url = _url(rest_api, has_tls=ssl_ca is not None)
    context = _context(ssl_ca, ssl_certificate, ssl_private_key)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    state = _state(url, Request(url, headers=headers), context, timeout_seconds)
    try:
        told = state["shadow"]
        if not told:
            raise InvalidInputError(
                f"{rest_api}: must be a server that has a canary, `serve --shadow-to`. "
                "Received: one that has none."
            )
        return _agreement(told[0], confidence)
    except (KeyError, TypeError, AttributeError) as error:
        raise _unexpected(url) from error


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


def _url(rest_api: str, *, has_tls: bool) -> str:
    if rest_api.startswith(("http://", "https://")):
        return f"{rest_api.rstrip('/')}/state"
    return f"{'https' if has_tls else 'http'}://{rest_api}/state"


def _context(
    ca: str | Path | None, certificate: str | Path | None, key: str | Path | None
) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except OSError as error:  # what OpenSSL raises is one too
        named = ", ".join(str(path) for path in (ca, certificate, key) if path is not None)
        raise InvalidInputError(f"{named}: cannot be read as PEM files: {error}.") from error
    return context


def _state(url: str, request: Request, context: ssl.SSLContext, timeout_seconds: float) -> Any:
    try:
        with urlopen(request, timeout=timeout_seconds, context=context) as response:
            return json.loads(response.read(_LONGEST_ANSWER_BYTES))
    except HTTPError as error:
        error.close()
        if error.code == _UNAUTHORIZED:
            raise InvalidInputError(
                f"{url}: needs a bearer token that the server knows. Received: "
                f"{'another' if request.has_header('Authorization') else 'none'}."
            ) from error
        raise _unexpected(url) from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or repr(error)
        raise ServableUnavailableError(f"{url}: cannot be asked: {reason}.") from error
    except ValueError as error:
        raise _unexpected(url) from error


def _unexpected(url: str) -> InvalidInputError:
    return InvalidInputError(
        f"{url}: must be the state page of this package's model server; TensorFlow Serving has "
        "none. Received: something else."
    )

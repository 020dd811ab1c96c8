"""Verifies that a version answers what training computed, loaded here and over a server."""

import os
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from lstm_sentiment.checks import at_least, one_of, positive_seconds
from lstm_sentiment.client.access import AccessRefusedError, TLSConfig
from lstm_sentiment.client.address import read_grpc_address
from lstm_sentiment.client.rest_client import RestClient, rest_url
from lstm_sentiment.errors import (
    InvalidInputError,
    LstmSentimentError,
    MissingExtraError,
    ServableUnavailableError,
)
from lstm_sentiment.models_config.version_label import chosen_label
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.serving.errors import LightEngineRefusedError
from lstm_sentiment.serving.loading.options import Engine
from lstm_sentiment.version_folder import (
    example_answers,
    find_version,
    load_card,
    servable_name,
    version_number,
)
from lstm_sentiment.versions.verification.answers import Expectation, compare

if TYPE_CHECKING:
    from lstm_sentiment.versions.verification.transports import LocalTransport, Transport

# Without a scheme, which `tls` decides.


@dataclass(frozen=True)
class TransportResult:
    """Differences of one signature over one transport.

    Attributes:
        way: The transport's name: `light twin`, `saved model`, `grpc` or `rest`.
        signature: The signature's key; `all` if the light engine refused the version.
        largest_difference: Largest difference of a probability from the card's; `None` without
            probabilities.
        problem: The first error in one line; `None` if all is right.
    """

    way: str
    signature: str
    largest_difference: float | None
    problem: str | None


@dataclass(frozen=True)
class Verification:
    """The result of `verify_version`.

    Attributes:
        version_dir: The version's folder.
        texts: Number of texts sent to each signature.
        tolerance: Largest allowed difference of a probability.
        ways: The result of each transport and signature.
    """

    version_dir: Path
    texts: int
    tolerance: float
    ways: tuple[TransportResult, ...]

    @property
    def largest_difference(self) -> float | None:
        """Largest difference over all transports; `None` if no transport returned probabilities."""
        found = [way.largest_difference for way in self.ways if way.largest_difference is not None]
        return max(found, default=None)

    @property
    def is_equal(self) -> bool:
        """True if every transport returned the answers of the card."""
        return all(way.problem is None for way in self.ways)

    def to_dict(self) -> dict[str, Any]:
        """Returns the result as `verify --json` prints it."""
        return {
            "version_dir": str(self.version_dir),
            "texts": self.texts,
            "largest_difference": self.largest_difference,
            "tolerance": self.tolerance,
            "equal": self.is_equal,
            "ways": [asdict(way) for way in self.ways],
        }


def verify_version(
    model_dir: str | os.PathLike[str],
    *,
    server: str | None = None,
    rest_api: str | None = None,
    engine: Engine = "auto",
    model_name: str | None = None,
    version: int | None = None,
    version_label: str | None = None,
    label: str | None = None,
    tolerance: float = 1e-5,
    timeout_seconds: float = 10.0,
    tls: TLSConfig | bool = False,
    token: str | None = None,
    progress: Progress = SILENT,
) -> Verification:
    """Compares a version's answers to the texts of its card with the answers in the card.

    Training computed the card's answers before the version was written. Each available engine loads
    the version in this process and answers; a server answers too if its address is given. All texts
    are sent together to each signature of the version: `text`, `tokens`, `serving_default`,
    `classify` and `explain`. Only `explain` of a server gets them one by one.

    Args:
        model_dir: A version's folder, or a base path, whose highest version is used.
        server: `host:port` of a server's gRPC.
        rest_api: `host:port` of a server's REST, or its URL.
        engine: The engine that loads the version here: `light` loads its light twin, `tensorflow`
            its SavedModel; `auto` both, if the twin exists and TensorFlow is installed.
        model_name: The model's name on the server. `None` takes the name of the base path's folder.
        version: The version on the server. `None`, without a label, uses the number of the version
            on disk.
        version_label: The version label on the server.
        label: `version_label` by its name in earlier releases.
        tolerance: The largest allowed difference of a probability.
        timeout_seconds: The deadline of one request.
        tls: As `PredictClient` takes it, for both addresses.
        token: As `PredictClient` takes it, for both addresses.
        progress: Shows each signature.

    Returns:
        The differences. Wrong answers and refusals of single requests are part of the result.

    Raises:
        InvalidInputError: If an argument breaks a rule, the version's card holds no examples, or a
            server does not accept the token or the client certificate.
        ServableNotFoundError: If there is no version on disk.
        ServableUnavailableError: If the version cannot be loaded, or a server not be reached.
        MissingExtraError: If the version needs TensorFlow, which is not installed.
    """
    version_label = chosen_label(version, version_label, label)
    check_verification(server, rest_api, version, version_label, tolerance, timeout_seconds)
    if server is None and rest_api is None and (tls or token is not None):
        raise InvalidInputError("`tls` and `token` need `server` or `rest_api`. Received: neither.")
    version_dir = find_version(Path(model_dir))
    expected = _expectation(version_dir, tolerance, version)
    # After all checks, since importing TensorFlow takes seconds.
    from lstm_sentiment.client.predict_client import PredictClient
    from lstm_sentiment.versions.verification.rest_transport import REST_RULE, RestTransport
    from lstm_sentiment.versions.verification.transports import GrpcTransport

    name = model_name or servable_name(version_dir)
    asked = version_number(version_dir) if version is None and version_label is None else version
    here, results = _loaded(version_dir, engine)
    connection: dict[str, Any] = {"timeout_seconds": timeout_seconds, "tls": tls, "token": token}
    with ExitStack() as open_clients:
        transports: list[Transport] = [*here]
        if server is not None:
            client = PredictClient(
                server, name, version=asked, version_label=version_label, **connection
            )
            transports.append(GrpcTransport(open_clients.enter_context(client)))
        if rest_api is not None:
            rest_client = RestClient(rest_api, REST_RULE, **connection)
            transports.append(
                RestTransport(rest_client, name, version=asked, version_label=version_label)
            )
        requests = list(product(transports, here[0].signatures))
        with progress.step("Verifying", len(requests)) as advance:
            for transport, signature in requests:
                results.append(_result(transport, signature, expected))
                advance(status=f"{transport.name}, {signature}")
    return Verification(version_dir, len(expected.examples), tolerance, tuple(results))


def check_verification(
    server: str | None,
    rest_api: str | None,
    version: int | None,
    version_label: str | None,
    tolerance: float,
    timeout_seconds: float,
) -> None:
    """Checks arguments of `verify_version` before a file is read.

    Raises:
        InvalidInputError: If an argument breaks a rule.
    """
    if server is not None:
        read_grpc_address(server, has_tls=False)
    if rest_api is not None:
        rest_url(rest_api)
    if server is None and rest_api is None and (version, version_label) != (None, None):
        raise InvalidInputError(
            "`version` and `version_label` need `server` or `rest_api`. Received: neither."
        )
    chosen_label(version, version_label)
    at_least(0, version=version)
    at_least(0, tolerance=tolerance)
    positive_seconds(timeout_seconds=timeout_seconds)


def _loaded(
    version_dir: Path, engine: Engine
) -> "tuple[list[LocalTransport], list[TransportResult]]":
    """Loads a version by the chosen engines, at least one, and reports a twin that is refused."""
    from lstm_sentiment.light_twin.description import has_light_twin
    from lstm_sentiment.versions.verification.transports import LIGHT_TWIN, LocalTransport

    if engine != "auto":
        one_of(get_args(Engine), engine=engine)
        return [LocalTransport(version_dir, engine)], []
    if not has_light_twin(version_dir):
        return [LocalTransport(version_dir, "tensorflow")], []
    loaded, refused = [], []
    try:
        loaded.append(LocalTransport(version_dir, "light"))
    except LightEngineRefusedError as error:
        refused.append(TransportResult(LIGHT_TWIN, "all", None, str(error)))
    try:
        loaded.append(LocalTransport(version_dir, "tensorflow"))
    except MissingExtraError as missing:
        # Without TensorFlow, a twin that answers is enough.
        if refused:
            reason = f"{refused[0].problem} And {missing}"
            raise MissingExtraError(reason, name=missing.name) from missing
    return loaded, refused


def _expectation(version_dir: Path, tolerance: float, asked_version: int | None) -> Expectation:
    """Reads from the version's card the answers that are expected."""
    card = load_card(version_dir) or {}
    examples = example_answers(version_dir, card)
    if not examples:
        raise InvalidInputError(
            f"{version_dir}: must hold examples in its assets.extra/sentiment.json, as this "
            "release of `fit` writes them. Received: none."
        )
    labels = card.get("labels")
    temperature = card.get("temperature", 1.0)
    sizes = {len(example.probabilities) for example in examples}
    if not isinstance(labels, list) or sizes != {len(labels)}:
        raise InvalidInputError(
            f"{version_dir}: each example of its card must have a probability for each label."
        )
    if not isinstance(temperature, float | int) or not temperature > 0:
        raise InvalidInputError(
            f"{version_dir}: the temperature of its card must be positive. "
            f"Received: {temperature!r}."
        )
    number = version_number(version_dir)
    return Expectation(
        examples,
        tuple(map(str, labels)),
        temperature=temperature,
        tolerance=tolerance,
        version=asked_version if number is None else number,
    )


def _result(transport: "Transport", signature: str, expected: Expectation) -> TransportResult:
    try:
        difference, problem = compare(transport.ask(signature, expected), expected)
    except (ServableUnavailableError, AccessRefusedError):
        raise  # no request would be answered, so there is nothing to compare
    except LstmSentimentError as error:
        difference, problem = None, " ".join(str(error).split())
    return TransportResult(transport.name, signature, difference, problem)

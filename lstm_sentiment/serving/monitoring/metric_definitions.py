"""The metrics: those of TensorFlow Serving, and this server's own.

Names, labels, units and buckets of the former are those of
`tensorflow_serving/servables/tensorflow/util.cc`, `tensorflow_serving/batching/batching_session.cc`
and `tensorflow/cc/saved_model/loader.cc`, with the names that
`tensorflow_serving/util/prometheus_exporter.cc` makes of theirs.
"""

from lstm_sentiment.serving.monitoring.metric_series import (
    Histogram,
    Metric,
    Scalar,
    exponential_bounds,
)

OF_VERSION = ("model_name", "version")
"""The first labels of a metric that belongs to one version, and is removed with it."""

SHADOW_VERSION = "shadow_version"
"""The label of the shadow version, in a metric that belongs to two versions."""

_OF_MODEL = ("model_name",)
_LATENCY_BOUNDS = exponential_bounds(10, 1.8, 33)
_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5)
_SECONDS_BOUNDS = (*_SECONDS, 1.0, 2.5, 5.0, 10.0)
_BATCH_BOUNDS = exponential_bounds(1, 2, 12)
_LENGTHS = (0, 1, 2, 5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 400, 500, 750)
_LENGTH_BOUNDS = (*_LENGTHS, 1000, 1500, 2000, 3000, 5000, 10_000, 100_000)
_RATE_BOUNDS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0)
_DIFFERENCE_BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)

REQUEST_COUNT = Scalar(
    "counter", ":tensorflow:serving:request_count", "Requests.", (*_OF_MODEL, "status")
)
REQUEST_LATENCY = Histogram(
    ":tensorflow:serving:request_latency",
    "Microseconds that answered requests took.",
    (*_OF_MODEL, "API", "entrypoint"),
    _LATENCY_BOUNDS,
)
RUNTIME_LATENCY = Histogram(
    ":tensorflow:serving:runtime_latency",
    "Microseconds that the model took for requests.",
    (*_OF_MODEL, "API", "runtime"),
    _LATENCY_BOUNDS,
)
REQUEST_EXAMPLE_COUNTS = Histogram(
    ":tensorflow:serving:request_example_counts",
    "Examples in a request.",
    ("model",),
    exponential_bounds(1, 2, 15),
)
REQUEST_EXAMPLE_COUNT_TOTAL = Scalar(
    "counter", ":tensorflow:serving:request_example_count_total", "Examples.", ("model",)
)
QUEUING_LATENCY = Histogram(
    ":tensorflow:serving:batching_session:queuing_latency",
    "Microseconds that requests waited for their batch.",
    ("thread_pool_name",),
    exponential_bounds(100, 1.2, 52),
)
WRAPPED_RUN_COUNT = Scalar(
    "counter", ":tensorflow:serving:batching_session:wrapped_run_count", "Batches computed."
)
LOAD_ATTEMPT_COUNT = Scalar(
    "counter",
    ":tensorflow:cc:saved_model:load_attempt_count",
    "Loads of a version; the retries of one are counted with it.",
    ("model_path", "status"),
)
LOAD_LATENCY = Scalar(
    "counter",
    ":tensorflow:cc:saved_model:load_latency",
    "Microseconds that successful loads took, warmup included.",
    ("model_path",),
)
REQUEST_LOG_COUNT = Scalar(
    "counter",
    ":tensorflow:serving:request_log_count",
    "Requests sampled for the request log: OK where they are in a file, RESOURCE_EXHAUSTED where "
    "too many waited, UNAVAILABLE where they could not be written.",
    (*_OF_MODEL, "status_code"),
)

REQUESTS = Scalar(
    "counter",
    "lstm_sentiment_requests_total",
    "Requests of every kind, by the version that answered.",
    (*OF_VERSION, "api", "entrypoint", "status"),
)
SERVABLE_STATE = Scalar(
    "gauge",
    "lstm_sentiment_servable_state",
    "10 START, 20 LOADING, 30 AVAILABLE, 40 UNLOADING, 50 failed to load.",
    OF_VERSION,
)
TRAINED = Scalar(
    "gauge",
    "lstm_sentiment_trained_timestamp_seconds",
    "When the version was trained, in seconds since 1970.",
    OF_VERSION,
)
BATCH_SIZE = Histogram("lstm_sentiment_batch_size", "Rows in a request.", _OF_MODEL, _BATCH_BOUNDS)
EXECUTED_BATCH_SIZE = Histogram(
    "lstm_sentiment_executed_batch_size", "Rows computed at once.", _OF_MODEL, _BATCH_BOUNDS
)
LARGEST_BATCH = Scalar(
    "gauge",
    "lstm_sentiment_largest_batch",
    "Most rows computed at once by the objective of latency.",
    (*_OF_MODEL, "signature"),
)
QUEUE_SECONDS = Histogram(
    "lstm_sentiment_queue_seconds",
    "Seconds that requests waited for their batch.",
    _OF_MODEL,
    _SECONDS_BOUNDS,
)
RUN_SECONDS = Histogram(
    "lstm_sentiment_run_seconds", "Seconds that a batch took.", _OF_MODEL, _SECONDS_BOUNDS
)
TEXT_CHARACTERS = Histogram(
    "lstm_sentiment_text_characters", "Characters of a text.", OF_VERSION, _LENGTH_BOUNDS
)
TEXT_TOKENS = Histogram(
    "lstm_sentiment_text_tokens", "Tokens of a text.", OF_VERSION, _LENGTH_BOUNDS
)
OOV_RATE = Histogram(
    "lstm_sentiment_oov_rate",
    "Share of a text's tokens that the vocabulary lacks.",
    OF_VERSION,
    _RATE_BOUNDS,
)
TOKENS = Scalar(
    "counter", "lstm_sentiment_tokens_total", "Tokens that the model reads.", OF_VERSION
)
OOV_TOKENS = Scalar(
    "counter",
    "lstm_sentiment_oov_tokens_total",
    "Tokens that the model reads and the vocabulary lacks.",
    OF_VERSION,
)
TRUNCATED_TOKENS = Scalar(
    "counter",
    "lstm_sentiment_truncated_tokens_total",
    "Tokens that the model does not read, since the text is too long.",
    OF_VERSION,
)
TEXTS_NOT_MEASURED = Scalar(
    "counter",
    "lstm_sentiment_texts_not_measured_total",
    "Texts that were not measured, because too many waited for it.",
)

SHADOW_TEXTS = Scalar(
    "counter",
    "lstm_sentiment_shadow_texts_total",
    "Texts drawn for the shadow version, by outcome.",
    (*OF_VERSION, SHADOW_VERSION, "outcome"),
)
SHADOW_DIFFERENCE = Histogram(
    "lstm_sentiment_shadow_difference",
    "Largest difference of a class's probability between the two versions, for a text.",
    (*OF_VERSION, SHADOW_VERSION),
    _DIFFERENCE_BOUNDS,
)
REQUEST_LOG_BYTES = Scalar(
    "counter",
    "lstm_sentiment_request_log_bytes_total",
    "Bytes written to the request log.",
    _OF_MODEL,
)
REQUEST_LOG_STOPS = Scalar(
    "counter",
    "lstm_sentiment_request_log_stops_total",
    "Errors, such as a full disk, that stopped the request log.",
    _OF_MODEL,
)

DRIFT = Scalar(
    "gauge",
    "lstm_sentiment_drift",
    "1 where texts look different from those of training, else 0.",
    OF_VERSION,
)
DRIFT_EVIDENCE = Scalar(
    "gauge",
    "lstm_sentiment_drift_log10_e_value",
    "Evidence that texts look different from those of training.",
    OF_VERSION,
)
DRIFT_TEXTS = Scalar(
    "gauge", "lstm_sentiment_drift_texts", "Texts compared with those of training.", OF_VERSION
)

ACCESS_RELOADS = Scalar(
    "counter",
    "lstm_sentiment_access_reloads_total",
    "Changes of the files of certificate and tokens: taken, or refused.",
    ("file", "outcome"),
)
ACCESS_REFUSED = Scalar(
    "gauge",
    "lstm_sentiment_access_refused",
    "1 while a file of certificate or tokens is refused, and the old one in force.",
    ("file",),
)
REFUSED_IN_FLIGHT = Scalar(
    "counter",
    "lstm_sentiment_requests_refused_in_flight_total",
    "Requests that were refused because too many bytes were in flight.",
)

IDLE_CLOSED = Scalar(
    "counter",
    "lstm_sentiment_idle_connections_closed_total",
    "Connections that were idle longest, closed for new ones.",
    ("entrypoint",),
)
ACCEPT_PAUSES = Scalar(
    "counter",
    "lstm_sentiment_accept_pauses_total",
    "Times at which no connection could be accepted: all were in use, or no descriptor was left.",
    ("entrypoint",),
)

METRICS: tuple[Metric, ...] = (
    REQUEST_COUNT,
    REQUEST_LATENCY,
    RUNTIME_LATENCY,
    REQUEST_EXAMPLE_COUNTS,
    REQUEST_EXAMPLE_COUNT_TOTAL,
    QUEUING_LATENCY,
    WRAPPED_RUN_COUNT,
    LOAD_ATTEMPT_COUNT,
    LOAD_LATENCY,
    REQUEST_LOG_COUNT,
    REQUESTS,
    SERVABLE_STATE,
    TRAINED,
    BATCH_SIZE,
    EXECUTED_BATCH_SIZE,
    LARGEST_BATCH,
    QUEUE_SECONDS,
    RUN_SECONDS,
    TEXT_CHARACTERS,
    TEXT_TOKENS,
    OOV_RATE,
    TOKENS,
    OOV_TOKENS,
    TRUNCATED_TOKENS,
    TEXTS_NOT_MEASURED,
    SHADOW_TEXTS,
    SHADOW_DIFFERENCE,
    REQUEST_LOG_BYTES,
    REQUEST_LOG_STOPS,
    DRIFT,
    DRIFT_EVIDENCE,
    DRIFT_TEXTS,
    ACCESS_RELOADS,
    ACCESS_REFUSED,
    IDLE_CLOSED,
    ACCEPT_PAUSES,
    REFUSED_IN_FLIGHT,
)
"""All metrics, in the order of the page."""

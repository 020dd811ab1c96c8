#!/usr/bin/env bash
# One would guess: two libraries that measure under one name, as OpenTelemetry's semantic conventions ask them to,
# appear on the Prometheus page of OpenTelemetry's exporter as two series, each with its own labels and values.
#
# What happens: the exporter takes the names of the labels from the library that comes first, and assigns the values of
# the next library to them by position. If the two do not have the same set of attributes, each value stands under
# another name. With OpenTelemetry's own instrumentation of requests and of httpx in one process, a call of httpx
# has the method `200` and a URL as its status code, and the label with the name of the library is gone.
# Different attributes within one library have been right since an earlier fix. OpenTelemetry's SDK and OTLP are right.
#
# Versions: opentelemetry-exporter-prometheus, opentelemetry-instrumentation-requests and -httpx 0.66b1,
# opentelemetry-sdk 1.45.1, requests 2.34.2, httpx 0.28.1.
#
# Why it matters: requests and httpx are often in one process, one of them brought by a client of a cloud or of a model
# hub. An alarm on status codes of 500 and above never fires for the second library, and its calls are missing from each
# panel that groups by method or host. The page is valid, so neither the exporter nor Prometheus reports anything, and
# which library is wrong depends on their order in the process. Export with OTLP, or drop the attributes in which
# the libraries differ with a `View`.
#
# Seen on Linux x86-64, Python 3.11:
#   requests: http_method GET, http_status_code 200
#   httpx: http_method 200, http_status_code https://opentelemetry.io/schemas/1.11.0
#   httpx, in the SDK: http_method GET, http_status_code 200
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  opentelemetry-sdk==1.45.1 opentelemetry-exporter-prometheus==0.66b1 \
  opentelemetry-instrumentation-requests==0.66b1 opentelemetry-instrumentation-httpx==0.66b1 \
  requests==2.34.2 httpx==0.28.1

cat >"$folder/call.py" <<'PYTHON'
"""Calls a local server with two instrumented clients and prints the labels of the metric that both have."""
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import requests
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

SCOPE = "opentelemetry.instrumentation."


class Empty(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def shown(labels):
    """Returns two of the labels as a text."""
    return ", ".join(f"{key} {labels[key]}" for key in ("http_method", "http_status_code"))


server = HTTPServer(("127.0.0.1", 0), Empty)
threading.Thread(target=server.serve_forever, daemon=True).start()
memory = InMemoryMetricReader()
provider = MeterProvider([PrometheusMetricReader(), memory])
RequestsInstrumentor().instrument(meter_provider=provider)
HTTPXClientInstrumentor().instrument(meter_provider=provider)
url = f"http://127.0.0.1:{server.server_port}/"
assert requests.get(url, timeout=30).status_code == httpx.get(url, timeout=30).status_code == 200

page = text_string_to_metric_families(generate_latest().decode())
one, two = [
    sample.labels
    for family in page
    for sample in family.samples
    if sample.name == "http_client_duration_milliseconds_count"
]
(in_sdk,) = [
    {key.replace(".", "_"): value for key, value in metric.data.data_points[0].attributes.items()}
    for scope in memory.get_metrics_data().resource_metrics[0].scope_metrics
    if scope.scope.name == f"{SCOPE}httpx"
    for metric in scope.metrics
    if metric.name == "http.client.duration"
]
print("requests:", shown(one))
print("httpx:", shown(two))
print("httpx, in the SDK:", shown(in_sdk))
assert one["otel_scope_name"] == f"{SCOPE}requests" and "otel_scope_name" not in two
assert (one["http_method"], one["http_status_code"]) == ("GET", "200")
assert (in_sdk["http_method"], in_sdk["http_status_code"]) == ("GET", 200)
assert (two["http_method"], two["http_scheme"]) == ("200", f"{SCOPE}httpx")
assert two["http_status_code"].startswith("https://opentelemetry.io/schemas/")
server.shutdown()
PYTHON
timeout 120 "$folder/env/bin/python" "$folder/call.py"

#!/usr/bin/env bash
# One would guess: a metrics client adds up in Python's numbers, whatever type of number it is given. Prometheus'
# format has 64-bit floats, so a counter is exact up to 2**53, and OpenTelemetry counts in 64 bits.
#
# What happens: both clients compute `value = value + amount`, and from NumPy 2 on the type of a NumPy scalar
# prevails over Python's `int` and `float`. One increment by a float32 makes a counter of prometheus_client a float32
# for the rest of the process: after that, ordinary increments by 1 do nothing from 16,777,216 on. The sum of a
# Summary or Histogram that observes float32 is 1 % too high after a million observations of 0.1. In OpenTelemetry
# a counter keeps the integer type too: 3 times 100 as uint8 is 44, and 3 times 2**30 as int32 is a negative number,
# in a counter that refuses negative amounts. With NumPy 1.26 all of these are right. Nothing is logged but NumPy's
# warning about integers, once.
#
# Versions: prometheus-client 0.26.0, opentelemetry-sdk 1.45.2, numpy 2.4.6 and 1.26.4.
#
# Why it matters: probabilities, losses, lengths and sums of masks come from a model as float32 or int32. The counter
# of a busy server stops or runs backwards weeks after the start, `rate()` falls to 0, and the mean of the
# observations (sum divided by count) drifts away without any change of the model. The code was right until NumPy
# was upgraded. Convert before counting: `counter.inc(float(x))`.
#
# Seen on Linux x86-64, Python 3.11:
#   numpy 1.26.4, prometheus_client: counter 16777226, mean of 0.1 0.1000
#   numpy 1.26.4, OpenTelemetry: uint8 300, int32 3221225472
#   numpy 2.4.6, prometheus_client: counter 16777216, mean of 0.1 0.1010
#   numpy 2.4.6, OpenTelemetry: uint8 44, int32 -1073741824
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/count.py" <<'PYTHON'
"""Counts with NumPy's numbers and prints the counters."""
import sys

import numpy as np
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry, Counter, Summary

EXPECTED = {
    "1.26.4": ((16_777_226, 0.1), {"uint8": 300, "int32": 3_221_225_472}),
    "2.4.6": ((16_777_216, 0.101), {"uint8": 44, "int32": -1_073_741_824}),
}
OBSERVATIONS = 1_000_000


def by_prometheus():
    """Returns a counter that should be 16,777,226, and the mean of equal observations of 0.1."""
    registry = CollectorRegistry()
    tokens = Counter("tokens", "Tokens.", registry=registry)
    tokens.inc(np.float32(1))
    tokens.inc(2**24 - 1)
    for _ in range(10):
        tokens.inc()
    score = Summary("score", "Scores.", registry=registry)
    for _ in range(OBSERVATIONS):
        score.observe(np.float32(0.1))
    assert registry.get_sample_value("score_count") == OBSERVATIONS
    mean = registry.get_sample_value("score_sum") / OBSERVATIONS
    return int(registry.get_sample_value("tokens_total")), round(float(mean), 4)


def by_opentelemetry():
    """Returns two counters, after three equal amounts each."""
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader]).get_meter("test")
    for dtype, amount in ((np.uint8, 100), (np.int32, 2**30)):
        counter = meter.create_counter(dtype.__name__)
        for _ in range(3):
            counter.add(dtype(amount))
    (scope,) = reader.get_metrics_data().resource_metrics[0].scope_metrics
    return {metric.name: int(metric.data.data_points[0].value) for metric in scope.metrics}


found = by_prometheus(), by_opentelemetry()
(counter, mean), sums = found
print(f"numpy {np.__version__}, prometheus_client: counter {counter}, mean of 0.1 {mean:.4f}")
print(f"numpy {np.__version__}, OpenTelemetry:", ", ".join(f"{name} {value}" for name, value in sums.items()))
sys.exit(found != EXPECTED[np.__version__])
PYTHON
for numpy in 1.26.4 2.4.6; do
  python3 -m venv "$folder/$numpy"
  "$folder/$numpy/bin/pip" install --quiet --disable-pip-version-check \
    "numpy==$numpy" prometheus-client==0.26.0 opentelemetry-sdk==1.45.2
  "$folder/$numpy/bin/python" -W ignore "$folder/count.py"
done

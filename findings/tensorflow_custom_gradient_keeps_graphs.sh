#!/usr/bin/env bash
# One would guess: the graph of a `tf.function` is freed with the function and the model that it belongs to, whatever
# the function calls. A gradient written by hand with `tf.custom_gradient` is part of that graph.
#
# What happens: each trace that meets a `tf.custom_gradient` registers its gradient under a new name, for the life of
# the process, and nothing removes it. In TensorFlow 2.21 the registered function holds the result of the forward pass,
# and with it the whole graph, all other operations and nested functions included. 2.22.0rc0 no longer holds the result,
# which frees graphs whose gradient uses nothing but the incoming gradient. A gradient that uses a tensor of the forward
# pass, as nearly every useful one does, still keeps its graph. `keras.backend.clear_session()` and `gc.collect()` change
# nothing. Known since 2019 (tensorflow issues 27492 and 97697); the second is closed by the change in 2.22.
#
# Versions: tensorflow 2.21.0 with keras 3.15.1, and 2.22.0rc0 with keras-nightly 3.16.0.dev2026102704.
#
# Why it matters: a process that trains many models, such as a search for hyperparameters, a cross-validation or a test
# suite, grows with each of them, and profilers of Python's memory see little of it, because operations lie in C++.
# Train in processes of their own, or write the gradient without `tf.custom_gradient`.
#
# Seen on Linux x86-64, Python 3.11 (graphs in memory after ten models were deleted):
#   TensorFlow 2.21.0: no custom gradient 0, one that uses no tensor 10, one that uses a tensor 10
#   TensorFlow 2.22.0-rc0: no custom gradient 0, one that uses no tensor 0, one that uses a tensor 10
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/keep.py" <<'PYTHON'
"""Counts the graphs that outlive their functions, by the kind of gradient."""
import gc
import sys
import weakref

import keras
import tensorflow as tf

EXPECTED = {"2.21.0": (0, 10, 10), "2.22.0-rc0": (0, 0, 10)}
MODELS = 10


@tf.custom_gradient
def without_tensor(x):
    return tf.identity(x), lambda upstream: 2.0 * upstream


@tf.custom_gradient
def with_tensor(x):
    return tf.square(x), lambda upstream: 2.0 * x * upstream


def graph_of_a_model(layer):
    """Returns a weak reference to the graph of a training step, which is deleted with its variable."""
    weights = tf.Variable(tf.ones((4, 4)))

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(x @ weights))
        weights.assign_sub(tape.gradient(loss, weights))

    step(tf.ones((1, 4)))
    return weakref.ref(step.get_concrete_function(tf.TensorSpec((1, 4))).graph)


def kept(layer):
    """Returns how many graphs are in memory when their functions are gone."""
    graphs = [graph_of_a_model(layer) for _ in range(MODELS)]
    keras.backend.clear_session()
    gc.collect()
    return sum(graph() is not None for graph in graphs)


found = kept(tf.identity), kept(without_tensor), kept(with_tensor)
none, unused, used = found
print(
    f"TensorFlow {tf.__version__}: no custom gradient {none}, one that uses no tensor {unused}, "
    f"one that uses a tensor {used}"
)
sys.exit(found != EXPECTED[tf.__version__])
PYTHON
for packages in "tensorflow==2.21.0 keras==3.15.1" "tensorflow==2.22.0rc0 keras-nightly==3.16.0.dev2026102704"; do
  rm -rf "$folder/env"
  python3 -m venv "$folder/env"
  # shellcheck disable=SC2086
  "$folder/env/bin/pip" install --quiet --disable-pip-version-check $packages
  TF_CPP_MIN_LOG_LEVEL=3 "$folder/env/bin/python" "$folder/keep.py" 2>"$folder/log" || { cat "$folder/log"; exit 1; }
done

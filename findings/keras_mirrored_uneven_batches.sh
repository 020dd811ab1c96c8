#!/usr/bin/env bash
# One would guess: under `tf.distribute.MirroredStrategy` Keras' `fit` divides a batch among the replicas and
# weighs each row alike, as on one device. A last batch that cannot be divided evenly is weighed by its rows,
# as TensorFlow's guide to distributed training does it.
#
# What happens: each replica averages over its own rows, and the averages are added up with equal weights. In
# a last batch of three rows on two replicas, the row that is alone on its replica counts twice as much as each
# of the other two. The loss that `fit` reports is the right mean over rows, so that nothing shows it. And if
# the first batch is uneven, because the table has three rows, `fit` and `evaluate` raise
# InvalidArgumentError from an op `AddN`, while `predict` answers.
#
# Versions: tensorflow 2.21.0, keras 3.15.1.
#
# Why it matters: the smaller the last batch, the heavier its rows: one row alone is a whole batch. With the
# same order in each epoch it is always the same row. Results of one device and of several differ by more than
# rounding, and a small test table cannot be trained on at all. Use `drop_remainder=True` or a number of rows
# that the replicas divide.
#
# Seen on Linux x86-64, Python 3.11 (7 rows in batches of 4, only the last row has an error):
#   one device: weight 0.4, loss 5.143
#   two replicas: weight 0.6, loss 5.143
#   two replicas, 3 rows: fit: InvalidArgumentError, evaluate: InvalidArgumentError, predict: 3 rows
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 keras==3.15.1

cat >"$folder/uneven.py" <<'PYTHON'
"""Trains on seven rows, then on three, on one device and on two replicas."""
import keras
import numpy as np
import tensorflow as tf

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
ONE = tf.distribute.OneDeviceStrategy("CPU:0")
TWO = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def model_of(strategy):
    """Returns a model of one weight, which starts at 0."""
    with strategy.scope():
        model = keras.Sequential(
            [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
        )
        model.compile(keras.optimizers.SGD(0.1), "mse")
    return model


def outcome(call):
    """Returns the number of rows of an answer, `ok`, or the name of an exception."""
    try:
        answer = call()
    except tf.errors.InvalidArgumentError as error:
        assert "AddN" in str(error)
        return type(error).__name__
    return f"{len(answer)} rows" if isinstance(answer, np.ndarray) else "ok"


inputs, targets = np.ones((7, 1)), np.array([[0.0]] * 6 + [[6.0]])
found = []
for name, strategy in (("one device", ONE), ("two replicas", TWO)):
    model = model_of(strategy)
    history = model.fit(inputs, targets, batch_size=4, shuffle=False, verbose=0).history
    found.append((round(float(model.get_weights()[0][0, 0]), 3), round(history["loss"][0], 3)))
    print(f"{name}: weight {found[-1][0]}, loss {found[-1][1]}")
assert found == [(0.4, 5.143), (0.6, 5.143)]

calls = {
    "fit": lambda model: model.fit(inputs[:3], targets[:3], verbose=0),
    "evaluate": lambda model: model.evaluate(inputs[:3], targets[:3], verbose=0),
    "predict": lambda model: model.predict(inputs[:3], verbose=0),
}
assert [outcome(lambda c=call: c(model_of(ONE))) for call in calls.values()] == ["ok", "ok", "3 rows"]
small = {name: outcome(lambda c=call: c(model_of(TWO))) for name, call in calls.items()}
print("two replicas, 3 rows:", ", ".join(f"{name}: {what}" for name, what in small.items()))
assert list(small.values()) == ["InvalidArgumentError", "InvalidArgumentError", "3 rows"]
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/env/bin/python" "$folder/uneven.py" 2>"$folder/log" || { cat "$folder/log"; exit 1; }

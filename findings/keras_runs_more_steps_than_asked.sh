#!/usr/bin/env bash
# One would guess: `steps_per_execution` of `compile` only sets how many batches run in one call of the graph. `fit`
# with `steps_per_epoch=10` takes 10 steps in an epoch, `evaluate` with `steps=10` averages 10 batches, and `predict`
# with `steps=10` returns the rows of 10, whatever its value; Keras 2 shortens the last call to what is left.
#
# What happens: the number of steps is rounded up to a multiple of `steps_per_execution`. With 4 an epoch of 10 steps
# takes 12 steps, `evaluate` reads 12 batches and `predict` returns the rows of 12. Where the data are endless or
# longer there is no warning. Where they have 10 batches and their number is known, all three are right.
#
# Versions: tensorflow 2.21.0, keras 3.15.1; for comparison tf_keras 2.21.0, which is Keras 2.
#
# Why it matters: steps are given for endless streams, and `compile` documents `steps_per_execution` as a setting for
# speed, for small models. A learning rate schedule over `epochs * steps_per_epoch` ends too early, two values train
# two different models, the rows of `predict` no longer fit the table of labels beside them, and an evaluation has
# batches that were not asked for. Choose steps that it divides.
#
# Seen on Linux x86-64, Python 3.11 (batches of one row, 10 steps):
#   Keras 3, endless data, 1 in a call: 10 trained, 10 evaluated, 10 predicted
#   Keras 3, endless data, 4 in a call: 12 trained, 12 evaluated, 12 predicted
#   Keras 3, endless data, 7 in a call: 14 trained, 14 evaluated, 14 predicted
#   Keras 3, 10 batches, 4 in a call: 10 trained, 10 evaluated, 10 predicted
#   Keras 2, endless data, 4 in a call: 10 trained, 10 evaluated, 10 predicted
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 keras==3.15.1 tf_keras==2.21.0

cat >"$folder/steps.py" <<'PYTHON'
"""Asks for 10 steps of training, evaluation and prediction, with 1, 4 and 7 steps in a call."""
import keras
import numpy as np
import tensorflow as tf
import tf_keras

ROWS = np.arange(100, dtype=np.float32)[:, None]


def counts(library, steps_per_execution, data):
    """Returns the steps of an epoch, the batches that were evaluated, and the rows that were predicted."""
    model = library.Sequential([library.layers.Input((1,)), library.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(library.optimizers.SGD(0.0), "mae", steps_per_execution=steps_per_execution)
    model.fit(data, steps_per_epoch=10, verbose=0)
    # The model answers 0, so that the mean error of the rows 0, 1, ... n - 1 is (n - 1) / 2.
    error = model.evaluate(data, steps=10, verbose=0)
    return int(model.optimizer.iterations), round(2 * error + 1), len(model.predict(data, steps=10, verbose=0))


endless = tf.data.Dataset.from_tensor_slices((ROWS, ROWS)).repeat().batch(1)
exact = tf.data.Dataset.from_tensor_slices((ROWS[:10], ROWS[:10])).batch(1)
for name, library, steps_per_execution, data, expected in (
    ("Keras 3, endless data", keras, 1, endless, 10),
    ("Keras 3, endless data", keras, 4, endless, 12),
    ("Keras 3, endless data", keras, 7, endless, 14),
    ("Keras 3, 10 batches", keras, 4, exact, 10),
    ("Keras 2, endless data", tf_keras, 4, endless, 10),
):
    trained, evaluated, predicted = counts(library, steps_per_execution, data)
    print(f"{name}, {steps_per_execution} in a call: {trained} trained, {evaluated} evaluated, {predicted} predicted")
    assert trained == evaluated == predicted == expected
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/env/bin/python" "$folder/steps.py" 2>"$folder/log" || { cat "$folder/log"; exit 1; }

#!/usr/bin/env bash
# One would guess: `clipnorm`, `global_clipnorm` and `clipvalue` of a Keras optimizer limit the gradient of a
# step. Under `tf.distribute.MirroredStrategy` they limit the sum over the replicas, since that sum is the
# gradient of the whole batch, so that the same batch gives the same step on one device and on two.
#
# What happens: each replica clips its own share first, and the clipped shares are added up. With N replicas a
# step may be N times as long as the limit. Where the shares point in opposite directions, each is cut to the
# limit and they cancel each other, so that the weight does not move although the whole gradient is far over the
# limit. There is no warning, and the reported loss is right.
#
# Versions: tensorflow 2.21.0, keras 3.15.1.
#
# Why it matters: recurrent networks are trained with clipping. A limit that was found on one device is another
# limit on two or eight, and a comparison of "one device against several" differs in more than rounding. Divide
# the limit by the number of replicas (right where their gradients agree), or sum the gradients and clip in
# a `train_step` of your own.
#
# Seen on Linux x86-64, Python 3.11 (one weight, a batch of two rows, a limit of 1):
#   targets -30 and -30, gradient 60: no limit: 60, 60; global_clipnorm: 1, 2; clipnorm: 1, 2; clipvalue: 1, 2
#   targets 5 and -30, gradient 25: no limit: 25, 25; global_clipnorm: 1, 0; clipnorm: 1, 0; clipvalue: 1, 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 keras==3.15.1

cat >"$folder/clip.py" <<'PYTHON'
"""Makes one step of gradient descent on one device and on two replicas, and prints the gradient that was applied."""
import keras
import numpy as np
import tensorflow as tf

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
STRATEGIES = [tf.distribute.OneDeviceStrategy("CPU:0"), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])]
LIMITS = [{}, {"global_clipnorm": 1.0}, {"clipnorm": 1.0}, {"clipvalue": 1.0}]


def applied(strategy, targets, limit):
    """Returns the gradient that a step applied: the weight starts at 0, and the learning rate is 1."""
    with strategy.scope():
        model = keras.Sequential(
            [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")]
        )
        model.compile(keras.optimizers.SGD(1.0, **limit), "mse")
    model.fit(np.ones((2, 1)), np.array(targets)[:, None], batch_size=2, verbose=0)
    return round(-float(model.get_weights()[0][0, 0]), 3) + 0.0


found = {}
for targets in ([-30.0, -30.0], [5.0, -30.0]):
    steps = [[applied(strategy, targets, limit) for strategy in STRATEGIES] for limit in LIMITS]
    shown = [
        f"{next(iter(limit), 'no limit')}: {one:g}, {two:g}"
        for limit, (one, two) in zip(LIMITS, steps, strict=True)
    ]
    print(f"targets {targets[0]:g} and {targets[1]:g}, gradient {steps[0][0]:g}: {'; '.join(shown)}")
    found[targets[0]] = steps
assert found[-30.0] == [[60, 60], [1, 2], [1, 2], [1, 2]]
assert found[5.0] == [[25, 25], [1, 0], [1, 0], [1, 0]]
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/env/bin/python" "$folder/clip.py" 2>"$folder/log" || { cat "$folder/log"; exit 1; }

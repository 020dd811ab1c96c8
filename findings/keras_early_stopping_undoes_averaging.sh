#!/usr/bin/env bash
# One would guess: an optimizer with `use_ema=True` leaves its averaged weights in the model after `fit`, as documented.
# `EarlyStopping(restore_best_weights=True)` chooses the epoch, and `SwapEMAWeights`, which measures each epoch with the
# averaged weights, makes it choose by them. So the restored model has the `val_loss` that was reported for its epoch.
#
# What happens: `fit` puts the averaged weights into the model and calls the end of the callbacks after that, where
# `EarlyStopping` restores what it had copied: the weights of the last step of the best epoch, without the average.
# With `SwapEMAWeights()` beside it the history shows the losses of the averaged weights, and the model is left with
# others. `swap_on_epoch=True` helps if `SwapEMAWeights` stands before `EarlyStopping`; in the other order nothing
# changes. Without `restore_best_weights`, `swap_on_epoch=True` does harm: if training stops before its last epoch,
# the model is left without the average. No case gives a warning.
#
# Versions: tensorflow 2.21.0, keras 3.15.1.
#
# Why it matters: `use_ema` is set for its average, which makes a better model at the end of noisy training. The
# exported model is another one than the history describes, and `use_ema` only costs time and memory. Evaluate after
# `fit` and compare with the history, or put `SwapEMAWeights(swap_on_epoch=True)` before a restoring `EarlyStopping`.
#
# Seen on Linux x86-64, Python 3.11 (gradient descent with a learning rate that is too large):
#   no callback: best val_loss 1.257, model 0.752
#   EarlyStopping: best val_loss 1.257, model 1.257
#   EarlyStopping, SwapEMAWeights: best val_loss 0.744, model 1.257
#   EarlyStopping, SwapEMAWeights on epoch: best val_loss 0.744, model 1.257
#   SwapEMAWeights on epoch, EarlyStopping: best val_loss 0.744, model 0.744
#   SwapEMAWeights on epoch: best val_loss 0.744, model 0.752
#   SwapEMAWeights on epoch, EarlyStopping without restoring: best val_loss 0.744, model 1.257
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 keras==3.15.1

cat >"$folder/average.py" <<'PYTHON'
"""Fits one model with averaged weights and different callbacks, and compares its loss with the history."""
import keras
import numpy as np
from keras.callbacks import EarlyStopping, SwapEMAWeights

x = np.random.default_rng(0).normal(size=(256, 4)).astype(np.float32)
y = x.sum(axis=1, keepdims=True) + np.random.default_rng(1).normal(size=(256, 1)).astype(np.float32)
train, validation = (x[:200], y[:200]), (x[200:], y[200:])


def losses(*callbacks):
    """Returns the lowest validation loss of the history, and the loss of the model after `fit`."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.3, use_ema=True, ema_momentum=0.9), "mse")
    history = model.fit(
        *train, batch_size=8, epochs=8, shuffle=False, validation_data=validation, callbacks=callbacks, verbose=0
    )
    return min(history.history["val_loss"]), model.evaluate(*validation, verbose=0)


def stop(restore=True):
    """Returns an `EarlyStopping` that stops after two epochs without improvement."""
    return EarlyStopping(patience=2, restore_best_weights=restore)


averaged = losses()[1]
found = {
    "no callback": losses(),
    "EarlyStopping": losses(stop()),
    "EarlyStopping, SwapEMAWeights": losses(stop(), SwapEMAWeights()),
    "EarlyStopping, SwapEMAWeights on epoch": losses(stop(), SwapEMAWeights(swap_on_epoch=True)),
    "SwapEMAWeights on epoch, EarlyStopping": losses(SwapEMAWeights(swap_on_epoch=True), stop()),
    "SwapEMAWeights on epoch": losses(SwapEMAWeights(swap_on_epoch=True)),
    "SwapEMAWeights on epoch, EarlyStopping without restoring": losses(
        SwapEMAWeights(swap_on_epoch=True), stop(restore=False)
    ),
}
for name, (best, left) in found.items():
    print(f"{name}: best val_loss {best:.3f}, model {left:.3f}")


def is_averaged(name):
    """Returns whether the model was left with averaged weights, which have a much lower loss here."""
    return found[name][1] < 1.1 * averaged


assert found["EarlyStopping"][1] > 1.3 * averaged
assert [is_averaged(name) for name in found] == [True, False, False, False, True, True, False]
assert all(found[name][0] < 1.1 * averaged for name in found if "SwapEMAWeights" in name)
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/env/bin/python" "$folder/average.py" 2>"$folder/log" || { cat "$folder/log"; exit 1; }

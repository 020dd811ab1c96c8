"""Whether training on a GPU does what it does on a CPU, and how much faster.

    python -m benchmarks.gpu

Needs a GPU that TensorFlow sees; without one it says so, and ends well. One JSON object a line; a
check has `passed`, and where one fails the exit code is 1. Each training runs in a process of its
own, by `fit`, on made-up texts as long as hotel reviews are:

- `mirrored` on all GPUs has in each epoch the losses of one CPU, within 0.001: in float32, without
  TensorFloat-32, which would round the factors of all products to 10 bits;
- Keras' cuDNN kernel computes the LSTM and its gradient. It is in the graph or not, there is no
  choice left to the time of running;
- `mixed_bfloat16` trains: the losses are numbers and fall;
- a version exported there holds no cuDNN op, and in a process that sees no GPU gives the
  probabilities that the trained model gave on the GPU, within 0.0001;
- real tokens a second of the best epoch, padding not counted, beside the CPU, with TensorFloat-32.
"""

import json
import os
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import typer

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

import lstm_sentiment as ls
from benchmarks.gpu.checks import (
    Checks,
    compare_losses,
    compare_scores,
    cudnn_trains,
    losses_fall,
    no_cudnn,
    report,
)
from benchmarks.gpu.training import Training, outcome_of
from lstm_sentiment.system import usable_cpus

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, help="Checks training on a GPU."
)


@app.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Runs all checks; the commands are for processes that it starts."""
    if context.invoked_subcommand is not None:
        return
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        print("no GPU: TensorFlow sees none, so nothing was checked", file=sys.stderr)
        report("skipped", reason="TensorFlow sees no GPU")
        return
    names = [tf.config.experimental.get_device_details(gpu).get("device_name") for gpu in gpus]
    report("devices", gpus=names, cpu_cores=usable_cpus())
    with tempfile.TemporaryDirectory() as folder:
        passed = check_all(Path(folder))
    raise typer.Exit(0 if passed else 1)


@app.command(hidden=True)
def train(training: str, folder: Path) -> None:
    """Trains what a JSON object says, and leaves the outcome in a folder."""
    outcome = outcome_of(Training(**json.loads(training)), folder)
    (folder / "outcome.json").write_text(json.dumps(asdict(outcome)), "utf-8")


@app.command(hidden=True)
def score(version_dir: Path, texts: Path, probabilities: Path) -> None:
    """Scores the texts of a JSON list with a version, and leaves the probabilities as JSON."""
    predictions = ls.SavedModelPredictor(version_dir).predict(json.loads(texts.read_text("utf-8")))
    rows = [prediction.probabilities for prediction in predictions]
    probabilities.write_text(json.dumps(rows), "utf-8")


def check_all(folder: Path) -> bool:
    """Trains, compares and prints; returns whether all checks passed."""
    exact = Training(tensor_float_32=False)
    on_gpu = replace(exact, strategy="mirrored")
    checks = Checks(folder)
    cpu, gpu = checks.trained("CPU", exact), checks.trained("GPU", on_gpu)
    if cpu is not None and gpu is not None:
        checks.add("losses as on a CPU", lambda: compare_losses(gpu.losses, cpu.losses))
    if gpu is not None:
        checks.add("cuDNN computes the LSTM", lambda: cudnn_trains(gpu.cudnn_ops))
        checks.add("no cuDNN in the version", lambda: no_cudnn(gpu.saved_cudnn_ops))
        checks.add("scores without a GPU", lambda: compare_scores(gpu, on_gpu, folder))
    half = checks.trained("GPU, bfloat16", replace(on_gpu, precision="mixed_bfloat16"))
    if half is not None:
        checks.add("mixed_bfloat16 trains", lambda: losses_fall(half.losses[: on_gpu.epochs]))
    _compare_speed(checks)
    return checks.passed


def _compare_speed(checks: Checks) -> None:
    """Prints real tokens a second for a small and a large batch."""
    for batch_size, texts in ((64, 4_096), (512, 8_192)):
        training = Training(batch_size=batch_size, texts=texts, epochs=3)
        on_gpu = replace(training, strategy="mirrored")
        cpu = checks.trained("CPU", training)
        for precision in ("float32", "mixed_bfloat16"):
            gpu = checks.trained("GPU", replace(on_gpu, precision=precision))
            if cpu is None or gpu is None:
                continue
            report(
                f"training on GPU, {precision}, batch {batch_size}",
                per_second=round(gpu.tokens_per_second),
                ratio=round(gpu.tokens_per_second / cpu.tokens_per_second, 2),
                against=f"CPU, float32, batch {batch_size}",
                against_per_second=round(cpu.tokens_per_second),
            )


if __name__ == "__main__":
    app()

"""Two processes with the environment of an Indexed Job's pods run the command of training.yaml."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import REPOSITORY
from tests.corpora import hotel_like
from tests.integration.test_pipeline import save_classes
from tests.preloaded import preloaded
from tests.training.workers.test_cluster import free_addresses

pytestmark = pytest.mark.timeout(240)

# Stands in for `lstm-sentiment` in the image: the host name that Kubernetes sets and the cluster's
# DNS, which resolves the names in TF_CONFIG. The chief can be killed before its export.
PROGRAM = """#!{python}
import json, os, socket, sys

socket.gethostname = lambda: "sentiment-training-" + os.environ["JOB_COMPLETION_INDEX"]
if sys.argv[1] == "launch":
    from lstm_sentiment.cli.app import main
    main()
config = json.loads(os.environ["TF_CONFIG"])
names = config["cluster"]["worker"]
assert names == [f"sentiment-training-{{i}}.sentiment-training:2222" for i in range(2)], names
config["cluster"]["worker"] = {addresses!r}
os.environ["TF_CONFIG"] = json.dumps(config)
os.execv({fit}[0], [*{fit}, *sys.argv[1:]])
"""

FIT = """
import os, signal
from lstm_sentiment.cli.app import main
from lstm_sentiment.pipeline.publishing import Publisher
if os.environ["KILLED"]:
    Publisher.best = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
main()
"""


def pods(tmp_path: Path, shell: list[str], killed: int | None = None) -> list[tuple[int, str]]:
    """Starts both pods of a Job; returns the exit code and the output of each."""
    program = tmp_path / "bin" / "lstm-sentiment"
    program.parent.mkdir(exist_ok=True)
    text = PROGRAM.format(
        python=sys.executable, addresses=list(free_addresses(2)), fit=preloaded(FIT)
    )
    program.write_text(text)
    program.chmod(0o755)
    running = [
        subprocess.Popen(
            shell,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                **os.environ,
                "PATH": f"{program.parent}:{os.environ['PATH']}",
                "PYTHONPATH": str(REPOSITORY),
                "JOB_COMPLETION_INDEX": str(index),
                "RUN_DIR": str(tmp_path / "runs"),
                "KILLED": "yes" * (killed == index),
            },
        )
        for index in range(2)
    ]
    outputs = [pod.communicate()[0] for pod in running]
    return [(pod.returncode, output) for pod, output in zip(running, outputs, strict=True)]


def test_pods_train_together_and_go_on_after_the_chief_was_lost_before_its_export(
    tmp_path: Path,
) -> None:
    manifest = REPOSITORY / "serving_configs" / "kubernetes" / "training.yaml"
    _, job = yaml.safe_load_all(manifest.read_text("utf-8"))
    *shell, script = job["spec"]["template"]["spec"]["containers"][0]["command"]
    data = save_classes(hotel_like(60), tmp_path / "data")
    small = (
        "--set training.cross_validation=off --epochs 1 --batch-size 16 --max-length 10 "
        "--set model.lstm_units=4 --set vector_training.dim=8 --set vector_training.epochs=1"
    )
    for path, here in {
        "/data/reviews.csv": f"{data} {small}",
        "/models/sentiment": str(tmp_path / "models"),
    }.items():
        assert path in script
        script = script.replace(path, here)

    (killed, _), (code, output) = pods(tmp_path, [*shell, script], killed=0)
    # The index of the worker must not count as done: the chief cannot train without it.
    assert (killed, code) == (-signal.SIGKILL, 1), output
    assert "error: All workers must go on to the end." in output
    assert not (tmp_path / "models").exists()

    for code, output in pods(tmp_path, [*shell, script]):
        assert code == 0, output
        assert "Resumed after" in output
    assert (tmp_path / "models" / "1" / "saved_model.pb").is_file()

    for code, output in pods(tmp_path, [*shell, script]):
        assert (code, output) == (0, f"{tmp_path / 'runs'} is finished\n")

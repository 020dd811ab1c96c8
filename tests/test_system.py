import json
import os
import subprocess

import pytest

from tests.preloaded import preloaded

COUNTS = """
import json, os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
from lstm_sentiment.model.lstm_loop import usable_cores
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.server_options import ServerOptions
from lstm_sentiment.system import usable_cpus
print(json.dumps({
    "cpus": usable_cpus(),
    "computing threads": usable_cores(),
    "batch threads": BatchingParameters().num_batch_threads,
    "gRPC threads": ServerOptions().max_threads,
}))
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_a_process_held_to_one_cpu_counts_one_everywhere() -> None:
    cpu = min(os.sched_getaffinity(0))
    command = preloaded(COUNTS, str(cpu))
    counts = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert counts == {"cpus": 1, "computing threads": 1, "batch threads": 1, "gRPC threads": 4}

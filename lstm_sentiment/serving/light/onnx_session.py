"""Sessions of ONNX Runtime."""

from pathlib import Path
from typing import Any

import onnxruntime


def open_session(path: Path) -> Any:
    """Opens an `onnxruntime.InferenceSession` that computes in the calling thread.

    Requests have threads of their own, and a text's LSTM gains nothing from a second thread.

    Raises:
        Exception: One of ONNX Runtime's, if the file cannot be loaded.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # An arena would keep the memory of the largest batch.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4  # errors are raised
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

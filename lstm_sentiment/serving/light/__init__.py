"""The light engine: versions that answer without TensorFlow."""

import os

# Else ONNX Runtime's official builds report to their maker how they are used, and keep an id of the
# machine in the home folder (Privacy.md of onnxruntime). Read when it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

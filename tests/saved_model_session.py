"""Runs a SavedModel as the C++ model server does: in a Session, by its signature defs."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1


class SavedModelSession:
    """A SavedModel in a graph and session of its own."""

    def __init__(self, version_dir: Path) -> None:
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.session = tf1.Session(graph=self.graph)
            meta_graph = tf1.saved_model.load(self.session, ["serve"], str(version_dir))
        self.signatures = meta_graph.signature_def

    def run(self, signature: str, value: Any) -> dict[str, np.ndarray]:
        """Feeds the signature's only input and fetches all outputs."""
        definition = self.signatures[signature]
        (placeholder,) = (info.name for info in definition.inputs.values())
        fetches = {name: info.name for name, info in definition.outputs.items()}
        outputs: dict[str, np.ndarray] = self.session.run(fetches, {placeholder: value})
        return outputs

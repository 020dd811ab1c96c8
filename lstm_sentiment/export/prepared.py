"""Variables that are computed when a SavedModel is loaded, and not stored in it."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


class PreparedVariables(tf.Module):
    """Variables that are empty in the SavedModel and filled when it is loaded.

    The loaders of TensorFlow and of the model server restore the stored variables first, and then
    run the initializers of resources, such as lookup tables: one of these fills the variables.

    Attributes:
        variables_by_place: Empty until loaded.
    """

    def __init__(
        self, specs: Sequence[tf.TensorSpec], compute: Callable[[], Sequence[Any]]
    ) -> None:
        """Makes empty variables of any length; `compute`, traced into the graph, returns values."""
        super().__init__()
        self.variables_by_place = [
            tf.Variable(
                tf.zeros((0, *spec.shape[1:]), spec.dtype),
                shape=spec.shape,
                trainable=False,
                name=f"prepared_{place}",
            )
            for place, spec in enumerate(specs)
        ]
        self._compute = compute
        self._preparation = _Preparation(self)

    def fill(self) -> None:
        """Fills the variables, as loading the SavedModel does."""
        for variable, value in zip(self.variables_by_place, self._compute(), strict=True):
            variable.assign(value)


class _Preparation(tf.saved_model.experimental.TrackableResource):
    """A resource whose initializer fills the variables; the resource itself stays empty."""

    def __init__(self, owner: PreparedVariables) -> None:
        super().__init__()
        self._owner = owner

    def _create_resource(self) -> tf.Tensor:
        return tf.raw_ops.MutableHashTableV2(
            key_dtype=tf.int64, value_dtype=tf.int64, shared_name="prepared_variables"
        )

    def _initialize(self) -> None:
        # XLA, which a server may apply to all ops, cannot change a variable's shape.
        with tf.xla.experimental.jit_scope(compile_ops=False):
            self._owner.fill()

"""Variables that a SavedModel does not hold: they are computed when it is loaded."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


class PreparedVariables(tf.Module):
    """Variables that are empty in the SavedModel and filled when it is loaded.

    TensorFlow's loader and the model server's restore the variables of the file first, and then run
    the initializers of its resources, such as lookup tables: one of them fills these variables.

    Attributes:
        variables_by_place: Empty until loaded.
    """

    def __init__(
        self, specs: Sequence[tf.TensorSpec], compute: Callable[[], Sequence[Any]]
    ) -> None:
        """Makes empty variables.

        Args:
            specs: Of each variable; the first dimension is unknown.
            compute: Gives the value of each; traced into the SavedModel.
        """
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
    """The resource whose initializer fills the variables; nothing is kept in it."""

    def __init__(self, owner: PreparedVariables) -> None:
        super().__init__()
        self._owner = owner

    def _create_resource(self) -> tf.Tensor:
        return tf.raw_ops.MutableHashTableV2(
            key_dtype=tf.int64, value_dtype=tf.int64, shared_name="prepared_variables"
        )

    def _initialize(self) -> None:
        # XLA, where a server has it compile all it can, cannot give a variable another shape.
        with tf.xla.experimental.jit_scope(compile_ops=False):
            self._owner.fill()

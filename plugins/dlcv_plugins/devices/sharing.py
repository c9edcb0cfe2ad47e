"""Sharing each batch among several devices, on JAX, by Keras's data parallelism.

Every device holds the weights. It is given the whole batch, and computes its share of the rows:
XLA divides the computation, and adds what the shares give. So batch normalization, losses and
metrics are those of the whole batch, as on one device, and a batch may have any number of rows;
Keras's own way divides the input itself, and refuses a last batch that does not divide evenly.
"""

from typing import Any

import keras
from keras.distribution import DataParallel, DeviceMesh, TensorLayout, distribute_tensor

from dlcv.errors import DlcvError


class SharedBatches(DataParallel):
    """Keras's data parallelism, with inputs that come whole to every device."""

    def get_data_layout(self, data_shape: Any) -> TensorLayout:
        """Returns the layout of an input: the same on every device."""
        return TensorLayout([None] * len(data_shape), self.device_mesh)


def share_batches(devices: list[Any]) -> None:
    """Makes the networks that are built from now on hold their weights on several devices.

    Args:
        devices: JAX's devices, of all processes.
    """
    mesh = DeviceMesh((len(devices),), ["batch"], devices)
    keras.distribution.set_distribution(SharedBatches(device_mesh=mesh, auto_shard_dataset=False))


def share(model: keras.Model) -> None:
    """Makes each of several devices compute its share of the rows in the steps of a model.

    Args:
        model: The model; it is changed, not its layers or weights.

    Raises:
        DlcvError: the model is compiled to be computed without XLA, which divides the rows.
    """
    distribution = keras.distribution.distribution()
    if not isinstance(distribution, SharedBatches):
        return
    if model.compiled and not model.jit_compile:
        raise DlcvError("jit_compile: several devices need XLA; leave out --jit-compile off")
    mesh = distribution.device_mesh
    rows, whole = TensorLayout(["batch"], mesh), TensorLayout([], mesh)

    def shared(tensors: Any) -> Any:
        def lay_out(tensor: Any) -> Any:
            # XLA can divide any number of rows, but not give some devices none.
            is_enough = tensor is not None and len(tensor) >= mesh.devices.size
            return distribute_tensor(tensor, rows) if is_enough else tensor

        return keras.tree.map_structure(lay_out, tensors)

    cls = type(model)

    def train_step(state: Any, data: Any) -> Any:
        return cls.train_step(model, state, shared(data))

    def test_step(state: Any, data: Any) -> Any:
        return cls.test_step(model, state, shared(data))

    def predict_step(state: Any, data: Any) -> Any:
        outputs, after = cls.predict_step(model, state, shared(data))
        return keras.tree.map_structure(lambda t: distribute_tensor(t, whole), outputs), after

    model.train_step, model.test_step, model.predict_step = train_step, test_step, predict_step

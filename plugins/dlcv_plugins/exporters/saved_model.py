"""TensorFlow's SavedModel."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from dlcv.interfaces import plugin
from dlcv_plugins.kinds.exporter import Exporter, Session

if TYPE_CHECKING:
    import keras


@plugin
class SavedModel(Exporter):
    """TensorFlow's SavedModel, as TensorFlow Serving expects it."""

    file: ClassVar[str] = "saved_model"
    runtime_module: ClassVar[str] = "tensorflow"
    hint: ClassVar[str] = "the signature is `serving_default`, as TensorFlow Serving expects it"

    def write(self, network: "keras.Model", path: Path) -> None:
        """Writes a network by Keras."""
        from dlcv_plugins.exporters.keras_export import export

        export(network, path, "tf_saved_model")

    def open(self, path: Path, threads: int) -> Session:
        """Opens a model whose graph does nothing but compute."""
        return _Session(path, threads)


class _Session(Session):
    """A SavedModel, run by TensorFlow."""

    def __init__(self, path: Path, threads: int) -> None:
        from dlcv.api import backend
        from dlcv_plugins.exporters.saved_model_check import refuse_other_than_computing

        refuse_other_than_computing(path)
        backend.start(threads)
        import tensorflow as tf

        # The object owns the variables, and goes with its last reference.
        self._loaded = tf.saved_model.load(str(path))
        self._compute = self._loaded.signatures["serving_default"]
        ((self.input_name, given),) = self._compute.structured_input_signature[1].items()
        ((self.output_name, made),) = self._compute.structured_outputs.items()
        self.input_shape = tuple(given.shape)
        self.classes = made.shape[-1]

    def predict_on_batch(self, pixels: np.ndarray) -> np.ndarray:
        import tensorflow as tf

        result = self._compute(**{self.input_name: tf.constant(pixels)})
        return np.asarray(result[self.output_name])

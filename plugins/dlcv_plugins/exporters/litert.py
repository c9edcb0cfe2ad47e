"""LiteRT, once called TensorFlow Lite."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from dlcv import files
from dlcv.interfaces import plugin
from dlcv_plugins.kinds.exporter import Exporter, Session

if TYPE_CHECKING:
    import keras

SMALLEST_LIMIT = 64_000_000
LARGEST_GROWTH = 1024
"""How much larger than an image, in bytes, no layer's output for it is: 256 channels of float32."""


@plugin
class LiteRT(Exporter):
    """LiteRT, once called TensorFlow Lite: for phones and small computers."""

    file: ClassVar[str] = "model.tflite"
    extra: ClassVar[str] = "dlcv[litert]"
    runtime_module: ClassVar[str] = "ai_edge_litert"
    packages: ClassVar[tuple[str, ...]] = ("ai-edge-litert",)
    hint: ClassVar[str] = (
        "resize the input to the number of images before allocating tensors; only built-in "
        "operations are used"
    )

    def write(self, network: "keras.Model", path: Path) -> None:
        """Writes a network by Keras, with LiteRT's built-in operations alone."""
        import tensorflow as tf

        from dlcv_plugins.exporters.keras_export import export

        # Others would need a library that ai-edge-litert does not have.
        built_in = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}
        export(network, path, "litert", target_spec=built_in)

    def open(self, path: Path, threads: int) -> Session:
        """Opens a model by ai-edge-litert."""
        return _Session(path, threads)


class _Session(Session):
    """A LiteRT model, run by ai-edge-litert."""

    def __init__(self, path: Path, threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        content = files.read(path)
        self._interpreter = Interpreter(model_content=content, num_threads=threads)
        (given,) = self._interpreter.get_input_details()
        (made,) = self._interpreter.get_output_details()
        self._refuse_vast_tensors(len(content) + math.prod(map(int, given["shape"])))
        self._input, self._output = given["index"], made["index"]
        self.input_name, self.output_name = given["name"], made["name"]
        self.input_shape = (None, *map(int, given["shape"][1:]))
        self.classes = int(made["shape"][-1])
        self._images = 0

    def _refuse_vast_tensors(self, given: int) -> None:
        """Raises a `ValueError` if a tensor is too large for a model and an image of so many bytes.

        LiteRT takes as much memory as a model claims to need.
        """
        limit = max(SMALLEST_LIMIT, LARGEST_GROWTH * given)
        for tensor in self._interpreter.get_tensor_details():
            size = math.prod(map(int, tensor["shape"])) * np.dtype(tensor["dtype"]).itemsize
            if size > limit:
                raise ValueError(f"it claims {size / 1e6:,.0f} MB for one of its layers")

    def predict_on_batch(self, pixels: np.ndarray) -> np.ndarray:
        if len(pixels) != self._images:
            self._interpreter.resize_tensor_input(self._input, pixels.shape)
            self._interpreter.allocate_tensors()
            self._images = len(pixels)
        self._interpreter.set_tensor(self._input, pixels)
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output))

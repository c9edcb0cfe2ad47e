"""ONNX."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from dlcv.interfaces import plugin
from dlcv_plugins.kinds.exporter import Exporter, Session

if TYPE_CHECKING:
    import keras


@plugin
class Onnx(Exporter):
    """ONNX, which most runtimes and tools read."""

    file: ClassVar[str] = "model.onnx"
    extra: ClassVar[str] = "dlcv[onnx]"
    writer_modules: ClassVar[tuple[str, ...]] = ("tf2onnx", "onnx")
    runtime_module: ClassVar[str] = "onnxruntime"
    packages: ClassVar[tuple[str, ...]] = ("tf2onnx", "onnx", "onnxruntime")
    hint: ClassVar[str] = "any number of images at once"

    def write(self, network: "keras.Model", path: Path) -> None:
        """Writes a network by Keras and tf2onnx."""
        import keras

        from dlcv_plugins.exporters.keras_export import export
        from dlcv_plugins.exporters.onnx_constants import set_constants
        from dlcv_plugins.exporters.onnx_convolutions import plain_group_convolutions
        from dlcv_plugins.exporters.onnx_operations import register_operations

        if keras.backend.backend() != "tensorflow":
            export(network, path, "onnx")
            return
        register_operations()
        with plain_group_convolutions(network):
            export(network, path, "onnx")
            set_constants(path, network)

    def open(self, path: Path, threads: int) -> Session:
        """Opens a model by onnxruntime, on the processor."""
        return _Session(path, threads)


class _Session(Session):
    """An ONNX model, run by onnxruntime on the processor."""

    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        (given,), (made,) = self._session.get_inputs(), self._session.get_outputs()
        self.input_name, self.output_name = given.name, made.name
        self.input_shape = (None, *given.shape[1:])
        self.classes = made.shape[-1]

    def predict_on_batch(self, pixels: np.ndarray) -> np.ndarray:
        (result,) = self._session.run([self.output_name], {self.input_name: pixels})
        return np.asarray(result)

"""Keras's own format."""

from pathlib import Path
from typing import TYPE_CHECKING

from dlcv.interfaces import Exporter, Session, plugin

if TYPE_CHECKING:
    import keras
    import numpy as np


@plugin
class KerasFile(Exporter):
    """Keras's own format, which holds the network and its weights."""

    file = "network.keras"
    runtime_module = "keras"
    packages = ("keras",)
    hint = "keras.saving.load_model reads it"

    def write(self, network: "keras.Model", path: Path) -> None:
        """Writes the network by Keras."""
        network.save(path)

    def open(self, path: Path, threads: int) -> Session:
        """Opens the network; layers that would run code of the file are refused by Keras."""
        return _Opened(path)


class _Opened(Session):
    input_name, output_name = "pixels", "probabilities"

    def __init__(self, path: Path) -> None:
        import keras

        self.network = keras.saving.load_model(path, compile=False, safe_mode=True)
        self.input_shape = self.network.input_shape
        self.classes = self.network.output_shape[-1]

    def predict_on_batch(self, pixels: "np.ndarray") -> "np.ndarray":
        return self.network.predict_on_batch(pixels)

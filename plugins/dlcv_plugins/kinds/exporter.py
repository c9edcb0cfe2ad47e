"""Exporters: networks in formats that run elsewhere, and those formats run here."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from dlcv.interfaces import Plugin, plugin

if TYPE_CHECKING:
    import keras
    import numpy as np


class Session(ABC):
    """A model that is ready to predict.

    Attributes:
        input_name: What the model calls its input.
        output_name: What the model calls its output.
        input_shape: `(None, H, W, C)`; None for any number of images.
        classes: The number of probabilities for an image.
    """

    input_name: str
    output_name: str
    input_shape: tuple[int | None, ...]
    classes: int

    @abstractmethod
    def predict_on_batch(self, pixels: "np.ndarray") -> "np.ndarray":
        """Returns probabilities, `(N, classes)` float32, for `(N, H, W, C)` uint8 pixels."""


@plugin
class Exporter(Plugin, ABC):
    """A format of exported models: writes a network, and opens what it wrote for prediction.

    The folder around the model, its description, the comparison with the run, and the refusal to
    overwrite are not the exporter's.

    Attributes:
        file: The name of the model's file, or folder, in the exported folder.
        extra: What pip installs to write and run the format: `dlcv[onnx]`; empty where nothing.
        writer_modules: The modules that writing needs, beside Keras and its back end.
        runtime_module: The module that runs the model.
        packages: The distributions whose versions are recorded with a model.
        hint: What to know to run the model elsewhere.
    """

    kind: ClassVar[str] = "exporter"

    file: ClassVar[str]
    extra: ClassVar[str] = ""
    writer_modules: ClassVar[tuple[str, ...]] = ()
    runtime_module: ClassVar[str] = "numpy"
    packages: ClassVar[tuple[str, ...]] = ()
    hint: ClassVar[str] = ""

    @classmethod
    def missing(cls, *, to_write: bool) -> list[str]:
        """Returns the modules that are not installed, without importing any.

        Args:
            to_write: Whether a model is to be written, and not only run.
        """
        import importlib.util

        needed = (*cls.writer_modules, cls.runtime_module) if to_write else (cls.runtime_module,)
        return [name for name in needed if importlib.util.find_spec(name) is None]

    @abstractmethod
    def write(self, network: "keras.Model", path: Path) -> None:
        """Writes a network, which stays as it is.

        Args:
            network: From `(N, H, W, C)` uint8 pixels to `(N, classes)` float32 probabilities.
            path: The model's file or folder, whose name is `file`; it does not exist.

        Raises:
            Exception: whatever the converter raises where the network can't be written.
        """

    @abstractmethod
    def open(self, path: Path, threads: int) -> Session:
        """Opens a model that `write` wrote, or that somebody changed since; it runs no code.

        Args:
            path: The model's file or folder.
            threads: How many threads compute.

        Raises:
            Exception: whatever the runtime raises where the model can't be read.
        """

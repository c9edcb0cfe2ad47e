"""OpenVINO."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from dlcv.interfaces import plugin
from dlcv_plugins.kinds.exporter import Exporter, Session

if TYPE_CHECKING:
    import keras


@plugin
class OpenVino(Exporter):
    """OpenVINO, which computes fast on Intel's processors."""

    file: ClassVar[str] = "model.xml"
    extra: ClassVar[str] = "dlcv[openvino]"
    runtime_module: ClassVar[str] = "openvino"
    packages: ClassVar[tuple[str, ...]] = ("openvino",)
    hint: ClassVar[str] = (
        "model.bin holds the weights; on processors with bfloat16 OpenVINO computes with less "
        "precision unless INFERENCE_PRECISION_HINT is f32, as it was for the comparison below"
    )

    def write(self, network: "keras.Model", path: Path) -> None:
        """Writes a network by Keras."""
        from dlcv_plugins.exporters.keras_export import export

        _import_openvino()
        export(network, path, "openvino")

    def open(self, path: Path, threads: int) -> Session:
        """Opens a model that computes in float32 on any processor."""
        return _Session(path, threads)


class _Session(Session):
    """An OpenVINO model, on the processor."""

    def __init__(self, path: Path, threads: int) -> None:
        settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
        self._compiled = _import_openvino().Core().compile_model(path, "CPU", settings)
        given, made = self._compiled.input(0), self._compiled.output(0)
        self.input_name, self.output_name = given.any_name, made.any_name
        self.input_shape = (None, *(axis.get_length() for axis in given.partial_shape[1:]))
        self.classes = made.partial_shape[-1].get_length()

    def predict_on_batch(self, pixels: np.ndarray) -> np.ndarray:
        return np.array(self._compiled(pixels)[0])


def _import_openvino() -> Any:
    """Imports OpenVINO without the usage data that its converter sends.

    Without `openvino_telemetry` it uses a stand-in of its own. With it, `convert_model` reports
    each conversion to Google Analytics unless the user objected beforehand (`opt_in_out
    --opt_out`), and leaves an id in the home folder.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino

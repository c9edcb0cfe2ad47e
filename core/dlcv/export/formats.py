"""The formats that a network can be exported to, and what each needs."""

import importlib.util

import attrs

from dlcv.errors import DlcvError


@attrs.frozen
class Format:
    """A format of exported models.

    Attributes:
        name: What users call it.
        keras_name: What Keras calls it.
        file: The model's file, or folder, in the exported folder.
        extra: The extra of dlcv that installs what is needed; empty for what is always there.
        converter: The modules that write it, beside Keras and TensorFlow.
        runtime: The module that runs it.
        packages: The distributions whose versions tell what a model was made with.
        hint: What to know to run it elsewhere.
    """

    name: str
    keras_name: str
    file: str
    extra: str
    converter: tuple[str, ...]
    runtime: str
    packages: tuple[str, ...]
    hint: str

    def require_converter(self) -> None:
        """Raises a `DlcvError` with the extra to install if the format can't be written here."""
        self._require((*self.converter, self.runtime), "Writing")

    def require_runtime(self) -> None:
        """Raises a `DlcvError` with the extra to install if the format can't be run here."""
        self._require((self.runtime,), "Running")

    def _require(self, modules: tuple[str, ...], doing: str) -> None:
        missing = [name for name in modules if not is_installed(name)]
        if missing:
            cure = f"dlcv[{self.extra}]" if self.extra else self.runtime
            raise DlcvError(
                f"{doing.lower()} {self.name} needs {' and '.join(missing)}, which "
                f"{'is' if len(missing) == 1 else 'are'} not installed; "
                f"install with: pip install '{cure}'"
            )


FORMATS = {
    known.name: known
    for known in (
        Format(
            "saved_model",
            "tf_saved_model",
            "saved_model",
            "",
            (),
            "tensorflow",
            (),
            "the signature is `serving_default`, as TensorFlow Serving expects it",
        ),
        Format(
            "litert",
            "litert",
            "model.tflite",
            "litert",
            (),
            "ai_edge_litert",
            ("ai-edge-litert",),
            "resize the input to the number of images before allocating tensors; only built-in "
            "operations are used",
        ),
        Format(
            "onnx",
            "onnx",
            "model.onnx",
            "onnx",
            ("tf2onnx", "onnx"),
            "onnxruntime",
            ("tf2onnx", "onnx", "onnxruntime"),
            "any number of images at once",
        ),
        Format(
            "openvino",
            "openvino",
            "model.xml",
            "openvino",
            (),
            "openvino",
            ("openvino",),
            "model.bin holds the weights; on processors with bfloat16 OpenVINO computes with less "
            "precision unless INFERENCE_PRECISION_HINT is f32, as it was for the comparison below",
        ),
    )
}
"""By name."""


def is_installed(module: str) -> bool:
    """Returns whether a module is there, without importing it."""
    return importlib.util.find_spec(module) is not None

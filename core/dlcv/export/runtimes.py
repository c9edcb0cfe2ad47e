"""Running exported models, each by the runtime of its format."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from dlcv import backend
from dlcv.errors import DlcvError
from dlcv.export.formats import FORMATS
from dlcv.export.openvino_import import import_openvino


class Session(ABC):
    """A model that is ready to run.

    Attributes:
        input_name: What the model calls its input.
        output_name: What the model calls its output.
        input_shape: `(None, H, W, C)`; None for any number of images.
        classes: How many probabilities there are for an image.
    """

    input_name: str
    output_name: str
    input_shape: tuple[int | None, ...]
    classes: int

    @abstractmethod
    def __init__(self, path: Path, threads: int) -> None:
        """Reads a model; raises whatever the runtime raises if it can't be read."""

    @abstractmethod
    def predict_on_batch(self, pixels: np.ndarray) -> np.ndarray:
        """Returns probabilities, `(N, classes)` float32, for `(N, H, W, C)` uint8 pixels."""


def open_session(format: str, path: Path, threads: int) -> Session:
    """Opens a model.

    Args:
        format: One of `FORMATS`.
        path: The model's file or folder.
        threads: How many threads compute.

    Raises:
        DlcvError: the runtime is not installed, or can't read the model.
    """
    FORMATS[format].require_runtime()
    if not path.exists():
        raise DlcvError(f"{path} is missing; export the run again")
    try:
        # The first images make libraries say what they have to say, and show what does not fit.
        with backend.captured_stderr():
            opened = SESSIONS[format](path, threads)
            one: Any = (1, *opened.input_shape[1:])
            rows = opened.predict_on_batch(np.zeros(one, np.uint8))
        if rows.shape != (1, opened.classes):
            raise ValueError(f"for one image it gives {rows.shape}")
        return opened
    except DlcvError:
        raise
    except Exception as error:
        # Each runtime has its own exceptions, down to RuntimeError and TypeError.
        raise DlcvError(
            f"{path} can't be read as {format}: {first_line(error)}; export the run again"
        ) from error


class SavedModelSession(Session):
    """A SavedModel, by TensorFlow."""

    def __init__(self, path: Path, threads: int) -> None:
        """Reads a model whose graph does nothing but compute."""
        from dlcv.export.saved_model import refuse_other_than_computing

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
        """Returns probabilities, `(N, classes)` float32, for `(N, H, W, C)` uint8 pixels."""
        import tensorflow as tf

        result = self._compute(**{self.input_name: tf.constant(pixels)})
        return np.asarray(result[self.output_name])


class LiteRTSession(Session):
    """A LiteRT model, once called TensorFlow Lite, by ai-edge-litert."""

    def __init__(self, path: Path, threads: int) -> None:
        """Reads a model."""
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_content=path.read_bytes(), num_threads=threads)
        (given,) = self._interpreter.get_input_details()
        (made,) = self._interpreter.get_output_details()
        self._input, self._output = given["index"], made["index"]
        self.input_name, self.output_name = given["name"], made["name"]
        self.input_shape = (None, *map(int, given["shape"][1:]))
        self.classes = int(made["shape"][-1])
        self._images = 0

    def predict_on_batch(self, pixels: np.ndarray) -> np.ndarray:
        """Returns probabilities, `(N, classes)` float32, for `(N, H, W, C)` uint8 pixels."""
        if len(pixels) != self._images:
            self._interpreter.resize_tensor_input(self._input, pixels.shape)
            self._interpreter.allocate_tensors()
            self._images = len(pixels)
        self._interpreter.set_tensor(self._input, pixels)
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output))


class OnnxSession(Session):
    """An ONNX model, by onnxruntime on the processor."""

    def __init__(self, path: Path, threads: int) -> None:
        """Reads a model."""
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
        """Returns probabilities, `(N, classes)` float32, for `(N, H, W, C)` uint8 pixels."""
        (result,) = self._session.run([self.output_name], {self.input_name: pixels})
        return np.asarray(result)


class OpenVinoSession(Session):
    """An OpenVINO model, on the processor."""

    def __init__(self, path: Path, threads: int) -> None:
        """Reads and compiles a model, to compute in float32 on any processor."""
        settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
        self._compiled = import_openvino().Core().compile_model(path, "CPU", settings)
        given, made = self._compiled.input(0), self._compiled.output(0)
        self.input_name, self.output_name = given.any_name, made.any_name
        self.input_shape = (None, *(axis.get_length() for axis in given.partial_shape[1:]))
        self.classes = made.partial_shape[-1].get_length()

    def predict_on_batch(self, pixels: np.ndarray) -> np.ndarray:
        """Returns probabilities, `(N, classes)` float32, for `(N, H, W, C)` uint8 pixels."""
        return np.array(self._compiled(pixels)[0])


SESSIONS: dict[str, type[Session]] = {
    "saved_model": SavedModelSession,
    "litert": LiteRTSession,
    "onnx": OnnxSession,
    "openvino": OpenVinoSession,
}


def first_line(error: Exception) -> str:
    """Returns the first line of an error's message, or its name where it has none."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__

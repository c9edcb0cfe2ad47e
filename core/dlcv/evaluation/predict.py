"""From images to probabilities, and their keeping."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, get_args

import attrs
import numpy as np

from dlcv.data.loader import Loader
from dlcv.data.pipeline import resizing
from dlcv.errors import DlcvError
from dlcv.files import load_arrays, save_arrays
from dlcv.interfaces import Combination, LabelledImages, Predictions
from dlcv.progress import track


class Network(Protocol):
    """What gives probabilities: a Keras network, a body with an estimator, an exported model."""

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """`(N, H, W, C)` of the images that it takes, N being None."""

    def predict_on_batch(self, pixels: np.ndarray) -> Any:
        """Returns probabilities `(N, classes)` for raw pixels, uint8."""


def predict_batches(model: Network, loader: Loader) -> Iterator[np.ndarray]:
    """Yields the probabilities of each batch, `(N, classes)` float32, in stored order.

    Where the pixel steps give several views of an image, their probabilities are averaged.

    Raises:
        DlcvError: there are no images, or they reach the network with another size than it takes.
    """
    if not len(loader.images):
        raise DlcvError("there are no images to predict")
    expected = tuple(model.input_shape[1:])
    views, size = loader.pipeline.views, 0
    with track("predicting", len(loader.images), unit="images") as progress:
        for pixels, _ in loader.epoch():
            if pixels.shape[1:] != expected:
                raise DlcvError(
                    f"the images have {_size(pixels.shape[1:])}, but the network takes "
                    f"{_size(expected)}; put {resizing()} among the preprocessors"
                )
            size = max(size, len(pixels))
            # The last batch is filled: for one of another size, the network is compiled again.
            filled = pixels if len(pixels) == size else np.resize(pixels, (size, *pixels.shape[1:]))
            probabilities = np.asarray(model.predict_on_batch(filled), np.float32)[: len(pixels)]
            yield probabilities.reshape(-1, views, probabilities.shape[1]).mean(axis=1)
            progress(len(pixels) // views)


def _size(shape: tuple[int | None, ...]) -> str:
    return f"{shape[0]} x {shape[1]} pixels and {shape[2]} channels"


def predict_labelled(model: Network, loader: Loader) -> Predictions:
    """Returns a network's predictions for all labelled images of a loader."""
    return labelled(np.concatenate(list(predict_batches(model, loader))), loader.images)


def labelled(probabilities: np.ndarray, images: LabelledImages) -> Predictions:
    """Returns a network's probabilities for labelled images, `(N, classes)`, as predictions."""
    return Predictions(
        probabilities[np.newaxis],
        images.labels,
        images.label_names,
        tuple(images.sample_id(i) for i in range(len(images))),
    )


def save_predictions(path: Path, predictions: Predictions) -> None:
    """Keeps predictions as arrays."""
    arrays = {
        "probabilities": predictions.probabilities,
        "labels": predictions.labels,
        "label_names": np.array(predictions.label_names),
        "sample_ids": np.array(predictions.sample_ids),
        "member_names": np.array(predictions.member_names, str),
        "validation_accuracies": np.array(predictions.validation_accuracies, float),
        "method": np.array(predictions.method),
    }
    if predictions.has_copy is not None:
        arrays["has_copy"] = predictions.has_copy
    save_arrays(path, arrays)


def load_predictions(path: Path) -> Predictions:
    """Reads predictions that were kept; raises `DlcvError` if they can't be."""
    arrays = load_arrays(path)
    required = [f.name for f in attrs.fields(Predictions) if f.default is attrs.NOTHING]
    if missing := [name for name in required if name not in arrays]:
        raise DlcvError(f"{path} holds no predictions: {', '.join(missing)} is missing")
    _check_arrays(path, **arrays)
    method: Any = str(arrays.get("method", "mean"))
    if method not in get_args(Combination):
        raise DlcvError(f'{path} is damaged: no networks are combined by "{method}"')
    return Predictions(
        arrays["probabilities"],
        arrays["labels"],
        tuple(map(str, arrays["label_names"])),
        tuple(map(str, arrays["sample_ids"])),
        tuple(map(str, arrays.get("member_names", ()))),
        tuple(map(float, arrays.get("validation_accuracies", ()))),
        method,
        arrays.get("has_copy"),
    )


def _check_arrays(
    path: Path,
    probabilities: np.ndarray,
    labels: np.ndarray,
    label_names: np.ndarray,
    sample_ids: np.ndarray,
    **others: np.ndarray,
) -> None:
    """Raises a `DlcvError` if arrays do not belong together."""
    members, samples, classes = (*probabilities.shape, 0, 0, 0)[:3]
    named, accuracies = (
        others.get(name, np.zeros(0)) for name in ("member_names", "validation_accuracies")
    )
    has_copy = others.get("has_copy", np.zeros(samples, bool))
    fit = (
        probabilities.shape == (members, samples, classes)
        and members > 0
        and labels.shape == sample_ids.shape == (samples,)
        and has_copy.shape == (samples,)
        and has_copy.dtype.kind == "b"
        and {named.shape, accuracies.shape} <= {(0,), (members,)}
        and accuracies.dtype.kind == "f"
        and label_names.shape == (classes,)
        and probabilities.dtype.kind == "f"
        and labels.dtype.kind in "iu"
        and bool(np.all((labels >= 0) & (labels < classes)))
    )
    if not fit:
        shapes = f"{probabilities.shape}, {labels.shape}, {label_names.shape}, {sample_ids.shape}"
        raise DlcvError(
            f"{path} is damaged: probabilities, labels, label_names and sample_ids of shapes "
            f"{shapes} do not belong together"
        )

"""Hooks: what plugins may do around a run and its use, as pluggy specifications.

A package implements them in a module under the entry-point group `dlcv.hooks`, with `hook` as the
decorator; the modules are imported when a run begins or is loaded.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import keras
    import numpy as np

    from dlcv.interfaces import (
        Architecture,
        Combination,
        Curves,
        DatasetStore,
        LabelledImages,
        Matrix,
        Predictions,
        RunView,
        SpecView,
    )

_specification = pluggy.HookspecMarker("dlcv")
hook = pluggy.HookimplMarker("dlcv")
"""Marks a function as the implementation of the hook of its name."""
UNWRAPPED = (
    "dlcv_configured", "dlcv_stage", "dlcv_batch", "dlcv_epoch", "dlcv_predicted", "dlcv_reported",
)  # fmt: skip
"""Hooks without wrappers: each implementation is called for itself."""


@_specification(historic=True)
def dlcv_plugins() -> "Iterable[tuple[str, str, str, str]]":  # type: ignore[empty-body]
    """Returns the plugins of a family: rows of kind, name, `module:attribute` and summary.

    The module that implements it is an entry point of the group `dlcv.families`, and is imported
    for each listing; what its rows name is imported when it is used.
    """


@_specification(firstresult=True)
def dlcv_configuration(name: str) -> Path | None:
    """Returns the file of the configuration that a name means; None where it is a file's path."""


@_specification
def dlcv_configured(config: Any) -> Any:
    """Returns the `dlcv.api.RunConfig` to train with in the place of one; None for the same."""


@_specification(firstresult=True)
def dlcv_groups(
    images: "LabelledImages", store: "DatasetStore", groups: "Iterable[SpecView]", threads: int
) -> "np.ndarray | None":
    """Returns a number for each image, `(N,)`: images of one number are not divided.

    `groups` are the groupings that are named. An image that none applies to is a `DlcvError`.
    """


@_specification(firstresult=True)
def dlcv_shapes(
    images: "LabelledImages", find: "Callable[[], np.ndarray | None]"
) -> "np.ndarray | None":
    """Returns the shapes of all images, `(N, 3)`, as they were found before or by `find`.

    `find` reads every image, and returns None where one can't be read; then this does, too. Where
    it returns None without asking `find`, that is asked afterwards.
    """


@_specification
def dlcv_divided(images: "LabelledImages", parts: "Mapping[str, LabelledImages]") -> None:
    """Is called when images are divided into parts, which are named as splits are."""


@_specification
def dlcv_opened(dataset: Any) -> None:
    """Is called with a data set, a `dlcv.api.Dataset`, once it is opened and divided."""


@_specification
def dlcv_devices(back_end: str) -> None:
    """Is called before Keras computes anything, to choose its devices; maybe more than once."""


@_specification
def dlcv_run_started(run: "RunView") -> None:
    """Is called once the run's directory and network are there, before the first step."""


@_specification
def dlcv_stage(stage: Any) -> AbstractContextManager[Any] | None:
    """Gives the stage to train in the place of one, for as long as it lasts; None for the same.

    A stage is a `dlcv.api.Stage`; `attrs.evolve` makes another: with callbacks, other batches, or a
    part of the network that is trained alone. Hooks of several packages follow each other.
    """


@_specification
def dlcv_callbacks(run: "RunView") -> "list[keras.callbacks.Callback]":  # type: ignore[empty-body]
    """Returns Keras callbacks to train with; they run before dlcv's own."""


@_specification
def dlcv_batch(stage: Any, images: "np.ndarray", labels: "np.ndarray") -> None:
    """Is called with each batch of training, as the network gets it, once and in order.

    Neither array may be changed: images are `(N, H, W, C)`, labels `(N, classes)` float32.
    """


@_specification
def dlcv_epoch(run: "RunView", row: dict[str, float]) -> None:
    """Is called after each epoch with its row of the history."""


@_specification
def dlcv_predicted(predictions: "Predictions") -> None:
    """Is called with the predictions of labelled images, before evaluators see them."""


@_specification
def dlcv_run_finished(run: "RunView", result: dict[str, float]) -> None:
    """Is called with the run's metrics by name, once everything is written."""


@_specification
def dlcv_reported(run: Any, path: Path) -> None:
    """Is called once the report of a run is written, with its path."""


@_specification(firstresult=True)
def dlcv_summary(results: dict[str, Any], environment: dict[str, Any]) -> str | None:
    """Returns what `dlcv run` prints about the figures of a finished run, in lines.

    `results` and `environment` are the run's `metrics.json` and `environment.json`.
    """


@_specification(firstresult=True)
def dlcv_opener(path: Path) -> Callable[[], Any] | None:
    """Returns what opens a folder that is no run for prediction; None where it holds no model.

    The folder is one that a person named to load, evaluate or predict with. What is opened is a
    `dlcv.api.Predictor`; looking must be quick, and opening may take its time.
    """


@_specification(firstresult=True)
def dlcv_checkpoint(run: Any, checkpoint: str, method: "Combination | None") -> Any:
    """Returns what predicts by the checkpoints of a run that a name means; None for other names.

    The run uses its last checkpoint. The name is one that a package has under `[checkpoints]` in
    its `defaults.toml`; `last`, `best` and the numbers of epochs are the core's.
    """


@_specification(firstresult=True)
def dlcv_combined(members: Sequence[Any], method: "Combination | None") -> Any:
    """Returns what predicts by several runs and models together, a `dlcv.api.Predictor`.

    `method` is how they are combined, where a person or an evaluator asks for one.
    """


@_specification(firstresult=True)
def dlcv_probabilities(
    run: Any, images: "LabelledImages", preprocessors: Any
) -> "np.ndarray | None":
    """Returns what a run predicts, `(N, classes)` float32, computed elsewhere; None for here.

    The arguments are those of the run's `probabilities`.
    """


@_specification(firstresult=True)
def dlcv_frames(path: Path, channels: int) -> "Iterator[LabelledImages] | None":
    """Returns the images in a file that is none itself, in parts; None for other files.

    The file is one that a person wants predicted, such as a video; its images have `channels`
    channels. Nothing is read before the first part is asked for. A file that can't be read to its
    end is a `dlcv.errors.ImageError`.
    """


@_specification(firstresult=True)
def dlcv_draw(  # type: ignore[empty-body]
    drawings: "Mapping[str, Curves | Matrix]", folder: Path, force: bool
) -> dict[str, Path]:
    """Writes what evaluators have drawn as pictures, and returns their paths by name.

    Pictures in the folder are replaced with `force` alone; without it, they are a `DlcvError`.
    """


@_specification(firstresult=True)
def dlcv_weights(
    path: Path, architecture: "Architecture | None"
) -> AbstractContextManager[Mapping[str, Sequence[Any]]] | None:
    """Opens a file of weights that is no checkpoint; None where this hook reads no such files.

    The context gives each layer's arrays by the layer's name, in Keras's order. Their shapes are
    compared with the network's before `numpy.asarray` reads them. `architecture` is the network
    that they are for, where one is known. A file that can't be read is a `DlcvError`.
    """


@_specification(firstresult=True)
def dlcv_html(run: Any) -> str | None:
    """Returns what a notebook shows of a run, as HTML; None for the text that Python has of it."""

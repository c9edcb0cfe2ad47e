"""An exported model as Python sees it: it predicts and is evaluated as a run is."""

import functools
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from dlcv import files, registry
from dlcv.api import (
    LabelledPredictions,
    Loader,
    Pipeline,
    PixelSteps,
    Predictor,
    SpecList,
    Survey,
    align_labels,
    backend,
    check_form,
    inference_loader,
    open_labelled,
    predict_batches,
    predict_labelled,
    survey,
    warn_of,
    with_states,
)
from dlcv.errors import DlcvError, SpecError, reason_of
from dlcv.files import load_arrays
from dlcv.images import BitDepth, recorded_bit_depth
from dlcv.interfaces import LabelledImages, Preprocessor
from dlcv_plugins.exporters.hooks import DESCRIPTION
from dlcv_plugins.kinds.exporter import Exporter, Session
from dlcv_plugins.single_run import load_run

STATE = "pixel_steps.npz"
"""What pixel steps learned, in arrays named `INDEX.NAME`, if they learned anything."""
VERSION = 1
FORM: dict[str, Any] = {
    "dlcv_export": int,
    "format": str,
    "file": str,
    "files": {str: {"bytes": int, "sha256": str}},
    "input": {"name": str, "height": int, "width": int, "channels": int},
    "output": {"name": str},
    "classes": [str],
    "pixel_steps": [{"spec": str}],
    "value_steps": [{"spec": str}],
    "evaluators": str,
    "run": {"path": str, "fingerprint": str, "split": str},
    "environment": {"python": str, "libraries": {str: str}},
}
"""What the description holds at least, as `check_form` has it."""


class Exported(Predictor):
    """A model that was exported from a run; reading it executes no code of its folder.

    Attributes:
        path: Its folder.
        description: The content of `model.json`.
        label_names: The classes' names.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Reads the description, and compares the model's files with it.

        Raises:
            DlcvError: something is missing or damaged, or the format's runtime is not installed.
        """
        self.path = Path(path)
        self.description = _read(self.path)
        self.label_names = tuple(self.description["classes"])
        self._exporter = _exporter_of(self.path, self.description)
        require_installed(self._exporter, to_write=False)

    def __repr__(self) -> str:
        """Returns the folder and the format."""
        return f"Exported({str(self.path)!r}, {self.description['format']})"

    @property
    def channels(self) -> int:
        """The channels of the images before the preprocessors."""
        return int(self.description["input"]["channels"])

    @property
    def bit_depth(self) -> BitDepth:
        """How samples of 16 bits became bytes in the run's training."""
        return recorded_bit_depth(self.description["input"])

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """`(H, W, C)` of the model's input."""
        given = self.description["input"]
        return given["height"], given["width"], given["channels"]

    @property
    def evaluators(self) -> SpecList:
        """What it is evaluated with if nothing else is asked for."""
        return SpecList.parse(self.description["evaluators"])

    @property
    def validation_accuracy(self) -> float | None:
        """The accuracy that the run had on its validation images, from 0 to 1."""
        known = self.description["run"].get("validation_accuracy")
        return None if known is None else float(known)

    @functools.cached_property
    def pixel_steps(self) -> tuple[Preprocessor, ...]:
        """What happens to images before the model, made by the registry."""
        steps = _made(self.description["pixel_steps"])
        path = self.path / STATE
        if not path.exists():
            return steps
        try:
            return tuple(with_states(steps, load_arrays(path)))
        except Exception as error:
            # Each step has its own errors for state that is not its own.
            raise DlcvError(f"{path} does not fit {DESCRIPTION}: {error!r}") from error

    def start(self) -> None:
        """Opens the model."""
        _ = self.session

    @functools.cached_property
    def session(self) -> Session:
        """The model, ready to run.

        Raises:
            DlcvError: it can't be read, or `model.json` describes another model.
        """
        model = self.path / self.description["file"]
        opened = open_session(self._exporter, model, self.threads)
        found = (opened.input_shape[1:], opened.classes)
        if found != (self.input_shape, len(self.label_names)):
            raise DlcvError(
                f"{self.path / DESCRIPTION} does not describe {model.name}: it has "
                f"{_shape(self.input_shape, len(self.label_names))}, and the model has "
                f"{_shape(*found)}; export the run again"
            )
        return opened

    def probabilities(self, images: LabelledImages, preprocessors: PixelSteps) -> np.ndarray:
        """Returns the probabilities of every class for all images, `(N, classes)` float32."""
        loader = self._loader(images, preprocessors)
        return np.concatenate(list(predict_batches(self.session, loader)))

    def test(
        self,
        data: str | None = None,
        split: str | None = None,
        *,
        bad_images: str = "error",
        preprocessors: PixelSteps = None,
    ) -> LabelledPredictions:
        """Returns what `predictions` does, with the images that were left out."""
        if data is None:
            checked = Survey(self._held_out(split), [])
        else:
            opened = open_labelled(data, split, self.channels, self.bit_depth)
            checked = survey(opened, skip=bad_images == "skip", threads=self.threads)
        warn_of(checked.skipped)
        aligned = align_labels(checked.images, self.label_names)
        loader = self._loader(aligned, preprocessors)
        return LabelledPredictions(predict_labelled(self.session, loader), checked.skipped)

    def _held_out(self, split: str | None) -> LabelledImages:
        """Opens the images that the run held out, where the run is still there."""
        recorded = self.description["run"]
        cure = "name the images with --data"
        if split not in (None, recorded["split"]):
            raise DlcvError(
                f'only the held-out images ("{recorded["split"]}") are known by name; {cure}'
            )
        try:
            images = load_run(self.path / recorded["path"]).held_out()
        except DlcvError as error:
            raise DlcvError(
                f"the images that were held out can't be opened ({error}); {cure}"
            ) from None
        if not images.has_fingerprint(recorded["fingerprint"]):
            raise DlcvError(
                f"the run's held-out images have changed since {self.path} was exported; {cure}"
            )
        return images

    def _loader(self, images: LabelledImages, preprocessors: PixelSteps) -> Loader:
        # Steps of values are part of the model; their names matter where others are asked for.
        values = () if preprocessors is None else _made(self.description["value_steps"])
        pipeline = Pipeline(self.pixel_steps, values)
        return inference_loader(images, pipeline, self.input_shape, self.threads, preprocessors)


def _made(steps: list[dict[str, Any]]) -> tuple[Preprocessor, ...]:
    return tuple(registry.create("preprocessor", step["spec"]) for step in steps)


def _shape(shape: tuple[int | None, ...], classes: int) -> str:
    return f"an input of {' x '.join(map(str, shape))} and {classes} classes"


def require_installed(exporter: Exporter, *, to_write: bool) -> None:
    """Raises a `DlcvError` that names what to install if a format can't be written or run here."""
    missing = exporter.missing(to_write=to_write)
    if missing:
        doing, name = "writing" if to_write else "running", registry.spec_of(exporter).name
        raise DlcvError(
            f"{doing} {name} needs {' and '.join(missing)}, which "
            f"{'is' if len(missing) == 1 else 'are'} not installed; "
            f"install with: pip install '{exporter.extra or missing[0]}'"
        )


def open_session(exporter: Exporter, path: Path, threads: int) -> Session:
    """Opens a model.

    Args:
        exporter: Its format.
        path: The model's file or folder.
        threads: How many threads compute.

    Raises:
        DlcvError: it is missing, or the runtime can't read it.
    """
    if not path.exists():
        raise DlcvError(f"{path} is missing; export the run again")
    try:
        # Libraries print while they compute the first images, which also show what does not fit.
        with backend.captured_stderr():
            opened = exporter.open(path, threads)
            one: Any = (1, *opened.input_shape[1:])
            rows = opened.predict_on_batch(np.zeros(one, np.uint8))
        if rows.shape != (1, opened.classes):
            raise ValueError(f"for one image it gives {rows.shape}")
        return opened
    except DlcvError:
        raise
    except Exception as error:
        # Each runtime has its own exceptions, down to RuntimeError and TypeError.
        name = registry.spec_of(exporter).name
        raise DlcvError(
            f"{path} can't be read as {name}: {reason_of(error)}; export the run again"
        ) from error


def _read(folder: Path) -> dict[str, Any]:
    """Reads the description of the model in a folder, and checks the model's files against it.

    Raises:
        DlcvError: it is missing or damaged, or a file is.
    """
    path = folder / DESCRIPTION
    try:
        content = json.loads(files.read(path))
        check_form(content, FORM, "the content")
        _check_values(content)
    except OSError as error:
        raise DlcvError(f"can't read {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise DlcvError(f"{path} is damaged: {error}; export the run again") from None
    for name, recorded in content["files"].items():
        _check_file(folder / name, recorded)
    return dict(content)


def _check_values(content: dict[str, Any]) -> None:
    """Raises a `ValueError` if values are of the right form, but can't be right."""
    if content["dlcv_export"] != VERSION:
        raise ValueError(
            f"it has version {content['dlcv_export']}, and this dlcv reads version {VERSION}"
        )
    for name in content["files"]:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ValueError(f"the file {name!r} is outside")
    if not content["classes"] or len(set(content["classes"])) != len(content["classes"]):
        raise ValueError("there are no classes, or a class is listed twice")
    if min(content["input"][axis] for axis in ("height", "width", "channels")) < 1:
        raise ValueError("the input has no pixels")


def _check_file(path: Path, recorded: dict[str, Any]) -> None:
    """Raises a `DlcvError` if a file is missing or not what was recorded."""
    if not path.is_file():
        raise DlcvError(f"{path} is missing; export the run again, or copy the whole folder")
    same = path.stat().st_size == recorded["bytes"] and files.sha256(path) == recorded["sha256"]
    if not same:
        raise DlcvError(
            f"{path} is damaged: its content is not what was recorded; export the run again, or "
            "copy it again"
        )


def _exporter_of(folder: Path, content: dict[str, Any]) -> Exporter:
    """Returns the exporter that wrote a model; raises `DlcvError` if there is none."""
    path = folder / DESCRIPTION
    try:
        # A name alone: options would come from the folder of a stranger.
        exporter: Exporter = registry.get("exporter", content["format"])()
    except SpecError as error:
        raise DlcvError(f"{path} is of a format that is not installed: {error}") from None
    if content["file"] != exporter.file:
        raise DlcvError(
            f"{path} is damaged: a model of this format is not in a file {content['file']!r}; "
            "export the run again"
        )
    return exporter

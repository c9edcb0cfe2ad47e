"""An exported model as Python sees it: it predicts and is evaluated as a run is."""

import functools
import os
from pathlib import Path
from typing import Any

import numpy as np

from dlcv import registry
from dlcv.data.loader import Loader
from dlcv.data.pipeline import Pipeline
from dlcv.data.sources import align_labels
from dlcv.data.states import with_states
from dlcv.data.survey import Survey, survey
from dlcv.errors import DlcvError
from dlcv.evaluation.predict import predict_batches, predict_labelled
from dlcv.export import description, runtimes
from dlcv.export.formats import FORMATS
from dlcv.files import load_arrays
from dlcv.interfaces import LabelledImages, Preprocessor
from dlcv.registry.spec import SpecList
from dlcv.runs.inference_loader import inference_loader
from dlcv.runs.inputs import open_labelled
from dlcv.runs.prediction import Tested
from dlcv.runs.predictor import PixelSteps, Predictor, warn_of
from dlcv.runs.trainers import load_run


class Exported(Predictor):
    """A model that was exported from a run; reading it executes no code of its folder.

    Attributes:
        path: Its folder.
        description: What `model.json` says.
        label_names: The classes' names.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Reads the description, and compares the model's files with it.

        Raises:
            DlcvError: something is missing or damaged, or the format's runtime is not installed.
        """
        self.path = Path(path)
        self.description = description.read(self.path)
        self.label_names = tuple(self.description["classes"])
        FORMATS[self.description["format"]].require_runtime()

    def __repr__(self) -> str:
        """Returns the folder and the format."""
        return f"Exported({str(self.path)!r}, {self.description['format']})"

    @property
    def channels(self) -> int:
        """The channels of the images before the preprocessors."""
        return int(self.description["input"]["channels"])

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
        path = self.path / description.STATE
        if not path.exists():
            return steps
        try:
            return tuple(with_states(steps, load_arrays(path)))
        except Exception as error:
            # What a step says about state that is not its own is up to the step.
            raise DlcvError(f"{path} does not fit {description.NAME}: {error!r}") from error

    @functools.cached_property
    def session(self) -> runtimes.Session:
        """The model, ready to run.

        Raises:
            DlcvError: it can't be read, or is not what `model.json` says.
        """
        model = self.path / self.description["file"]
        opened = runtimes.open_session(self.description["format"], model, self.threads)
        found = (opened.input_shape[1:], opened.classes)
        if found != (self.input_shape, len(self.label_names)):
            raise DlcvError(
                f"{self.path / description.NAME} is not about {model.name}: it says "
                f"{_told(self.input_shape, len(self.label_names))}, and the model has "
                f"{_told(*found)}; export the run again"
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
    ) -> Tested:
        """Returns what `predictions` does, with the images that were left out."""
        if data is None:
            checked = Survey(self._held_out(split), [])
        else:
            opened = open_labelled(data, split, self.channels)
            checked = survey(opened, skip=bad_images == "skip", threads=self.threads)
        warn_of(checked.skipped)
        aligned = align_labels(checked.images, self.label_names)
        loader = self._loader(aligned, preprocessors)
        return Tested(predict_labelled(self.session, loader), checked.skipped)

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
        if images.fingerprint() != recorded["fingerprint"]:
            raise DlcvError(
                f"the images that the run holds out are others than when {self.path} was "
                f"exported; {cure}"
            )
        return images

    def _loader(self, images: LabelledImages, preprocessors: PixelSteps) -> Loader:
        # Steps of values are part of the model; their names matter where others are asked for.
        values = () if preprocessors is None else _made(self.description["value_steps"])
        pipeline = Pipeline(self.pixel_steps, values)
        return inference_loader(images, pipeline, self.input_shape, self.threads, preprocessors)


def _made(steps: list[dict[str, Any]]) -> tuple[Preprocessor, ...]:
    return tuple(registry.create("preprocessor", step["spec"]) for step in steps)


def _told(shape: tuple[int | None, ...], classes: int) -> str:
    return f"an input of {' x '.join(map(str, shape))} and {classes} classes"

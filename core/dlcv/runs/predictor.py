"""What predicts the classes of images: a run, several together, or an exported model."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from dlcv import backend, images
from dlcv.data.subset import survey
from dlcv.errors import DlcvError
from dlcv.interfaces import LabelledImages, Predictions, Preprocessor
from dlcv.registry.spec import Spec, SpecList
from dlcv.runs.inputs import Inputs, open_parts
from dlcv.runs.prediction import UNKNOWN, LabelledPredictions, Prediction

logger = logging.getLogger(__name__)
PixelSteps = str | Iterable[str | Spec | Preprocessor] | None
"""Preprocessors, as text or made, that replace those of what predicts; None for its own."""


class Predictor(ABC):
    """What predicts the classes of images.

    Attributes:
        path: Where it is.
        label_names: The classes' names.
        members: What it combines, if it predicts by several together.
    """

    path: Path
    label_names: tuple[str, ...]
    members: "tuple[Predictor, ...]" = ()

    @property
    @abstractmethod
    def channels(self) -> int:
        """The channels of the images before the preprocessors."""

    @property
    def bit_depth(self) -> images.BitDepth:
        """How samples of 16 bits become bytes where images are read, as in training."""
        return self.members[0].bit_depth if self.members else images.ALL_BITS

    @property
    @abstractmethod
    def evaluators(self) -> SpecList:
        """What it is evaluated with if nothing else is asked for."""

    @property
    def validation_accuracy(self) -> float | None:
        """The accuracy on validation images, from 0 to 1; None where it is not known."""
        return None

    @property
    def threads(self) -> int:
        """How many threads read images."""
        return backend.available_threads()

    def start(self) -> None:
        """Makes everything ready to predict, which else the first prediction does."""
        for member in self.members:
            member.start()

    @abstractmethod
    def probabilities(self, images: LabelledImages, preprocessors: PixelSteps) -> np.ndarray:
        """Returns the probabilities of every class for all images, `(N, classes)` float32.

        Args:
            images: Images as they are stored.
            preprocessors: What `predict_proba` takes.

        Raises:
            DlcvError: the preprocessors do not fit the network.
            ImageError: an image can't be read or processed.
        """

    @abstractmethod
    def test(
        self,
        data: str | None = None,
        split: str | None = None,
        *,
        bad_images: str = "error",
        preprocessors: PixelSteps = None,
    ) -> LabelledPredictions:
        """Returns what `predictions` does, with the images that were left out."""

    def predictions(
        self,
        data: str | None = None,
        split: str | None = None,
        *,
        bad_images: str = "error",
        preprocessors: PixelSteps = None,
    ) -> Predictions:
        """Returns the predictions for labelled images; a run keeps them for the next time.

        Args:
            data: A data set, as `--data` takes it; None for the images that were held out.
            split: The split; by default `test`, else `val`, else all there is.
            bad_images: `error`, or `skip` to leave out images of `data` that can't be read, with
                a warning; a run's own are treated as in training.
            preprocessors: What `predict_proba` takes.

        Raises:
            DlcvError: there is no such data or split, it has classes that are not known here, a
                run is not finished and neither is named, or the preprocessors do not fit.
            ImageError: an image can't be read or processed.
        """
        return self.test(
            data, split, bad_images=bad_images, preprocessors=preprocessors
        ).predictions

    def predict_proba(self, inputs: Inputs, *, preprocessors: PixelSteps = None) -> np.ndarray:
        """Returns the probabilities of every class, `(N, classes)` float32.

        Args:
            inputs: Paths of images or videos, or a folder's with all images below it, or patterns
                of paths; or images: a file's bytes, a file opened in binary mode, Pillow's, or
                uint8 pixels, RGB or grey: a sequence of `(H, W, C)` or `(H, W)`, or an array. An
                array of three axes is one image if its last axis has the right channels, else
                `(N, H, W)` grey images; one of two axes is one grey image.
            preprocessors: Pixel steps instead of those of training, such as `crop`, over whose
                views probabilities are averaged; steps of values and statistics stay.

        Raises:
            DlcvError: the preprocessors do not fit the network.
            ImageError: an image can't be read or processed.
        """
        parts = open_parts(inputs, self.channels, bit_depth=self.bit_depth)
        return np.concatenate([self.probabilities(part, preprocessors) for part in parts])

    def predict(
        self,
        inputs: Inputs,
        *,
        bad_images: str = "error",
        preprocessors: PixelSteps = None,
        threshold: float = 0.0,
    ) -> list[Prediction]:
        """Returns a `Prediction` for each image.

        Args:
            inputs: What `predict_proba` takes.
            bad_images: `error`, or `skip` to leave out files that can't be read, with a warning.
            preprocessors: What `predict_proba` takes.
            threshold: From 0 to 1; an image whose classes are all less probable is `unknown`.

        Raises:
            DlcvError: the preprocessors do not fit the network, or the threshold is out of range.
            ImageError: an image can't be read or processed.
        """
        if not 0 <= threshold <= 1:
            raise DlcvError(f"threshold: expected a number from 0 to 1, received {threshold}")
        found: list[Prediction] = []
        skip = bad_images == "skip"
        for part in open_parts(inputs, self.channels, skip=skip, bit_depth=self.bit_depth):
            opened = part
            if skip:
                checked = survey(part, skip=True, threads=self.threads)
                warn_of(checked.skipped)
                opened = checked.images
            if not len(opened):
                continue
            rows = self.probabilities(opened, preprocessors)
            names = (opened.sample_id(i) for i in range(len(rows)))
            found += [
                self._prediction(name, row, threshold)
                for name, row in zip(names, rows, strict=True)
            ]
        if not found:
            raise DlcvError("there are no images to predict")
        return found

    def _prediction(self, name: str, row: np.ndarray, threshold: float) -> Prediction:
        best = np.argsort(-row, kind="stable")[0]
        label, probability = self.label_names[best], float(row[best])
        # What is not a number, from a network that diverged, is not as probable as anything.
        is_known = not threshold or probability >= threshold
        named = label if is_known else UNKNOWN
        return Prediction(name, named, probability, row, self.label_names)


def warn_of(skipped: list[str]) -> None:
    """Names the images that were left out."""
    for reason in skipped:
        logger.warning("left out: %s", reason)

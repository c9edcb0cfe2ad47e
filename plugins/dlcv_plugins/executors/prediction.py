"""Predictions for many images, in parts."""

import functools
import uuid
from pathlib import Path

import numpy as np

from dlcv.api import PixelSteps, Predictor, Run, Subset, chunks, load_trained, track
from dlcv.interfaces import LabelledImages
from dlcv_plugins.executors.current import executor
from dlcv_plugins.kinds.executor import Needs, Report


def probabilities(run: Run, images: LabelledImages, preprocessors: PixelSteps) -> np.ndarray:
    """Returns what `Run.probabilities` does, computed by the executor in parts.

    A part is some whole batches, since a network's last bits may depend on a batch's size.
    """
    there = executor()
    size = there.part_size(len(images), run.loader(images, preprocessors).batch_size)
    call = uuid.uuid4().hex
    work = functools.partial(_of_part, run.path, run.checkpoint, call, images, preprocessors)
    needs = Needs(run.threads, has_network=True)
    with track("predicting", len(images), unit="images") as progress:
        parts = list(chunks(len(images), size))
        return np.concatenate([*there.map(work, parts, at_once=1, needs=needs, report=progress)])


def _of_part(
    path: Path,
    checkpoint: str | int,
    call: str,
    images: LabelledImages,
    preprocessors: PixelSteps,
    part: range,
    report: Report,
) -> np.ndarray:
    predictor = _opened(path, checkpoint, call)
    rows = predictor.probabilities(Subset(images, np.array(part)), preprocessors)
    report(len(part))
    return rows


@functools.lru_cache(maxsize=1)
def _opened(path: Path, checkpoint: str | int, call: str) -> Predictor:
    """Loads a run once for all parts of a call: before the next, it may be trained further."""
    return load_trained(path, checkpoint)

"""Rows of features: images through a body, here or in parts elsewhere."""

import functools
from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from dlcv.api import Advance, Experiment, backend, chunks, process_batch, read_ahead
from dlcv.errors import DlcvError
from dlcv.interfaces import LabelledImages
from dlcv_plugins.executors.current import executor
from dlcv_plugins.executors.stopping import signal_of
from dlcv_plugins.kinds.executor import Needs, Report
from dlcv_plugins.training.interruption import Interruption

if TYPE_CHECKING:
    import keras

    from dlcv_plugins.trainers.features.body import Body

_built: "dict[str, keras.Model]" = {}
"""The body that this process extracts parts with, by the checksum of its weights."""


def rows_of(
    experiment: Experiment,
    body: "Body",
    images: LabelledImages,
    order: np.ndarray,
    first: int,
    advance: Advance,
    asked: Interruption,
) -> Generator[np.ndarray, None, None]:
    """Yields features, `(N, features)` float32, of some whole batches at a time.

    Args:
        experiment: What is extracted.
        body: Its body.
        images: The images of a split.
        order: The places of the images in the split, `(N,)`.
        first: Where in this order to begin, a multiple of the batch size.
        advance: Is called with the number of images.
        asked: Is set where a signal ends what is done elsewhere.
    """
    there, size = executor(), experiment.config.batch_size
    if not there.is_elsewhere:
        yield from _batches(experiment, body.features, images, order[first:], advance)
        return
    work = functools.partial(_part, experiment, images, order, body.sha256())
    left = chunks(len(order) - first, there.part_size(len(order), size))
    parts = [range(first + part.start, first + part.stop) for part in left]
    needs = Needs(experiment.config.threads or 1, has_network=True)
    try:
        yield from there.map(work, parts, at_once=1, needs=needs, report=advance)
    except (KeyboardInterrupt, SystemExit) as ending:
        asked.signal = signal_of(ending)


def _batches(
    experiment: Experiment,
    features: "keras.Model",
    images: LabelledImages,
    order: np.ndarray,
    report: Report,
) -> Generator[np.ndarray, None, None]:
    """Yields the features of each batch, after the deterministic form of the steps."""
    size, threads = experiment.config.batch_size, experiment.config.threads or 1

    def read(part: range) -> np.ndarray:
        return process_batch(images, order[part.start : part.stop], experiment.pipeline, None)

    with closing(read_ahead(read, chunks(len(order), size), threads)) as batches:
        for pixels in batches:
            rows = np.asarray(features.predict_on_batch(pixels), np.float32)
            report(len(rows))
            yield rows


def _part(
    experiment: Experiment,
    images: LabelledImages,
    order: np.ndarray,
    weights_sha256: str,
    part: range,
    report: Report,
) -> np.ndarray:
    """Returns the features of a part, by a body that this process builds once."""
    features = _features(experiment, weights_sha256)
    chosen = order[part.start : part.stop]
    return np.concatenate([*_batches(experiment, features, images, chosen, report)])


def _features(experiment: Experiment, weights_sha256: str) -> "keras.Model":
    if weights_sha256 in _built:
        return _built[weights_sha256]
    backend.start(experiment.config.threads or 1)
    from dlcv_plugins.trainers.features.body import build

    body = build(experiment)
    if body.sha256() != weights_sha256:
        raise DlcvError("a worker has other weights of the body; copy them from this machine")
    _built.clear()
    return _built.setdefault(weights_sha256, body.features)

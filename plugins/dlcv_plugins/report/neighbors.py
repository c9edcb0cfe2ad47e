"""The training images that are most like some held-out ones, by the features of the network."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import attrs

from dlcv.api import Dataset, Run, Subset, find_store, open_dataset
from dlcv.errors import first_line
from dlcv.interfaces import Predictions
from dlcv_plugins.kinds.finished_run import Neighbor, Neighbors

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)
SECONDS, SECONDS_IF_ASKED = 3.0, 30.0
"""How long training images go through the network; the batch that exceeds it is the last."""
IMAGES, IMAGES_IF_ASKED = 1000, 5000
"""How many training images do at most."""
FEWEST = 100
"""Fewer images, of more that there are, show nothing that is similar."""
BATCH = 16
MOST_NEIGHBORS = 6
SEED = 42


@attrs.frozen(eq=False)
class Compared:
    """Features of some held-out images, and of training images.

    Attributes:
        samples: `(samples, features)` float32, of each network.
        training: `(images, features)` float32, likewise; all of the same images.
        sample_ids: The names of the training images, at least as many.
        labels: Their classes, likewise.
        candidates: How many training images there are of the classes in question.
    """

    samples: Sequence["np.ndarray"]
    training: Sequence["np.ndarray"]
    sample_ids: Sequence[str]
    labels: Sequence[str]
    candidates: int


def neighbors_of(
    members: Sequence[Run],
    predictions: Predictions,
    sample_ids: Sequence[str],
    *,
    asked: bool,
    is_new: bool = False,
) -> Neighbors | None:
    """Returns the training images whose features have the smallest angle to those of some samples.

    The features are what the network's last layer with weights receives; of several networks, the
    mean of the angles' cosines counts. Training images of the samples' true and predicted classes
    are compared. Where a classifier was just fitted, the features are there. Where networks were
    just trained, images chosen at random go through them, as many as do in some seconds; otherwise
    only if that is asked for.

    Args:
        members: A network, or a body with a fitted classifier; or the networks of an ensemble.
        predictions: Their predictions for the held-out images.
        sample_ids: Held-out images, few.
        asked: Whether half a minute may be spent.
        is_new: Whether they were trained in this process.

    Returns:
        None where the network or the images are not there, or too few could be compared.
    """
    features = getattr(members[0], "features", None)
    if not (features or asked or is_new):
        return None
    rows = [predictions.sample_ids.index(sample) for sample in sample_ids]
    classes = {*predictions.labels[rows], *predictions.combined[rows].argmax(axis=1)}
    names = {predictions.label_names[number] for number in classes}
    split = members[0].directory.read_json("metrics")["split"]
    most = IMAGES_IF_ASKED if asked else IMAGES
    seconds = (SECONDS_IF_ASKED if asked else SECONDS) / len(members)
    try:
        found = (
            _extracted(features["train"], features[split], sample_ids, names)
            if features
            else _computed(members, split, sample_ids, names, most, seconds)
        )
    except Exception as error:
        # The network, its preprocessors and the data may have gone; a report does without.
        logger.info("mistakes are shown without training images: %s", first_line(error))
        logger.debug("no training images", exc_info=True)
        return None
    if found is None or len(found.training[0]) < min(FEWEST, found.candidates):
        return None
    return _nearest(found, sample_ids)


def _nearest(compared: Compared, sample_ids: Sequence[str]) -> Neighbors:
    import numpy as np

    cosines = [
        _normed(samples) @ _normed(training).T
        for samples, training in zip(compared.samples, compared.training, strict=True)
    ]
    similarity = np.mean(cosines, axis=0)
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :MOST_NEIGHBORS]
    found = {
        sample: tuple(
            Neighbor(compared.sample_ids[i], compared.labels[i], float(similarity[row, i]))
            for i in nearest[row]
        )
        for row, sample in enumerate(sample_ids)
    }
    return Neighbors(found, len(compared.training[0]), compared.candidates)


def _extracted(train: Any, held_out: Any, sample_ids: Sequence[str], names: set[str]) -> Compared:
    """Returns features that a classifier was fitted to; their rows are in random order."""
    import numpy as np

    rows = {sample: row for row, sample in enumerate(held_out.sample_ids)}
    candidates = _of_classes(train, names)
    chosen = np.sort(candidates[:IMAGES_IF_ASKED])
    return Compared(
        [np.stack([held_out.values[rows[sample]] for sample in sample_ids])],
        [np.asarray(train.values[chosen])],
        [train.sample_ids[i] for i in chosen],
        [train.label_names[train.labels[i]] for i in chosen],
        len(candidates),
    )


def _computed(
    members: Sequence[Run],
    split: str,
    sample_ids: Sequence[str],
    names: set[str],
    most: int,
    seconds: float,
) -> Compared | None:
    """Returns features of images that go through each network now, for some seconds each."""
    import numpy as np

    data = members[0].data or _opened(members[0])
    if data is None or "train" not in data.splits:
        return None
    held_out, train = data.splits[split], data.splits["train"]
    places = {held_out.sample_id(i): i for i in range(len(held_out))}
    candidates = _of_classes(train, names)
    chosen = np.random.default_rng(SEED).permutation(candidates)[:most]
    if not len(chosen):
        return None
    some = Subset(held_out, np.array([places[s] for s in sample_ids]))
    samples, training = [], []
    for run in members:
        through = _through(run)
        samples.append(through(some, None))
        training.append(through(Subset(train, chosen), seconds))
    fewest = min(map(len, training))
    return Compared(
        samples,
        [features[:fewest] for features in training],
        [train.sample_id(int(i)) for i in chosen],
        [train.label_names[train.labels[i]] for i in chosen],
        len(candidates),
    )


def _of_classes(images: Any, names: set[str]) -> "np.ndarray":
    """Returns the places of the images of some classes."""
    import numpy as np

    numbers = [number for number, name in enumerate(images.label_names) if name in names]
    return np.flatnonzero(np.isin(images.labels, numbers))


def _opened(run: Run) -> Dataset | None:
    """Opens a run's data as it was divided, without decoding images.

    Where unreadable images were left out, all would have to be decoded to divide alike: None.
    """
    config = run.config
    if config.bad_images == "skip":
        return None
    return open_dataset(
        find_store(config.data),
        config.split,
        bad_images=config.bad_images,
        threads=run.threads,
        look=False,
        fraction=config.fraction,
    )


def _through(run: Run) -> Callable[[Subset, float | None], "np.ndarray"]:
    """Returns what gives the features of images, `(N, features)`, as many as the time allows."""
    import keras
    import numpy as np

    network: Any = run.network
    if isinstance(network, keras.Model):
        last = next(layer for layer in reversed(network.layers) if layer.weights)
        body = keras.Model(network.inputs, last.input, name="features")
    else:
        body = network.body
    # To compile for so few images would take longer than they do.
    body.compile(jit_compile=False)

    def features(images: Subset, seconds: float | None) -> np.ndarray:
        loader = run.loader(images)
        views, found, start = loader.pipeline.views, [], time.monotonic()
        with closing(loader.with_batch_size(max(1, BATCH // views)).epoch()) as epoch:
            for pixels, _ in epoch:
                values = np.asarray(body.predict_on_batch(pixels), np.float32)
                found.append(values.reshape(len(values) // views, views, -1).mean(axis=1))
                if seconds is not None and time.monotonic() - start > seconds:
                    break
        return np.concatenate(found)

    return features


def _normed(features: "np.ndarray") -> "np.ndarray":
    """Returns features of length 1; those that are all 0 stay."""
    import numpy as np

    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    normed: np.ndarray = np.divide(
        features, lengths, out=np.zeros_like(features), where=lengths > 0
    )
    return normed

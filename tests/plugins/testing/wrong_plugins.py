"""Plugins that are wrong in one way each, as authors have written them, and what catches them.

They are importable, since some checks restore a plugin in another process. This module imports no
Keras and no scikit-learn, since its plugins are checked for that.
"""

import enum
import random
from collections.abc import Callable
from typing import Any, ClassVar

import attrs
import numpy as np

from dlcv.errors import DlcvError
from dlcv.interfaces import (
    Architecture,
    Classifier,
    DatasetStore,
    Evaluation,
    Evaluator,
    LabelledImages,
    Preprocessor,
    Schedule,
    evolve,
    option,
    plugin,
    stack,
    state,
)

GENERATOR = np.random.default_rng()


@plugin
class Step(Preprocessor):
    """Does nothing to images."""

    def __call__(self, images, rng=None):
        return images


@plugin
class Hurried(Step):
    """Keeps its images where the next call finds them."""

    kept: ClassVar[dict[str, Any]] = {}

    def __call__(self, images, rng=None):
        self.kept["images"] = images
        return stack([255 - image for image in self.kept["images"]])


@plugin
class Forgetful(Step):
    """Keeps what it learned in its class."""

    darkest: ClassVar[int] = 0

    def prepare(self, context):
        Forgetful.darkest = int(min(batch.min() for batch in context.training_batches())) + 1
        return self

    def __call__(self, images, rng=None):
        return stack([np.maximum(image, self.darkest * 2) for image in images])


@plugin
class Bookkeeper(Step):
    """Learns a dictionary."""

    counts: Any = state()

    def prepare(self, context):
        return evolve(self, counts={"batches": len(list(context.training_batches()))})


@plugin
class Gambler(Step):
    """Changes one image in two hundred, by a generator of its module."""

    def __call__(self, images, rng=None):
        return 255 - images if GENERATOR.random() < 0.005 else images


@plugin
class Dicer(Step):
    """Changes one image in two hundred, by Python's generator."""

    def __call__(self, images, rng=None):
        return 255 - images if random.random() < 0.005 else images


@plugin
class Legacy(Step):
    """Changes one image in two hundred, by NumPy's global generator."""

    def __call__(self, images, rng=None):
        return 255 - images if np.random.random() < 0.005 else images


@plugin
class Drawer(Step):
    """Changes one image in two hundred, by a new generator each time."""

    def __call__(self, images, rng=None):
        return 255 - images if np.random.default_rng().random() < 0.005 else images


@plugin
class Halving(Step):
    """Divides by two, by a layer that a test chooses."""

    def __call__(self, images, rng=None):
        return np.asarray(images, np.float32) / 2


@plugin
class HalvingByCode(Halving):
    """Divides by two, by a Lambda layer."""

    def as_layer(self):
        import keras

        return keras.layers.Lambda(lambda x: keras.ops.cast(x, "float32") / 2, dtype="float32")


@plugin
class HalvingByHand(Halving):
    """Divides by two, by a layer of its own that Keras does not know."""

    def as_layer(self):
        return _own_layer()


def _own_layer():
    import keras

    class Half(keras.Layer):
        def call(self, x):
            return keras.ops.cast(x, "float32") / 2

    return Half(dtype="float32", name="half")


class Mode(enum.Enum):
    LOUD = "loud"


@plugin
class ByEnum(Step):
    """Has an option that no text can express."""

    mode: Mode = option(Mode.LOUD, help="the mode")


@plugin
class ByDict(Step):
    """Has an option that no text can express."""

    mode: dict = option(attrs.Factory(dict), help="the mode")


@plugin
class ByBytes(Step):
    """Has an option that no text can express."""

    mode: bytes = option(b"", help="the mode")


@plugin
class ByComplex(Step):
    """Has an option that no text can express."""

    mode: complex | None = option(None, help="the mode")


@attrs.define
class Plain(Step):
    """Is made by attrs alone."""

    def __call__(self, images, rng=None):
        return images


@plugin
class Sinking(Schedule):
    """Is negative after the thirtieth epoch."""

    def learning_rate(self, epoch, epochs, initial):
        return initial * (1 - epoch / 31)


@plugin
class Cold(Schedule):
    """Has a rate() without the warm-up."""

    def learning_rate(self, epoch, epochs, initial):
        return initial

    def rate(self, epoch, epochs, initial):
        return initial


class Rows(LabelledImages):
    """Two images in memory."""

    label_names = ("cat", "dog")
    image_shape = (4, 5, 3)

    def __init__(self):
        self.labels = np.array([0, 1])

    def read(self, indices):
        return np.stack([np.full(self.image_shape, i, np.uint8) for i in indices])

    def sample_id(self, index):
        return f"row {index}"

    def fingerprint(self):
        return "two rows"


class Unmarked(Rows):
    """Has no fingerprint."""

    def fingerprint(self):
        return ""


@plugin
class Store(DatasetStore):
    """Holds two images."""

    rows: ClassVar[type] = Rows

    def splits(self):
        return ("train",)

    def open(self, split):
        if split != "train":
            raise DlcvError(f"no split {split}")
        return self.rows()


@plugin
class Anonymous(Store):
    """Has an empty fingerprint."""

    rows: ClassVar[type] = Unmarked


@plugin
class Greedy(Store):
    """Takes everything for a data set."""

    @classmethod
    def recognise(cls, path):
        return cls()


@plugin
class Fragile(Store):
    """Expects a folder wherever it is asked."""

    @classmethod
    def recognise(cls, path):
        return cls() if any(p.suffix == ".npy" for p in path.iterdir()) else None


@plugin
class Private(Classifier):
    """Has an estimator that skops does not trust."""

    def estimator(self):
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer

        return make_pipeline(FunctionTransformer(doubled), LogisticRegression())


def doubled(x):
    return x * 2


@plugin
class Sequential(Evaluator):
    """Depends on the order of the samples."""

    def evaluate(self, predictions):
        half = len(predictions.labels) // 2
        right = predictions.combined.argmax(axis=1) == predictions.labels
        return Evaluation({"first_half": float(right[:half].mean())})


@plugin
class Coded(Architecture):
    """Has a Lambda layer."""

    default_size = (6, 8)

    def features(self, x):
        from keras import layers

        return layers.Lambda(lambda x: x * 2, name="twice")(x)


@plugin
class Handmade(Architecture):
    """Has a layer of its own that Keras does not know."""

    default_size = (6, 8)

    def features(self, x):
        return _own_layer()(x)


@plugin
class Assertive(Step):
    """Asserts without a reason."""

    def __call__(self, images, rng=None):
        assert len(images) == 0
        return images


RANDOM = {"same_randomness_same_result", "result_is_fixed_without_randomness"}
WRONG: dict[str, tuple[Callable[[], Any], set[str]]] = {
    "step shared by threads": (Hurried, {"several_threads_may_call_it"}),
    "state in the class": (Forgetful, {"state_is_restored_in_another_process"}),
    "state that is a dict": (Bookkeeper, {"state_is_restored"}),
    "rare randomness of the module": (Gambler, RANDOM),
    "rare randomness of Python": (Dicer, RANDOM),
    "rare randomness of NumPy": (Legacy, RANDOM),
    "rare randomness that is new": (Drawer, RANDOM),
    "step with a Lambda": (HalvingByCode, {"layer_computes_the_same"}),
    "step with its own layer": (HalvingByHand, {"layer_computes_the_same"}),
    "option of type Enum": (ByEnum, {"making"}),
    "option of type dict": (ByDict, {"making"}),
    "option of type bytes": (ByBytes, {"making"}),
    "option of type complex": (ByComplex, {"making"}),
    "class of attrs alone": (Plain, {"spec_parses_back"}),
    "rate that is negative late": (Sinking, {"rates_are_usable"}),
    "rate() without warm-up": (Cold, {"warm_up_rises_to_the_schedule"}),
    "empty fingerprint": (Anonymous, {"fingerprint_is_stable"}),
    "recognise takes everything": (Greedy, {"only_data_sets_are_recognised"}),
    "recognise raises": (Fragile, {"only_data_sets_are_recognised"}),
    "untrusted estimator": (Private, {"estimator_can_be_kept"}),
    "figure of an order": (Sequential, {"order_of_samples_changes_no_figure"}),
    "network with a Lambda": (Coded, {"layers_can_be_loaded"}),
    "network with its own layer": (Handmade, {"layers_can_be_loaded"}),
}
"""What makes a wrong plugin, and the checks that catch it; `making` where it can't be made."""

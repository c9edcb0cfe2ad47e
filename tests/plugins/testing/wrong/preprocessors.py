"""Wrong preprocessors: pixel steps, value steps, and steps that mix."""

import itertools
import random
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from dlcv.errors import DlcvError
from dlcv.interfaces import evolve, plugin, stack, state
from wrong.common import Step, step
from wrong.layers import own_layer

CALLS = itertools.count()
GENERATOR = np.random.default_rng()


def call(function, **members):
    """Returns what makes a step that does what `function(images, rng)` does."""
    return step(__call__=lambda self, images, rng=None: function(images, rng), **members)


def each(function, **members):
    """Returns what makes a step that does what `function(image)` does to each image."""
    return call(lambda images, rng: stack([function(image) for image in images]), **members)


def darken(images, rng):
    for image in images:
        image //= 2
    return images


def noisy(images, rng):
    rng = np.random.default_rng()
    return stack([i + rng.integers(2, size=i.shape, dtype=np.uint8) for i in images])


def rarely(draw):
    """Returns what makes a step that changes one batch in two hundred."""
    return call(lambda images, rng: 255 - np.asarray(images) if draw() < 0.005 else images)


def mix(function):
    """Returns what makes a step that mixes as `function(images, labels)` does."""
    return step(mix=lambda self, images, labels, rng: function(images, labels))


def value(function, layer):
    """Returns what makes a value step of a function of the images, and of what makes its layer."""
    return call(lambda images, rng: function(np.asarray(images)), as_layer=lambda self: layer())


def half(images):
    return images.astype(np.float32) / 2


def rescaling(factor, dtype="float32"):
    """Returns what makes a layer that multiplies."""

    def make():
        from keras import layers

        return layers.Rescaling(factor, dtype=dtype)

    return make


def by_code():
    import keras

    return keras.layers.Lambda(lambda x: keras.ops.cast(x, "float32") / 2, dtype="float32")


@plugin
class Hurried(Step):
    """Keeps its images where the next call finds them."""

    kept: ClassVar[dict[str, Any]] = {}

    def __call__(self, images, rng=None):
        self.kept["images"] = images
        return stack([255 - image for image in self.kept["images"]])


@plugin
class Classy(Step):
    """Keeps what it learned in its class."""

    darkest: ClassVar[int] = 0

    def prepare(self, context):
        Classy.darkest = int(min(batch.min() for batch in context.training_batches())) + 1
        return self

    def __call__(self, images, rng=None):
        return stack([np.maximum(image, self.darkest * 2) for image in images])


def learning(name, call):
    """Returns what makes a step that keeps what it learned in an attribute that is no state."""

    def prepare(self, context):
        made = type(self)()
        object.__setattr__(made, name, 1 + sum(len(b) for b in context.training_batches()))
        return made

    return step(prepare=prepare, __call__=call)


def divide(self, images, rng=None):
    return stack([i // getattr(self, "known", 1) for i in images])


def refuse(self, images, rng=None):
    if not hasattr(self, "known"):
        raise DlcvError("call prepare first")
    return images


@plugin
class Bookkeeper(Step):
    """Learns a dictionary."""

    counts: Any = state()

    def prepare(self, context):
        return evolve(self, counts={"batches": len(list(context.training_batches()))})


SHAPES = {"output_shape_is_true", "grey_images_are_processed_or_refused"}
VIEWS = {"views_are_as_many_as_told"}
RANDOM = {"same_randomness_same_result", "result_is_fixed_without_randomness", ...}
MIXING = {"mixing_keeps_shapes_and_shares"}
WRONG: dict[str, tuple[Callable, set]] = {
    "loses an image": (call(lambda images, rng: images[1:]), {"batch_keeps_its_length", ...}),
    "loses one in training": (
        call(lambda images, rng: images if rng is None else images[1:]),
        {"batch_keeps_its_length", ...},
    ),
    "changes its input": (call(darken), {"input_is_not_modified", ...}),
    "random by itself": (call(noisy), RANDOM),
    "rarely random, by its module": (rarely(GENERATOR.random), RANDOM),
    "rarely random, by Python": (rarely(random.random), RANDOM),
    "rarely random, by NumPy": (rarely(np.random.random), RANDOM),
    "rarely random, anew": (rarely(lambda: np.random.default_rng().random()), RANDOM),
    "shared by threads": (Hurried, {"several_threads_may_call_it"}),
    "learned beside its state": (learning("known", divide), {"state_is_restored"}),
    "learned, and needed": (learning("known", refuse), {"state_is_restored"}),
    "learned in its class": (Classy, {"state_is_restored_in_another_process"}),
    "state that is a dict": (Bookkeeper, {"state_is_restored", ...}),
    "float pixels": (each(lambda i: i / np.float32(255)), {"pixels_stay_bytes"}),
    "no channel axis": (each(lambda i: i[..., 0]), {"pixels_stay_bytes", ...}),
    "views that are not told": (each(lambda i: np.stack([i, i])), VIEWS),
    "fewer views than told": (each(lambda i: np.stack([i]), views=2), VIEWS),
    "more views than told": (each(lambda i: np.stack([i] * 3), views=2), VIEWS),
    "views without an axis": (step(views=2), VIEWS),
    "views of floats": (each(lambda i: np.stack([i / 2, i]), views=2), {"pixels_stay_bytes"}),
    "other for lists": (
        call(lambda images, rng: images if isinstance(images, list) else 255 - images),
        {"list_gives_what_array_gives"},
    ),
    "only images of one size": (
        call(lambda images, rng: stack([i for i in images if i.shape == images[0].shape])),
        {"images_of_many_sizes"},
    ),
    "a list of one size": (
        call(lambda images, rng: [i[:8, :8] for i in images]),
        {"images_of_many_sizes", ...},
    ),
    "other shape than told": (each(lambda i: i[:8, :8]), SHAPES),
    "other shape in training": (
        call(lambda images, rng: images if rng is None else stack([i[1:] for i in images])),
        {"output_shape_is_true", ...},
    ),
    "fails for grey images": (
        each(lambda i: i[..., [2, 1, 0]]),
        {*SHAPES} - {"output_shape_is_true"},
    ),
    "mixes fewer images": (mix(lambda images, labels: (images[1:], labels)), MIXING),
    "mixes to floats": (mix(lambda images, labels: (images / 2, labels)), MIXING),
    "mixes fewer labels": (mix(lambda images, labels: (images, labels[1:])), MIXING),
    "loses shares of labels": (mix(lambda images, labels: (images, labels / 2)), MIXING),
    "mixes as it likes": (
        mix(lambda images, labels: (images, np.roll(labels, next(CALLS), 0))),
        MIXING,
    ),
    "values of float64": (value(lambda x: x / 2, rescaling(1 / 2)), {"values_are_float32"}),
    "values of another shape": (
        value(lambda x: x[..., :1].astype(np.float32), rescaling(1)),
        {"values_are_float32", ...},
    ),
    "layer that differs": (value(half, rescaling(1 / 3)), {"layer_computes_the_same"}),
    "layer of float16": (
        value(lambda x: x.astype(np.float32), rescaling(1, "float16")),
        {"layer_computes_the_same"},
    ),
    "Lambda layer": (value(half, by_code), {"layer_computes_the_same"}),
    "layer of its own": (value(half, own_layer), {"layer_computes_the_same"}),
}

"""Checks of architectures; they need Keras and build the network several times.

Names and shapes do not depend on weights, so most networks are built without any.

PYTEST_DONT_REWRITE: what fails is told in whole sentences.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dlcv import api
from dlcv.errors import DlcvError
from dlcv.interfaces import Architecture, Plugin, Preprocessor, is_value_step
from dlcv.registry import registry
from dlcv.testing import Check
from dlcv_plugins.testing.layers import check_keras_can_load

if TYPE_CHECKING:
    import keras

CLASSES = 7
TWO = 2
"""The classes of networks that are for two alone."""


def checks(cls: type[Plugin]) -> tuple[Check, ...]:
    """Returns the checks for architectures."""
    return (
        check_preprocessors_are_value_steps,
        check_output_is_probabilities,
        check_grey_images_are_taken,
        check_output_stays_float32_in_mixed_precision,
        check_layer_names_are_systematic,
        check_body_ends_before_the_classifier,
        check_layers_can_be_loaded,
    )


def check_preprocessors_are_value_steps(architecture: Architecture) -> None:
    """What stands for `auto` among a run's preprocessors can be made, and changes only values.

    A step that resizes to the network's own size may go before.
    """
    text = architecture.preprocessors
    if text == api.AUTO:
        return
    try:
        steps = registry.create_list("preprocessor", text)
    except DlcvError as error:
        raise AssertionError(f'the preprocessors "{text}" can\'t be made: {error}') from error
    others = [step for step in steps if not is_value_step(step) and not _resizes(step)]
    named = ", ".join(str(registry.spec_of(step)) for step in others)
    assert not others, (
        f"the preprocessors {named} work on pixels; name value steps only, and what resizes"
    )


def _resizes(step: Preprocessor) -> bool:
    return step.with_output_size((8, 8)).output_shape((None, None, 3))[:2] == (8, 8)


def check_output_is_probabilities(architecture: Architecture) -> None:
    """A network of the default size gives `(N, classes)` float32 that sum to 1."""
    import numpy as np

    model, classes = _build(architecture)
    assert model.output.shape == (None, classes), (
        f"the output is {model.output.shape} for {classes} classes, not {(None, classes)}"
    )
    images = np.random.default_rng(0).normal(size=(2, *model.input.shape[1:]))
    probabilities = np.asarray(model(images.astype(np.float32), training=False))
    assert probabilities.dtype == "float32", f"the output is {probabilities.dtype}, not float32"
    sums_to_1 = np.allclose(probabilities.sum(axis=1), 1, atol=1e-4)
    assert sums_to_1, f"the output does not sum to 1: {probabilities[0]}; end with a softmax"


def check_grey_images_are_taken(architecture: Architecture) -> None:
    """Channels come from the data: a network is built for one as well as for three."""
    with api.symbolic():
        model, classes = _build(architecture, channels=1)
    shape = model.output.shape
    assert shape == (None, classes), f"for grey images the output is {shape}"


def check_output_stays_float32_in_mixed_precision(architecture: Architecture) -> None:
    """Probabilities and the loss need float32, whatever the rest computes in."""
    with _mixed_precision(), api.symbolic():
        model, _ = _build(architecture)
    assert model.output.dtype == "float32", (
        f"in mixed precision the output is {model.output.dtype}; "
        "end with softmax_layer(classes), or a layer with dtype=float32"
    )


def check_layer_names_are_systematic(architecture: Architecture) -> None:
    """Weights are transferred and layers frozen by name, so names are chosen, not numbered."""
    with api.symbolic():
        second = [x.name for x in _build(architecture)[0].layers]
    first = [x.name for x in _without_weights(architecture).layers]
    numbered = [a for a, b in zip(first, second, strict=True) if a != b]
    assert not numbered, (
        f"layers are named by Keras, differently each time: {', '.join(numbered[:5])}; "
        'give each layer a name such as "stage2_block3_conv1"'
    )


def check_body_ends_before_the_classifier(architecture: Architecture) -> None:
    """Features are taken from the body; it is the network without its last layers."""
    whole = [x.name for x in _without_weights(architecture).layers]
    with api.symbolic():
        body = architecture.body((*architecture.default_size, 3))
    names = [x.name for x in body.layers]
    assert names == whole[: len(names)], (
        f"the body's layers {names} are not the first of the network's {whole}"
    )
    assert len(names) < len(whole), (
        "the body is the whole network; move its last layers from features() to classify()"
    )
    assert None not in body.output.shape[1:], (
        f"the features have the shape {body.output.shape}; all but the first must be known"
    )


def check_layers_can_be_loaded(architecture: Architecture) -> None:
    """A run's `model.keras` can be loaded without the package that the network came from."""
    check_keras_can_load(_without_weights(architecture), "the network")


def _build(architecture: Architecture, channels: int = 3) -> "tuple[keras.Model, int]":
    """Returns a network, and the number of its classes: 7, or 2 where it refuses more."""
    shape = (*architecture.default_size, channels)
    try:
        return architecture.build(shape, CLASSES), CLASSES
    except DlcvError:
        return architecture.build(shape, TWO), TWO


@functools.lru_cache(maxsize=1)
def _without_weights(architecture: Architecture) -> "keras.Model":
    """Returns a network for checks of names and layers, which share it."""
    with api.symbolic():
        return _build(architecture)[0]


@contextmanager
def _mixed_precision() -> Iterator[None]:
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)

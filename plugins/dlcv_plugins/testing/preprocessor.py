"""Checks of preprocessors.

PYTEST_DONT_REWRITE: what fails is told in whole sentences.
"""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from dlcv.errors import DlcvError
from dlcv.interfaces import Images, Preprocessor
from dlcv.testing import Check
from dlcv_plugins.testing.batches import COUNT, fresh_rng, prepared, sample_images, sample_list
from dlcv_plugins.testing.layers import check_keras_can_load
from dlcv_plugins.testing.processes import in_another_process, is_importable, taking_turns
from dlcv_plugins.testing.randomness import foreign_randomness

REPEATED = 20
"""How often a result is compared with the first."""
THREADS = 8


def checks(cls: type[Preprocessor]) -> tuple[Check, ...]:
    """Returns the checks for pixel steps or for value steps, and for those that mix."""
    common: tuple[Check, ...] = (
        check_batch_keeps_its_length,
        check_input_is_not_modified,
        check_same_randomness_same_result,
        check_result_is_fixed_without_randomness,
        check_state_is_restored,
        check_state_is_restored_in_another_process,
        check_several_threads_may_call_it,
    )
    pixel: tuple[Check, ...] = (
        check_pixels_stay_bytes,
        check_views_are_as_many_as_told,
        check_list_gives_what_array_gives,
        check_images_of_many_sizes,
        check_output_shape_is_true,
        check_grey_images_are_processed_or_refused,
    )
    value = (check_values_are_float32, check_layer_computes_the_same)
    mixing = (check_mixing_keeps_shapes_and_shares,)
    has_layer = cls.as_layer is not Preprocessor.as_layer
    mixes = cls.mix is not Preprocessor.mix
    return (*common, *(value if has_layer else pixel), *(mixing if mixes else ()))


def check_batch_keeps_its_length(step: Preprocessor) -> None:
    """As many images come out as went in."""
    ready = prepared(step)
    for rng in (None, fresh_rng()):
        result = ready(sample_images(ready), rng)
        assert len(result) == COUNT, f"of {COUNT} images {len(result)} are left"


def check_input_is_not_modified(step: Preprocessor) -> None:
    """Images may be kept by a store, and shared by threads."""
    ready = prepared(step)
    for rng in (None, fresh_rng()):
        images = sample_images(ready)
        before = images.copy()
        ready(images, rng)
        assert (images == before).all(), f"{step} modifies its input; work on a copy"


def check_same_randomness_same_result(step: Preprocessor) -> None:
    """All randomness comes from `rng`: otherwise runs could not be repeated."""
    ready = prepared(step)
    images = sample_images(ready)
    with foreign_randomness(ready) as found:
        expected = ready(images, fresh_rng())
        for _ in range(REPEATED):
            assert _equal(ready(images, fresh_rng()), expected), (
                f"{step} gives two results for the same rng; take all randomness from it"
            )
    assert not found, f"{step} takes randomness from {found[0]}; take all from rng"


def check_result_is_fixed_without_randomness(step: Preprocessor) -> None:
    """Without `rng`, when images are judged, nothing is random."""
    ready = prepared(step)
    images = sample_images(ready)
    with foreign_randomness(ready) as found:
        expected = ready(images)
        for _ in range(REPEATED):
            assert _equal(ready(images), expected), f"{step} is random although rng is None"
    assert not found, f"{step} takes randomness from {found[0]} although rng is None"


def check_state_is_restored(step: Preprocessor) -> None:
    """What a step learned is stored as arrays, and makes a fresh copy do the same."""
    ready = prepared(step)
    fresh = type(ready)(**ready.options()).with_state(ready.state_dict())
    images = sample_images(ready)
    try:
        result = fresh(images)
    except DlcvError as error:
        raise AssertionError(f"{step} can't go on from its state_dict(): {error}") from None
    assert _equal(result, ready(images)), (
        f"{step} gives another result with its state restored; declare all it learns as state()"
    )


def check_state_is_restored_in_another_process(step: Preprocessor) -> None:
    """A run is loaded by a process that learned nothing: no variable of a class or module helps."""
    if type(step).prepare is Preprocessor.prepare or not is_importable(type(step)):
        return
    ready = prepared(step)
    images = sample_images(ready)
    fresh = type(ready)(**ready.options())
    result = in_another_process(fresh, ready.state_dict(), images)
    assert _equal(result, ready(images)), (
        f"{step} gives another result in a new process with its state restored; declare all it "
        "learns as state()"
    )


def check_several_threads_may_call_it(step: Preprocessor) -> None:
    """The loader calls a step from several threads at once, each with images and rng of its own."""
    import numpy as np

    ready = prepared(step)
    images = sample_images(ready)
    batches = [np.roll(images, number, axis=0) for number in range(2 * THREADS)]

    def process(number: int, start: Barrier | None = None) -> list[Images]:
        if start is not None:
            start.wait()
        rng = np.random.default_rng(number)
        return [ready(batches[number]), ready(batches[number], rng)]

    alone = [process(number) for number in range(len(batches))]
    with taking_turns(type(ready)), ThreadPoolExecutor(THREADS) as pool:
        start = Barrier(THREADS)
        together = list(pool.map(process, range(len(batches)), [start] * len(batches)))
    for expected, found in zip(alone, together, strict=True):
        assert all(map(_equal, found, expected)), (
            f"{step} gives other results when several threads call it at once; keep nothing "
            "between calls"
        )


def check_pixels_stay_bytes(step: Preprocessor) -> None:
    """A pixel step takes and gives uint8 images of `(H, W, C)`."""
    ready = prepared(step)
    for rng in (None, fresh_rng()):
        for image in ready(sample_images(ready), rng):
            assert image.dtype == "uint8", (
                f"{step} gives {image.dtype}; a pixel step gives uint8, a value step has as_layer()"
            )
            assert image.ndim >= 3, f"{step} gives an image of shape {image.shape}"


def check_views_are_as_many_as_told(step: Preprocessor) -> None:
    """A step of several `views` gives `(N, views, H, W, C)`, one of a single view no such axis."""
    ready = prepared(step)
    told = () if ready.views == 1 else (ready.views,)
    for images in (sample_images(ready), sample_images(ready)[:1], sample_list(ready)):
        for image in ready(images):
            assert image.shape[:-3] == told, (
                f"{step} gives an image of shape {image.shape}, but its views are {ready.views}"
            )


def check_list_gives_what_array_gives(step: Preprocessor) -> None:
    """Images of one size may come as a list as well."""
    ready = prepared(step)
    images = sample_images(ready)
    assert _equal(ready(list(images)), ready(images)), f"{step} treats a list unlike an array"


def check_images_of_many_sizes(step: Preprocessor) -> None:
    """Images of different sizes come as a list; the result is an array once sizes agree."""
    import numpy as np

    ready = prepared(step)
    for rng in (None, fresh_rng()):
        result = ready(sample_list(ready), rng)
        assert len(result) == COUNT, f"of {COUNT} images of different sizes {len(result)} are left"
        if len({image.shape for image in result}) == 1:
            assert isinstance(result, np.ndarray), (
                f"{step} gives a list of images of one size; return stack(images)"
            )


def check_output_shape_is_true(step: Preprocessor) -> None:
    """`output_shape` tells the shape that images get, as far as it tells anything."""
    ready = prepared(step)
    images = sample_images(ready)
    for rng in (None, fresh_rng()):
        _compare_shapes(step, ready(images, rng), ready.output_shape(images.shape[1:]))
        _compare_shapes(step, ready(sample_list(ready), rng), ready.output_shape((None, None, 3)))


def check_grey_images_are_processed_or_refused(step: Preprocessor) -> None:
    """Images may have one channel; a step that can't take them says so."""
    ready = prepared(step)
    images = sample_images(ready)[..., :1]
    for rng in (None, fresh_rng()):
        try:
            result = ready(images, rng)
        except DlcvError:
            continue
        except Exception as error:
            raise AssertionError(
                f"grey images: {error!r}; process (H, W, 1) or raise a DlcvError"
            ) from error
        _compare_shapes(step, result, ready.output_shape(images.shape[1:]))


def check_values_are_float32(step: Preprocessor) -> None:
    """A value step computes float32 numbers, of the shape that `output_shape` tells."""
    ready = prepared(step)
    images = sample_images(ready)
    result = ready(images)
    assert all(image.dtype == "float32" for image in result), f"{step} does not give float32"
    _compare_shapes(step, result, ready.output_shape(images.shape[1:]))


def check_layer_computes_the_same(step: Preprocessor) -> None:
    """The layer, on raw bytes or after another value step, does what calling the step does."""
    import keras
    import numpy as np

    ready = prepared(step)
    images = sample_images(ready)
    expected = np.asarray(ready(images))
    check_keras_can_load(ready.as_layer(), f"the layer of {step}")
    for dtype in ("uint8", "float32"):
        inputs = keras.Input(images.shape[1:], dtype=dtype)
        outputs = ready.as_layer()(inputs)
        assert outputs.dtype == "float32", f"the layer of {step} gives {outputs.dtype}"
        found = np.asarray(keras.Model(inputs, outputs)(images.astype(dtype)))
        worst = np.abs(found - expected).max()
        assert worst <= 1e-4 * max(1.0, np.abs(expected).max()), (
            f"the layer of {step} differs from calling it by {worst:.3g} on {dtype} images"
        )


def check_mixing_keeps_shapes_and_shares(step: Preprocessor) -> None:
    """Mixed images stay bytes of the same shape; mixed labels stay shares that sum to 1."""
    import numpy as np

    ready = prepared(step)
    images = sample_images(ready)
    one_hot = np.eye(3, dtype=np.float32)[np.arange(COUNT) % 3]
    mixed, labels = ready.mix(images.copy(), one_hot.copy(), fresh_rng())
    assert mixed.shape == images.shape, f"{step} mixes {images.shape} to {mixed.shape}"
    assert mixed.dtype == "uint8", f"{step} mixes to {mixed.dtype} images, not to uint8"
    assert labels.shape == one_hot.shape, f"{step} mixes labels to {labels.shape}"
    assert np.allclose(labels.sum(axis=1), 1, atol=1e-5), f"{step}: mixed labels do not sum to 1"
    again = ready.mix(images.copy(), one_hot.copy(), fresh_rng())
    assert all(map(_equal, (mixed, labels), again)), (
        f"{step} mixes in two ways for the same rng; take all randomness from it"
    )


def _equal(first: Images, second: Images) -> bool:
    """Returns whether two batches hold the same images."""
    return len(first) == len(second) and all(
        a.shape == b.shape and (a == b).all() for a, b in zip(first, second, strict=True)
    )


def _compare_shapes(step: Preprocessor, images: Images, told: Any) -> None:
    for image in images:
        shape = image.shape[-3:]
        assert all(t in (None, actual) for t, actual in zip(told, shape, strict=True)), (
            f"the output_shape of {step} is {told}, but an image has {shape}"
        )

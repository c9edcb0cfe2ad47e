"""Other pixel steps for a trained network: what is put together, and what is refused."""

import logging

import numpy as np
import pytest

from dlcv import registry
from dlcv.data.fitting import chosen_pixel_steps, fit_to_input, with_pixel_steps
from dlcv.data.pipeline import Pipeline
from dlcv.errors import DlcvError, SpecError
from dlcv.interfaces import Preprocessor, plugin, state
from dlcv.registry.spec import Spec
from dlcv_plugins.preprocessors.crop import Crop
from dlcv_plugins.preprocessors.mean import Mean
from dlcv_plugins.preprocessors.simple import Simple


def trained(text, size=(8, 8)):
    """The pipeline of a run whose network's input has a size."""
    return Pipeline.of(registry.create_list("preprocessor", text)).with_sizes(size)


def replaced(run, text, shape=(None, None, 3), size=(8, 8)):
    """The pixel steps that come of it, as text without the options that these tests leave alone."""
    run = trained(run, size)
    found = with_pixel_steps(run, chosen_pixel_steps(run, text), shape, size)
    assert found.value_steps == run.value_steps
    texts = [str(registry.registry.spec_of(step)) for step in found.pixel_steps]
    text = ", ".join(texts)
    for default in (", interpolation=area", ", final_resize=False", ", padding=0", ", mirror=True"):
        text = text.replace(default, "")
    return text


@pytest.mark.parametrize(
    ("run", "text", "shape", "expected"),
    [
        # The run's own resizing leaves room for crops: they are cut as patches were in training.
        (
            "aspect_aware(size=12), patch, mean", "crop", (None, None, 3),
            "aspect_aware(size=12), crop(size=(8, 8))",
        ),
        (
            "simple(size=(8, 9)), patch", "crop", (50, 40, 3),
            "simple(size=(8, 9)), crop(size=(8, 8))",
        ),
        # It leaves none: an eighth larger, whether the images have one size or many.
        ("aspect_aware", "crop", (None, None, 3), "aspect_aware(size=(9, 9)), crop(size=(8, 8))"),
        ("aspect_aware", "crop", (50, 40, 3), "aspect_aware(size=(9, 9)), crop(size=(8, 8))"),
        ("simple(size=8)", "crop(size=8)", (50, 40, 3), "aspect_aware(size=(9, 9)), crop(size=8)"),
        # The run took packed images as they are, and so are the crops.
        ("patch, mean", "crop, mean", (12, 12, 3), "crop(size=(8, 8))"),
        ("mean", "crop", (8, 8, 3), "crop(size=(8, 8))"),
        ("mean", "crop", (None, None, 3), "aspect_aware(size=(9, 9)), crop(size=(8, 8))"),
        # A step that resizes needs nothing before it.
        ("aspect_aware(size=12), patch", "simple", (None, None, 3), "simple(size=(8, 8))"),
        (
            "aspect_aware(size=12), patch", "simple(size=20), crop", (None, None, 3),
            "simple(size=20), crop(size=(8, 8))",
        ),
        # No room is needed: the run's own resizing if it ends with the input's size.
        ("simple(size=8), scale", "scale", (None, None, 3), "simple(size=8)"),
        ("aspect_aware(size=12), patch", "", (None, None, 3), "aspect_aware(size=(8, 8))"),
        ("scale", "", (8, 8, 3), ""),
    ],
)  # fmt: skip
def test_pixel_steps_are_replaced_and_sized(run, text, shape, expected):
    assert replaced(run, text, shape) == expected


def test_what_is_added_is_said(caplog):
    caplog.set_level(logging.INFO, "dlcv")
    replaced("aspect_aware(size=12), patch", "crop")
    assert caplog.messages == [
        "nothing among the preprocessors resizes: added "
        "aspect_aware(size=12, interpolation=area, final_resize=False)"
    ]


@pytest.mark.parametrize(("text", "warns"), [("crop", True), ("aspect_aware(size=9), crop", False)])
def test_crops_that_are_all_alike_are_warned_of(text, warns, caplog):
    replaced("mean", text, (8, 8, 3))
    expected = (
        "the images have just the size that crop gives, so each view shows all of an image; "
        "put aspect_aware(size=(9, 9), interpolation=area, final_resize=False) before it"
    )
    assert caplog.messages == [expected] * warns


def test_statistics_are_the_run_s():
    mean = Mean().with_state({"values": np.array([1, 2, 3], np.float32)})
    run = Pipeline((), (mean,))
    found = with_pixel_steps(run, chosen_pixel_steps(run, "mean, crop"), (8, 8, 3), (8, 8))
    assert found.value_steps[0] is mean


def test_a_step_that_the_run_has_keeps_what_it_learned():
    @plugin
    class Learned(Preprocessor):
        """Learns a number."""

        number: "np.ndarray | None" = state()

        def __call__(self, images, rng=None):
            return images

    with registry.register("preprocessor", "learned", Learned):
        run = Pipeline((Learned().with_state({"number": np.array(3)}),), ())
        found = with_pixel_steps(run, chosen_pixel_steps(run, "learned"), (8, 8, 3), (8, 8))
        assert found.pixel_steps[0].number == 3


@pytest.mark.parametrize(
    "given",
    [
        "crop, mean",
        "scale, crop, mean",
        "auto, crop",
        ["crop", "mean(per=pixel)"],
        [Crop(), Spec("mean")],
        [Mean(per="pixel"), Crop()],
    ],
)
def test_value_steps_that_the_run_has_may_be_named(given):
    steps = chosen_pixel_steps(trained("mean(per=pixel), scale"), given)
    assert steps == [Crop()]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("crop, mean", r"the run has no mean: .*\(here: scale\); leave mean out"),
        ("scale(factor=0.5)", r"the run has scale\(factor=0.25\), .*; write scale alone, or leave"),
        ([Mean()], "the run has no mean"),
        (Crop(), r"or a list of preprocessors, received Crop\(size=None"),
        (["crop", None], r"or a list of preprocessors, received \['crop', None\]"),
        ("krop", 'unknown preprocessor "krop".*did you mean "crop"'),
    ],
)
def test_others_are_refused(given, message):
    with pytest.raises((DlcvError, SpecError), match=message):
        chosen_pixel_steps(trained("scale(factor=0.25)"), given)


@pytest.mark.parametrize("text", ["crop(size=6)", "simple(size=6)", "crop, simple(size=6)"])
def test_another_size_than_the_network_s_is_refused(text):
    with pytest.raises(DlcvError) as caught:
        replaced("scale", text)
    assert str(caught.value) == (
        "the preprocessors end with 6 x 6 pixels, but the network takes 8 x 8; "
        "leave the size of the last one out"
    )


def test_where_the_step_that_resizes_is_disabled_another_is_asked_for(monkeypatch):
    monkeypatch.setenv("DLCV_DISABLE", "aspect_aware")
    with pytest.raises(
        DlcvError,
        match=r'"aspect_aware" of dlcv .* is disabled by DLCV_DISABLE; name a preprocessor that',
    ):
        fit_to_input((), (None, None, 3), input_size=None, default_size=(32, 32))
    pipeline, _ = fit_to_input(
        (Simple(size=16),), (None, None, 3), input_size=None, default_size=(32, 32)
    )
    assert pipeline.pixel_steps == (Simple(size=16),)

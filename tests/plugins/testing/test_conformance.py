"""What is right passes the checks of `dlcv.testing`, which name what fails.

Plugins that are wrong are in `wrong`.
"""

import subprocess
import sys

import numpy as np
import pytest
from wrong import architectures, checks, classifiers, evaluators, schedules, sections, stores
from wrong import preprocessors as steps
from wrong.common import Step

from dlcv.errors import DlcvError
from dlcv.interfaces import (
    Curves,
    Evaluation,
    Matrix,
    Paragraph,
    Sample,
    SectionContent,
    Table,
    evolve,
    option,
    plugin,
    stack,
)
from dlcv.testing import check_plugin, checks_for


def test_listing_the_checks_imports_no_keras():
    code = (
        "import sys; from dlcv.testing import checks_for; from dlcv import registry;"
        "checks_for(registry.get('architecture', 'lenet')); print('keras' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert printed.split() == [b"False"]


def test_check_plugin_names_every_check_that_fails():
    @plugin
    class Shouting(Step):
        """shouts"""

        volume: int = option(1, help="")

    with pytest.raises(AssertionError) as caught:
        check_plugin(Shouting())
    first, *others = str(caught.value).splitlines()
    assert "Shouting(volume=1) fails" in first
    assert [line.partition(":")[0] for line in others] == [
        "check_summary_is_a_sentence",
        "check_options_are_documented",
    ]


def test_check_plugin_names_a_check_in_which_the_plugin_raises():
    broken = steps.call(lambda images, rng: 1 / 0)()
    with pytest.raises(AssertionError, match="check_pixels_stay_bytes: ZeroDivisionError"):
        check_plugin(broken)


def test_what_hides_keras_while_a_plugin_is_made_gives_it_back():
    import keras.layers

    check_plugin(Step())
    assert sys.modules["keras.layers"] is keras.layers


def swap_colors(images, rng):
    if images[0].shape[2] == 1:
        raise DlcvError("swap: needs color")
    return stack([i[..., [2, 1, 0]] for i in images])


def mix(images, labels):
    return images, 0.5 * labels + 0.5 * labels[::-1]


def evaluate(predictions):
    drawings = {
        "curve": Curves("Curve", "x", "y", {"a": np.zeros((3, 2))}),
        "matrix": Matrix("Matrix", "true", "predicted", ("a", "b"), np.eye(2)),
    }
    tables = {"counts": Table("Counts", ("class", "n"), (("cat", 3),))}
    return Evaluation({"mean": 0.5}, tables, drawings, {"mean": (0.4, 0.6)}, {"mean": "%"})


def refuse_single(predictions):
    if len(predictions.probabilities) < 2:
        raise DlcvError("needs more members")
    return Evaluation({"mean": 0.5})


def regression():
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression()


def list_everything(facts):
    samples = [image.sample.with_detail("why") for image in facts.images]
    samples += [Sample(path) for path in facts.other_files]
    groups = tuple((sample,) for sample in samples)
    return [checks.finding(groups=groups)] if groups else []


def greet(run):
    return SectionContent("Greeting", (Paragraph(f"<b>hello</b> {run.name}"),))


RIGHT = {
    "step": Step,
    "step that refuses grey images": steps.call(swap_colors),
    "step of two views": steps.each(lambda image: np.stack([image, image]), views=2),
    "step that mixes": steps.mix(mix),
    "value step": steps.value(steps.half, steps.rescaling(1 / 2)),
    "store": stores.Store,
    "network": architectures.Network,
    "network that wants no preprocessors": architectures.network(preprocessors=""),
    "schedule": schedules.Falling,
    "evaluator": evaluators.evaluator(evaluate),
    "evaluator of several members": evaluators.evaluator(refuse_single),
    "classifier": classifiers.classifier(regression),
    "check": checks.check(list_everything),
    "section": sections.section(greet),
    "section with nothing to show": sections.showing(None),
}


@pytest.mark.parametrize("make", RIGHT.values(), ids=RIGHT)
def test_what_is_right_passes(make):
    made = make()
    for check in checks_for(made):
        check(made)


def test_open_sizes_are_filled_in():
    seen = []

    @plugin
    class Crop(Step):
        """Crops to a size."""

        size: tuple[int, int] | None = option(None, help="height and width")

        def with_output_size(self, size):
            return evolve(self, size=size) if self.size is None else self

        def output_shape(self, shape):
            return (*self.size, shape[2]) if self.size else shape

        def __call__(self, images, rng=None):
            seen.append(self.size)
            return stack([i[: self.size[0], : self.size[1]] for i in images])

    check_plugin(Crop())
    check_plugin(Crop(size=(90, 70)))
    assert len(set(seen)) == 2


@pytest.mark.parametrize(
    ("render", "what"),
    [
        (sections.needs_epochs, "a fitted classifier"),
        (sections.needs_one_member, "an ensemble"),
    ],
)
def test_the_kind_of_run_that_a_section_fails_for_is_named(render, what):
    with pytest.raises(AssertionError, match=f"fails for {what}"):
        check_plugin(sections.section(render)())

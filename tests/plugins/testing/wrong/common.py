"""What can be wrong with a plugin of any kind."""

import enum
from collections.abc import Callable

import attrs

from dlcv.interfaces import Preprocessor, Schedule, option, plugin


@plugin
class Step(Preprocessor):
    """Does nothing to images."""

    def __call__(self, images, rng=None):
        return images


def step(summary="Does nothing.", annotations=None, **members):
    """Returns what makes a step that differs from `Step` in its summary, options and members."""

    def make():
        own = {"__module__": __name__, "__doc__": summary, "__annotations__": annotations or {}}
        return plugin(type("Changed", (Step,), {**own, **members}))()

    return make


def import_keras(self):
    import keras.layers  # noqa: F401


def read_a_file(self):
    with open(__file__) as file:
        file.read(1)


def grow(self):
    object.__setattr__(self, "size", self.size + 1)


def size(help="pixels"):
    return {"annotations": {"size": int}, "size": option(3, help=help)}


def of_type(annotation, default):
    """Returns what makes a step with an option of a type."""
    return step(annotations={"mode": annotation}, mode=option(default, help="the mode"))


class Mode(enum.Enum):
    LOUD = "loud"


@attrs.define
class Plain(Step):
    """Is made by attrs alone."""

    def __call__(self, images, rng=None):
        return images


@plugin
class Assertive(Step):
    """Asserts without a reason."""

    def __call__(self, images, rng=None):
        assert len(images) == 0
        return images


WRONG: dict[str, tuple[Callable, set]] = {
    "no summary": (step(None), {"summary_is_a_sentence", ...}),
    "summary that is no sentence": (step("does nothing"), {"summary_is_a_sentence"}),
    "long summary": (step("Does nothing" * 10 + "."), {"summary_is_a_sentence"}),
    "option without help": (step(**size("")), {"options_are_documented"}),
    "help with a full stop": (step(**size("The size.")), {"options_are_documented"}),
    "made with a file": (
        step(__attrs_post_init__=read_a_file),
        {"construction_only_stores_options"},
    ),
    "made with Keras": (
        step(__attrs_post_init__=import_keras),
        {"construction_only_stores_options"},
    ),
    "made with other options": (
        step(**size(), __attrs_post_init__=grow),
        {"construction_only_stores_options", ...},
    ),
    "equal to no other": (
        step(__eq__=lambda self, other: self is other, __hash__=object.__hash__),
        {"equal_options_make_equal_plugins", ...},
    ),
    "equal with another hash": (
        step(__eq__=lambda self, other: type(self) is type(other), __hash__=object.__hash__),
        {"equal_options_make_equal_plugins"},
    ),
    "options that are not its own": (
        step(**size(), options=lambda self: {"size": self.size + 1}),
        {"spec_parses_back", ...},
    ),
    "option of type Enum": (of_type(Mode, Mode.LOUD), {"making"}),
    "option of type dict": (of_type(dict, attrs.Factory(dict)), {"making"}),
    "option of type list": (of_type(list[int], ()), {"making"}),
    "option of type bytes": (of_type(bytes, b""), {"making"}),
    "option of type complex": (of_type(complex | None, None), {"making"}),
    "class of attrs alone": (Plain, {"spec_parses_back"}),
    "assertion without a reason": (Assertive, {"pixels_stay_bytes", ...}),
}


@plugin
class Steady(Schedule):
    """Keeps the rate."""

    def learning_rate(self, epoch, epochs, initial):
        return initial

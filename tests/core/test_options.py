"""Plugins as attrs classes: options are read and checked, state is kept apart."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Literal

import attrs
import numpy as np
import pytest

from dlcv.errors import DlcvError
from dlcv.interfaces import OptionError, Plugin, evolve, option, options_of, plugin, state


@plugin
class Base(Plugin):
    """What others inherit."""

    kind: ClassVar[str] = "test"

    seed: int = option(0, help="seed", ge=0)


@plugin
class Crop(Base):
    """Options of many types."""

    size: int | tuple[int, int] = option(help="height and width in pixels", ge=1)
    factor: float = option(1, help="factor", gt=0, le=8)
    mode: Literal["area", "linear"] = option("area", help="how pixels are combined")
    path: Path | None = option(None, help="a file")
    mean: Any = state()
    count: Any = state()


def test_options_are_known_with_the_inherited_ones_first() -> None:
    known = options_of(Crop)
    assert list(known) == ["seed", "size", "factor", "mode", "path"]
    assert [name for name, o in known.items() if o.required] == ["size"]
    assert known["mode"].default == "area"
    assert known["size"].help == "height and width in pixels"
    assert known["factor"].limits == {"gt": 0, "le": 8}


def test_a_type_is_told_with_its_range() -> None:
    known = options_of(Crop)
    assert known["size"].type_text == "int or (int, int) >= 1"
    assert known["factor"].type_text == "float > 0, <= 8"
    assert known["path"].type_text == "Path or None"


def test_values_and_defaults_are_widened() -> None:
    crop = Crop(size=[3, 4], path="x/y")
    assert crop.options() == {
        "seed": 0,
        "size": (3, 4),
        "factor": 1.0,
        "mode": "area",
        "path": Path("x/y"),
    }
    assert type(crop.factor) is float


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("seed", -1, "expected int >= 0, received -1"),
        ("seed", 3.7, "expected int >= 0, received 3.7"),
        ("seed", True, "expected int >= 0, received True"),
        ("size", 0, "expected int or (int, int) >= 1, received 0"),
        ("size", (3, 0), "expected int or (int, int) >= 1, received (3, 0)"),
        ("size", (3, 4, 5), "expected int or (int, int) >= 1, received (3, 4, 5)"),
        ("factor", 0, "expected float > 0, <= 8, received 0.0"),
        ("factor", 8.5, "expected float > 0, <= 8, received 8.5"),
        ("factor", "1", 'expected float > 0, <= 8, received "1"'),
        ("mode", "cubic", 'expected area or linear, received "cubic"'),
    ],
)
def test_a_wrong_value_is_refused(name: str, value: Any, problem: str) -> None:
    with pytest.raises(OptionError) as caught:
        Crop(**{"size": 3, name: value})
    assert (caught.value.option, caught.value.problem) == (name, problem)
    assert str(caught.value) == f"Crop: {name}: {problem}"


@pytest.mark.parametrize("value", [1, 8])
def test_limits_include_or_exclude_their_end(value: int) -> None:
    @plugin
    class Limited(Plugin):
        x: int = option(help="x", ge=1, le=8)
        y: int = option(help="y", gt=0, lt=9)

    assert Limited(x=value, y=value).options() == {"x": value, "y": value}
    for wrong in ({"x": 0, "y": 1}, {"x": 9, "y": 1}, {"x": 1, "y": 0}, {"x": 1, "y": 9}):
        with pytest.raises(OptionError):
            Limited(**wrong)


def test_limits_hold_for_the_numbers_within_tuples() -> None:
    @plugin
    class Sizes(Plugin):
        sizes: tuple[tuple[int, int], ...] = option((), help="sizes", ge=1)

    assert Sizes(sizes=[[1, 2]]).sizes == ((1, 2),)
    with pytest.raises(OptionError, match=r"expected \(\(int, int\), ...\) >= 1, received"):
        Sizes(sizes=[[1, 2], [3, 0]])


def test_options_are_keywords_and_required_ones_are_asked_for() -> None:
    with pytest.raises(TypeError, match="positional"):
        Crop(3)
    with pytest.raises(TypeError, match="size"):
        Crop()
    with pytest.raises(TypeError, match="sise"):
        Crop(size=3, sise=3)


def test_a_plugin_does_not_change() -> None:
    crop = Crop(size=3)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        crop.size = 4
    changed = evolve(crop, size=4)
    assert (crop.size, changed.size) == (3, 4)
    with pytest.raises(OptionError, match="received 0"):
        evolve(crop, size=0)


def test_state_is_no_option_and_does_not_count_in_comparisons() -> None:
    crop = Crop(size=3)
    learned = evolve(crop, mean=np.ones(3))
    assert learned == crop
    assert hash(learned) == hash(crop)
    assert learned.options() == crop.options()
    assert "mean" not in repr(learned)
    assert Crop(size=4) != crop


def test_state_comes_back() -> None:
    crop = Crop(size=3)
    assert crop.state_dict() == {}
    arrays = {"mean": np.arange(3.0)}
    learned = crop.with_state(arrays)
    assert crop.state_dict() == {}
    assert list(learned.state_dict()) == ["mean"]
    np.testing.assert_array_equal(learned.state_dict()["mean"], [0, 1, 2])


def test_unknown_state_is_refused() -> None:
    with pytest.raises(DlcvError, match=r"^Crop keeps no state named size, variance$"):
        Crop(size=3).with_state({"variance": np.ones(1), "size": np.ones(1), "mean": np.ones(1)})


@pytest.fixture
def deferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module whose annotations are texts, one of them a name that only type checkers know."""
    (tmp_path / "deferred_annotations.py").write_text(
        "from __future__ import annotations\n"
        "from pathlib import Path as File\n"
        "from typing import TYPE_CHECKING, ClassVar\n"
        "from dlcv.interfaces import Plugin, option, plugin, state\n"
        "if TYPE_CHECKING:\n"
        "    import numpy as np\n"
        "@plugin\n"
        "class Deferred(Plugin):\n"
        "    kind: ClassVar[str] = 'test'\n"
        "    size: int | tuple[int, int] = option(3, help='size', ge=1)\n"
        "    file: File | None = option(None, help='file')\n"
        "    mean: np.ndarray | None = state()\n"
        "@plugin\n"
        "class Unknown(Plugin):\n"
        "    mean: np.ndarray = option(None, help='mean')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return importlib.import_module("deferred_annotations")


def test_annotations_may_be_deferred(deferred: ModuleType) -> None:
    # A subclass elsewhere does not know the names under which its base imported the types.
    @plugin
    class Child(deferred.Deferred):
        """Adds an option."""

        factor: float = option(1.0, help="factor")

    made = Child(size=[3, 4], file="x").with_state({"mean": np.ones(2)})
    assert made.options() == {"size": (3, 4), "file": Path("x"), "factor": 1.0}
    with pytest.raises(OptionError, match=r"received 3\.7"):
        Child(size=3.7)


def test_an_option_needs_a_type_that_exists_at_run_time(deferred: ModuleType) -> None:
    with pytest.raises(NameError, match="np"):
        options_of(deferred.Unknown)


def test_a_field_is_an_option_or_a_state() -> None:
    @plugin
    class Plain(Plugin):
        size: int = 3

    with pytest.raises(TypeError, match=r"Plain.size is neither an option\(\) nor a state\(\)"):
        options_of(Plain)


def test_an_option_with_a_type_that_no_text_expresses_is_refused() -> None:
    @plugin
    class Listed(Plugin):
        sizes: list[int] = option((), help="sizes")

    with pytest.raises(TypeError, match=r"list\[int\]; use tuple"):
        options_of(Listed)

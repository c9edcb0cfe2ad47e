"""Plugins are attrs classes: their fields are their options, what they learn is their state."""

import functools
import inspect
import sys
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import attrs

from dlcv.errors import DlcvError
from dlcv.interfaces.values import check_type, read_value, show, type_name

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
_LIMITS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "ge": (">=", lambda value, limit: value >= limit),
    "gt": (">", lambda value, limit: value > limit),
    "le": ("<=", lambda value, limit: value <= limit),
    "lt": ("<", lambda value, limit: value < limit),
}


class OptionError(DlcvError):
    """An option's value is of the wrong type or out of range.

    Attributes:
        option: The option's name.
        problem: What is wrong with it, without the name of its owner.
    """

    def __init__(self, owner: str, option: str, problem: str) -> None:
        super().__init__(f"{owner}: {option}: {problem}")
        self.option = option
        self.problem = problem


def option(
    default: Any = attrs.NOTHING,
    *,
    help: str,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
) -> Any:
    """Declares an option: a typed, validated, keyword-only field of a plugin.

    Args:
        default: The value when none is given; without it the option is required.
        help: What the option does, with its unit, in a phrase.
        ge: The value, and each number of a tuple, must be greater than or equal to this.
        gt: ... greater than this.
        le: ... less than or equal to this.
        lt: ... less than this.
    """
    limits = {"ge": ge, "gt": gt, "le": le, "lt": lt}
    return attrs.field(
        default=default,
        converter=attrs.Converter(_read_field, takes_self=True, takes_field=True),
        metadata={"help": help, "limits": {k: v for k, v in limits.items() if v is not None}},
    )


def state() -> Any:
    """Declares an array that a plugin learns: no option, outside equality, None until known."""
    return attrs.field(default=None, eq=False, repr=False, metadata={"state": True})


# Type checkers see a default only where it is a keyword argument, so to them every option has one;
# that an option is missing shows when the plugin is made.
@typing.dataclass_transform(kw_only_default=True, frozen_default=True)
def plugin(cls: type[T]) -> type[T]:
    """Makes an immutable, keyword-only attrs class whose fields are `option()` and `state()`."""
    return attrs.define(cls, kw_only=True, frozen=True, slots=False)


def evolve(instance: T, **changes: Any) -> T:
    """Returns a copy of a plugin with some options or state changed; they are checked again."""
    return attrs.evolve(instance, **changes)  # type: ignore[misc]


@attrs.frozen
class Option:
    """What is known about one option of a plugin.

    Attributes:
        name: Its name.
        type: The type its values have.
        default: Its default value, or `attrs.NOTHING` where it is required.
        help: What it does, in a phrase.
        limits: Bounds of its numbers, by the names that `option` takes.
    """

    name: str
    type: Any
    default: Any
    help: str
    limits: dict[str, float]

    @property
    def required(self) -> bool:
        """Whether the option has no default."""
        return self.default is attrs.NOTHING

    @property
    def type_text(self) -> str:
        """The type and range as people write them: `float > 0`."""
        limits = [f"{_LIMITS[k][0]} {v}" for k, v in self.limits.items()]
        return " ".join([type_name(self.type), ", ".join(limits)]).strip()

    def read(self, value: Any) -> Any:
        """Returns `value` as the option's type; raises `ValueError` that says what is wrong."""
        try:
            value = read_value(value, self.type)
        except ValueError as error:
            # A type that reads itself words its own reasons; the others get the range as well.
            if not str(error).startswith("expected "):
                raise
            raise ValueError(f"expected {self.type_text}, received {show(value)}") from None
        if not self._within_limits(value):
            raise ValueError(f"expected {self.type_text}, received {show(value)}")
        return value

    def _within_limits(self, value: Any) -> bool:
        if isinstance(value, tuple):
            return all(map(self._within_limits, value))
        if not isinstance(value, int | float):
            return True
        return all(_LIMITS[name][1](value, limit) for name, limit in self.limits.items())


def options_of(cls: type) -> dict[str, Option]:
    """Returns the options of a plugin class by name, inherited ones first.

    Raises:
        TypeError: a field is neither option nor state, or an option's type is not supported.
    """
    return _options_of(cls)


@functools.cache
def _options_of(cls: Any) -> dict[str, Option]:
    for field in attrs.fields(cls):
        if not field.metadata.keys() & {"help", "state"}:
            raise TypeError(f"{cls.__name__}.{field.name} is neither an option() nor a state()")
    return {
        field.name: Option(
            name=field.name,
            type=check_type(_annotation(cls, field.name)),
            default=field.default,
            help=field.metadata["help"],
            limits=field.metadata["limits"],
        )
        for field in attrs.fields(cls)
        if "help" in field.metadata
    }


class Plugin:
    """What all plugins have in common.

    Attributes:
        kind: The kind of plugin as users name it, such as `preprocessor`.
    """

    kind: ClassVar[str]

    def options(self) -> dict[str, Any]:
        """Returns the options' values by name, in the order of their definition."""
        return {name: getattr(self, name) for name in options_of(type(self))}

    def state_dict(self) -> dict[str, "np.ndarray"]:
        """Returns what the plugin learned as arrays by name; empty when nothing is known."""
        values = {name: getattr(self, name) for name in _state_names(type(self))}
        return {name: value for name, value in values.items() if value is not None}

    def with_state(self, arrays: dict[str, "np.ndarray"]) -> Self:
        """Returns a copy that knows `arrays`, which `state_dict` gave.

        Raises:
            DlcvError: the arrays' names are not those of the plugin's state.
        """
        if unknown := set(arrays) - set(_state_names(type(self))):
            named = ", ".join(sorted(unknown))
            raise DlcvError(f"{type(self).__name__} keeps no state named {named}")
        return evolve(self, **arrays)


def _state_names(cls: type) -> list[str]:
    return [field.name for field in attrs.fields(cls) if "state" in field.metadata]


def _read_field(value: Any, instance: Any, field: "attrs.Attribute[Any]") -> Any:
    cls = type(instance)
    try:
        return options_of(cls)[field.name].read(value)
    except ValueError as error:
        raise OptionError(cls.__name__, field.name, str(error)) from None


def _annotation(cls: type, name: str) -> Any:
    """Resolves the annotation of one field in the module that wrote it.

    `typing.get_type_hints` resolves all fields or none, and a state's type is often imported for
    type checkers only.
    """
    for owner in cls.__mro__:
        annotation = inspect.get_annotations(owner).get(name)
        if isinstance(annotation, str):
            return eval(annotation, vars(sys.modules[owner.__module__]), dict(vars(owner)))
        if annotation is not None:
            return annotation
    raise TypeError(f"{cls.__name__}.{name} has no type")

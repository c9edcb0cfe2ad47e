"""Options: the typed fields of plugins and configurations, and the one reader of their values."""

import functools
import inspect
import math
import sys
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Union

import attrs

from dlcv.errors import DlcvError

_LIMITS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "ge": (">=", lambda value, limit: value >= limit),
    "gt": (">", lambda value, limit: value > limit),
    "le": ("<=", lambda value, limit: value <= limit),
    "lt": ("<", lambda value, limit: value < limit),
}


_SCALARS = (int, float, bool, str, Path, type(None), Any)


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
    default: object = attrs.NOTHING,
    *,
    help: str,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    aliases: tuple[str, ...] = (),
) -> Any:
    """Declares an option: a typed, validated, keyword-only field of a plugin.

    Args:
        default: The value when none is given; without it the option is required.
        help: What the option does, with its unit, in a phrase.
        ge: The value, and each number of a tuple, must be greater than or equal to this.
        gt: ... greater than this.
        le: ... less than or equal to this.
        lt: ... less than this.
        aliases: Names that it had in earlier versions, which runs and configurations still have.
    """
    limits = {"ge": ge, "gt": gt, "le": le, "lt": lt}
    return attrs.field(
        default=default,
        converter=attrs.Converter(_read_field, takes_self=True, takes_field=True),
        metadata={
            "help": help,
            "limits": {k: v for k, v in limits.items() if v is not None},
            "aliases": aliases,
        },
    )


@attrs.frozen
class Option:
    """What is known about one option of a plugin.

    Attributes:
        name: Its name.
        type: The type its values have.
        default: Its default value, or `attrs.NOTHING` where it is required.
        help: What it does, in a phrase.
        limits: Bounds of its numbers, by the names that `option` takes.
        aliases: Names that it had in earlier versions.
    """

    name: str
    type: Any
    default: object
    help: str
    limits: dict[str, float]
    aliases: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        """Whether the option has no default."""
        return self.default is attrs.NOTHING

    @property
    def made_default(self) -> object:
        """The value where none is given; None where it depends on the other options.

        Raises:
            DlcvError: an installed package has to choose it, and none does.
        """
        factory: Any = self.default
        if not isinstance(factory, attrs.Factory):  # type: ignore[arg-type]
            return factory
        return None if factory.takes_self else factory.factory()

    @property
    def type_text(self) -> str:
        """The type and range as people write them: `float > 0`."""
        limits = [f"{_LIMITS[k][0]} {v}" for k, v in self.limits.items()]
        return " ".join([type_name(self.type), ", ".join(limits)]).strip()

    def read(self, value: object) -> Any:
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
            aliases=field.metadata["aliases"],
        )
        for field in attrs.fields(cls)
        if "help" in field.metadata
    }


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
            # What a plugin's own module wrote; `typing.get_type_hints` evaluates it likewise.
            names = vars(sys.modules[owner.__module__])
            return eval(annotation, names, dict(vars(owner)))  # noqa: S307
        if annotation is not None:
            return annotation
    raise TypeError(f"{cls.__name__}.{name} has no type")


def read_value(value: object, annotation: Any) -> Any:
    """Returns `value` as the type that `annotation` states; nothing is coerced in silence.

    Widening that loses nothing is done: an int for a float, a list for a tuple, a text for a path,
    a NumPy scalar for Python's own.
    A class may read its own values with a class method `from_option(value)`.

    Raises:
        ValueError: the value is not of that type; the message says what was expected and received.
    """
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (Union, types.UnionType):
        return _read_union(value, annotation, arguments)
    if origin is Literal:
        if not any(type(value) is type(choice) and value == choice for choice in arguments):
            raise _mismatch(value, annotation)
        return value
    if origin is tuple:
        return _read_tuple(value, annotation, arguments)
    if annotation is Any:
        return value
    if hasattr(annotation, "from_option"):
        return annotation.from_option(value)
    return _read_scalar(value, annotation)


def check_type(annotation: Any) -> Any:
    """Returns a type that options can have, as it is; raises `TypeError` for others."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (Union, types.UnionType, tuple):
        for argument in arguments:
            if argument is not Ellipsis:
                check_type(argument)
    elif origin not in (None, Literal):
        raise TypeError(f"an option can't have the type {annotation}; use tuple[...] for several")
    elif origin is None and not (
        annotation in _SCALARS or hasattr(annotation, "from_option") or attrs.has(annotation)
    ):
        named = getattr(annotation, "__name__", annotation)
        raise TypeError(f"an option can't have the type {named}: no text can express it")
    return annotation


def type_name(annotation: Any) -> str:
    """Returns a type as people write it: `int or (int, int)`, `channel or pixel`."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(type_name(a) for a in arguments)
    if origin is Literal:
        return " or ".join(map(str, arguments))
    if origin is tuple:
        inner = [type_name(a) if a is not Ellipsis else "..." for a in arguments]
        return f"({', '.join(inner)})"
    if annotation is type(None):
        return "None"
    if annotation is bool:
        return "True or False"
    name: str = getattr(annotation, "option_type_name", "")
    return name or getattr(annotation, "__name__", str(annotation))


def show(value: object) -> str:
    """Returns a value as an error message quotes it: text in double quotes, long ones cut."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _read_union(value: Any, annotation: Any, members: tuple[Any, ...]) -> Any:
    exact = [m for m in members if isinstance(m, type) and type(value) is m]
    reasons = []
    for member in (*exact, *members):
        try:
            return read_value(value, member)
        except ValueError as error:
            reasons.append(error)
    raise _mismatch(value, annotation)


def _read_tuple(value: Any, annotation: Any, members: tuple[Any, ...]) -> tuple[Any, ...]:
    if not isinstance(value, tuple | list):
        raise _mismatch(value, annotation)
    if len(members) == 2 and members[1] is Ellipsis:
        members = (members[0],) * len(value)
    if len(members) != len(value):
        raise _mismatch(value, annotation)
    return tuple(read_value(v, m) for v, m in zip(value, members, strict=True))


def _read_scalar(value: Any, kind: Any) -> Any:
    if kind is bool or isinstance(value, bool):
        valid = kind is bool and isinstance(value, bool)
    elif kind is int:
        valid = isinstance(value, int)
    elif kind is float:
        # Beyond 2**53 a float skips some whole numbers.
        is_exact = isinstance(value, int) and abs(value) <= 2**53
        valid = is_exact or (isinstance(value, float) and math.isfinite(value))
        value = float(value) if valid else value
    elif kind is Path:
        valid = isinstance(value, str | Path)
        value = Path(value) if valid else value
    else:
        valid = isinstance(value, kind)
    if not valid:
        raise _mismatch(value, kind)
    return value


def _mismatch(value: Any, annotation: Any) -> ValueError:
    return ValueError(f"expected {type_name(annotation)}, received {show(value)}")

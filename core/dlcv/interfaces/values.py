"""The types that options may have: reading a value as one, and naming one for people."""

import math
import types
import typing
from pathlib import Path
from typing import Any, Literal, Union


def read_value(value: Any, annotation: Any) -> Any:
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
            check_type(argument)
    elif origin not in (None, Literal):
        raise TypeError(f"an option can't have the type {annotation}; use tuple[...] for several")
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


def show(value: Any) -> str:
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

"""From a spec to a plugin, and back."""

import os
import typing
from collections.abc import Callable, Iterable
from typing import Any

from dlcv.errors import SpecError, suggestion
from dlcv.interfaces import Option, OptionError, Plugin, options_of
from dlcv.registry.spec import Spec, bare_or_text, lower


def construct(cls: type[Plugin], spec: Spec, create: Callable[[str, Spec], Plugin]) -> Plugin:
    """Makes a plugin.

    Args:
        cls: Its class.
        spec: Its name, as users know it, and its options.
        create: Makes the plugins in its options, from their kind and spec.

    Raises:
        SpecError: there is no such option, one is missing, or a value is wrong; with the position.
    """
    known = options_of(cls)
    values: dict[str, Any] = {}
    for name, value in spec.options.items():
        if name not in known:
            hint = suggestion(name, known) or listing("its options are", known)
            raise SpecError(f'{spec.name} has no option "{name}"{spec.at(name)}{hint}')
        try:
            values[name] = known[name].read(lower(value, _nested(known[name], create)))
        except ValueError as error:
            raise SpecError(f"{spec.name}: {name}: {error}{spec.at(name)}") from None
    for option in known.values():
        if option.required and option.name not in values:
            raise SpecError(f"{spec.name} needs {option.name}, {option.help}{spec.at()}")
    try:
        return cls(**values)
    except OptionError as error:
        raise SpecError(f"{spec.name}: {error.option}: {error.problem}") from None


def written(value: Any, spec_of: Callable[[Plugin], Spec]) -> Any:
    """Returns an option's value as a spec holds it."""
    if isinstance(value, Plugin):
        return spec_of(value)
    if isinstance(value, tuple):
        return tuple(written(v, spec_of) for v in value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return bare_or_text(value) if isinstance(value, str) else value


def listing(introduction: str, names: Iterable[str]) -> str:
    """Returns `; there are a, b, c`, shortened where they are many."""
    listed = list(names)
    shown = ", ".join(listed[:20]) + (", ..." if len(listed) > 20 else "")
    return f"; {introduction} {shown}" if listed else "; there are none"


def _nested(
    option: Option, create: Callable[[str, Spec], Plugin]
) -> Callable[[Spec], Plugin] | None:
    """Returns what makes the plugins that an option's type asks for, if it asks for one."""
    kind = _nested_kind(option.type)
    return None if kind is None else lambda spec: create(kind, spec)


def _nested_kind(annotation: Any) -> str | None:
    """Returns the kind of the plugins that an option's type asks for, None if for none."""
    if isinstance(annotation, type) and issubclass(annotation, Plugin):
        return annotation.kind
    return next(filter(None, map(_nested_kind, typing.get_args(annotation))), None)

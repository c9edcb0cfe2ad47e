"""Plugins are attrs classes: their fields are their options, what they learn is their state."""

import typing
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import attrs

from dlcv.errors import DlcvError
from dlcv.interfaces.options import options_of

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")


class Plugin:
    """What all plugins have in common.

    Attributes:
        kind: The kind of plugin as users name it, such as `preprocessor`.
        interface_versions: The versions of the kind's interface that this dlcv takes, the current
            one last. A plugin may set `written_for`; one for another version is not loaded.
    """

    kind: ClassVar[str]
    interface_versions: ClassVar[tuple[int, ...]] = (1,)

    def options(self) -> dict[str, object]:
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


# Type checkers see a default only where it is a keyword argument, so to them every option has one;
# that an option is missing shows when the plugin is made.
@typing.dataclass_transform(kw_only_default=True, frozen_default=True)
def plugin(cls: type[T]) -> type[T]:
    """Makes an immutable, keyword-only attrs class whose fields are `option()` and `state()`."""
    made = attrs.define(cls, kw_only=True, frozen=True, slots=False)
    made._is_plugin = True  # type: ignore[attr-defined]
    return made


def evolve(instance: T, **changes: object) -> T:
    """Returns a copy of a plugin with some options or state changed; they are checked again."""
    return attrs.evolve(instance, **changes)  # type: ignore[misc]


def state() -> Any:
    """Declares an array that a plugin learns: no option, outside equality, None until known.

    Anything else is refused when it is learned, since no file of a run could hold it.
    """
    return attrs.field(
        default=None, eq=False, repr=False, metadata={"state": True}, validator=_check_array
    )


def _check_array(instance: Any, field: "attrs.Attribute[Any]", value: Any) -> None:
    dtype = getattr(value, "dtype", None)
    if value is not None and (dtype is None or dtype.hasobject):
        received = f"{type(instance).__name__}: {field.name}: received a {type(value).__name__}"
        raise DlcvError(f"{received}; state is an array of numbers or texts")


def _state_names(cls: type) -> list[str]:
    return [field.name for field in attrs.fields(cls) if "state" in field.metadata]

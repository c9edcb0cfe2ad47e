"""Loading plugins: is a class what its entry point says?"""

import functools
import keyword
import sys
from typing import Any

from dlcv.errors import PluginError
from dlcv.interfaces import Plugin, options_of
from dlcv.registry.index import Descriptor


def check_interface(cls: Any, interface: type[Plugin]) -> None:
    """Raises a `PluginError` that says what a class lacks to be a plugin of an interface."""
    if not (isinstance(cls, type) and issubclass(cls, interface)):
        raise PluginError(f"it is no subclass of dlcv.interfaces.{interface.__name__}")
    if "__attrs_attrs__" not in vars(cls):
        raise PluginError("its class lacks the decorator @dlcv.interfaces.plugin")
    if missing := getattr(cls, "__abstractmethods__", None):
        raise PluginError(f"it does not define {', '.join(sorted(missing))}")
    if not cls.__doc__:
        raise PluginError("it has no docstring")
    options_of(cls)


def name_problem(name: str) -> str:
    """Returns why a name can't be a plugin's, or an empty text."""
    if not name.isidentifier():
        return "its name is not an identifier"
    return "its name is a keyword of Python" if keyword.iskeyword(name) else ""


def imported(descriptor: Descriptor) -> Any:
    """Returns a plugin's class, None if it was not imported so far.

    An entry point may name a class where another module hands it on, so that the class's own
    `__module__` does not tell.
    """
    if descriptor.entry_point is None:
        return descriptor.cls
    try:
        module, attribute = descriptor.entry_point.module, descriptor.entry_point.attr
        return functools.reduce(getattr, attribute.split("."), sys.modules[module])
    except (KeyError, AttributeError):
        return None


def first_line(error: BaseException) -> str:
    """Returns an error's type and the first line of its message."""
    return f"{type(error).__name__}: {error}".split("\n")[0]

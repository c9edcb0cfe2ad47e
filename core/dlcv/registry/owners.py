"""Whose code it is: plugins within a configuration, and the owner of an error."""

import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType

from dlcv.errors import first_line
from dlcv.interfaces import Plugin
from dlcv.packages import OWN
from dlcv.registry.catalog import registry
from dlcv.registry.lookup import Descriptor


def provenance(plugins: Iterable[Plugin]) -> Iterator[Descriptor]:
    """Returns the descriptors of plugins and of the plugins in their options."""
    for plugin in plugins:
        yield registry.descriptor_of(plugin)
        for value in plugin.options().values():
            several = value if isinstance(value, tuple) else (value,)
            yield from provenance(v for v in several if isinstance(v, Plugin))


def blame(error: BaseException) -> str | None:
    """Returns in one line which other package an unexpected error came through; None for none.

    An error in one of dlcv's own plugins, or in the program itself, is for those who can mend it,
    so its traceback is shown.
    """
    frames = [
        (frame.f_globals.get("__name__", ""), frame.f_code, line)
        for frame, line in reversed(list(traceback.walk_tb(error.__traceback__)))
    ]
    others = [d for d in registry if d.distribution not in ("", OWN)]
    packages = {_package(d.target): d.origin for d in others}
    for module, code, line in frames:
        if owner := packages.get(_package(module)):
            where = f"{Path(code.co_filename).name}, line {line}"
            places = {place for m, c, _ in frames for place in (m, f"{m}:{_class(c)}")}
            titles = [d.title for d in others if d.origin == owner and d.target in places]
            title = titles[0] if len(titles) == 1 else owner
            return f"{title} failed: {first_line(error)} ({where}); --debug shows the traceback"
    return None


def _package(place: str) -> str:
    """Returns the package at the top of a module, or of a `module:attribute`."""
    return place.partition(":")[0].partition(".")[0]


def _class(code: CodeType) -> str:
    """Returns the class whose method a code is, or a function's name."""
    return code.co_qualname.partition(".")[0]

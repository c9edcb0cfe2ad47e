"""Whose code it is: plugins within a configuration, and the owner of an error."""

import re
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path

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
    others = [d for d in registry if d.distribution not in ("", OWN)]
    packages = {re.split(r"[.:]", d.target)[0]: d.origin for d in others}
    frames = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        module, code = frame.f_globals.get("__name__", ""), frame.f_code
        if owner := packages.get(module.partition(".")[0]):
            frames.append((owner, module, code, line))
    if not frames:
        return None
    owner, _, code, line = frames[-1]
    classes = {f"{m}:{c.co_qualname.partition('.')[0]}" for _, m, c, _ in frames}
    places = classes | {module for _, module, _, _ in frames}
    titles = [d.title for d in others if d.origin == owner and d.target in places]
    title = titles[0] if len(titles) == 1 else owner
    where = f"{Path(code.co_filename).name}, line {line}"
    return f"{title} failed: {first_line(error)} ({where}); --debug shows the traceback"

"""What installed packages offer, known from their metadata without an import."""

import functools
import importlib
import importlib.metadata
import importlib.util
import os
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

OWN = "dlcv"
"""The distribution whose names keep their meaning, whatever else is installed."""
PRETRAINED = "dlcv.pretrained"
"""The group of entry points that says where networks' pretrained weights are."""
DISABLE_VARIABLE = "DLCV_DISABLE"
"""Environment variable: patterns of distributions, `name` or `kind:name`, separated by commas."""


def qualified_name(distribution: str, name: str) -> str:
    """Returns a name with its distribution in front: `acme_vision.resnet`."""
    return f"{_with_underscores(distribution)}.{name}" if distribution else name


def is_disabled(*names: str) -> bool:
    """Returns whether the environment disables what goes by any of these names.

    `-`, `.` and `_` are the same, as in packages' names: `pa_wsd` disables the package `pa-wsd`.
    """
    patterns = os.environ.get(DISABLE_VARIABLE, "")
    if not patterns:
        return False
    # No name is as long as a pattern that would take seconds.
    listed = [p for p in map(str.strip, patterns.split(",")) if 0 < len(p) < 300]
    return any(
        fnmatchcase(name, pattern) or fnmatchcase(_with_underscores(name), pattern)
        for name in names
        for written in listed
        for pattern in (written, _with_underscores(written))
    )


def entry_points(group: str) -> list[importlib.metadata.EntryPoint]:
    """Returns the entry points of a group; the packages are searched once a process."""
    return _by_group().get(group, [])


def enabled_entry_points(group: str) -> list[importlib.metadata.EntryPoint]:
    """Returns the entry points of a group, save those that the environment disables."""
    prefix = group.removeprefix("dlcv.")
    return [
        point
        for point in entry_points(group)
        if not is_disabled(origin(point)[0], f"{prefix}:{point.name}")
    ]


def named_objects(group: str) -> dict[str, str]:
    """Returns where the names of a group are, as `module` or `module:attribute`.

    Where several packages offer one name, dlcv's own goes first.
    """
    others_first = sorted(enabled_entry_points(group), key=lambda point: origin(point)[0] == OWN)
    return {point.name: point.value for point in others_first}


def load_object(place: str) -> Any:
    """Imports a `module`, or returns the attribute of a `module:attribute`."""
    module, _, attribute = place.partition(":")
    found: Any = importlib.import_module(module)
    return getattr(found, attribute) if attribute else found


def added(module: str, name: str) -> Any:
    """Imports what a package adds to a module of dlcv, under the group of the module's name.

    Raises:
        AttributeError: no installed package adds it.
    """
    if name not in (places := named_objects(module)):
        raise AttributeError(f"{module} has no {name}, and no installed package adds it")
    return load_object(places[name])


def groups() -> list[str]:
    """Returns the names of all groups of entry points, of other tools too, sorted."""
    return sorted(_by_group())


def plugin_packages() -> set[str]:
    """Returns the top-level packages that anything of dlcv's entry-point groups comes from."""
    return {
        ep.module.partition(".")[0]
        for group in groups()
        # Those of PRETRAINED name where weights are, often a library's own module.
        if group.startswith("dlcv.") and group != PRETRAINED
        for ep in entry_points(group)
    }


def origin(entry_point: importlib.metadata.EntryPoint) -> tuple[str, str]:
    """Returns the name and version of the distribution that an entry point came with."""
    distribution = entry_point.dist
    return _name_and_version(distribution) if distribution is not None else ("", "")


def module_file(module: str) -> Path | None:
    """Returns a module's file without importing anything, None if there is none.

    `importlib.util.find_spec` would import the packages around it.
    """
    top, *inner = module.split(".")
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if found is None or found.origin is None:
        return None
    if not inner:
        return Path(found.origin)
    path = Path(found.origin).parent.joinpath(*inner)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@functools.cache
def _by_group() -> dict[str, list[importlib.metadata.EntryPoint]]:
    found: dict[str, list[importlib.metadata.EntryPoint]] = {}
    points: Any = importlib.metadata.entry_points()
    if isinstance(points, dict):
        # Python 3.11: a dictionary by group; selecting one would go through all of them each time.
        return {group: list(named) for group, named in dict.items(points)}
    for entry_point in points:
        found.setdefault(entry_point.group, []).append(entry_point)
    return found


@functools.cache
def _name_and_version(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    """Reads two lines of a distribution's metadata; parsing all of it takes a millisecond each."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    head = text.partition("\n\n")[0]
    found = dict(re.findall(r"^(Name|Version):[ \t]*(.*?)[ \t\r]*$", head, re.MULTILINE))
    # Installations that were interrupted leave metadata without a name.
    return found.get("Name") or "unknown", found.get("Version") or "unknown"


def _with_underscores(name: str) -> str:
    return name.replace("-", "_").replace(".", "_")

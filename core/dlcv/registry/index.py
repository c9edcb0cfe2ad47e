"""The index of plugins: what is installed, known from packages' metadata without an import."""

import functools
import importlib.metadata
import os
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

import attrs

from dlcv.interfaces import Plugin

DISABLE_VARIABLE = "DLCV_DISABLE"
"""Environment variable: patterns of distributions, `name` or `kind:name`, separated by commas."""


@attrs.frozen
class Descriptor:
    """What is known of a plugin without importing it.

    Attributes:
        kind: Its kind.
        name: Its public name: its entry point's.
        distribution: The package that it came with; empty when registered from Python.
        version: That package's version.
        target: Where it is, as `module:attribute`.
        entry_point: What loads it; None when registered from Python.
        cls: The class, when registered from Python.
    """

    kind: str
    name: str
    distribution: str
    version: str
    target: str
    entry_point: importlib.metadata.EntryPoint | None = attrs.field(repr=False, default=None)
    cls: type[Plugin] | None = attrs.field(repr=False, default=None)

    @property
    def qualified_name(self) -> str:
        """The name that no other distribution's plugin can have: `acme_vision.resnet`."""
        return qualified_name(self.distribution, self.name)

    @property
    def key(self) -> str:
        """The name under which pluggy holds it."""
        return f"{self.kind}:{self.name}@{self.distribution or 'python'}"

    @property
    def is_disabled(self) -> bool:
        """Whether the environment disables it."""
        return is_disabled(self.name, f"{self.kind}:{self.name}", self.distribution)

    @property
    def origin(self) -> str:
        """Where it comes from, for people."""
        return f"{self.distribution} {self.version}" if self.distribution else "this program"


def qualified_name(distribution: str, name: str) -> str:
    """Returns a name with its distribution in front: `acme_vision.resnet`."""
    prefix = distribution.replace("-", "_").replace(".", "_")
    return f"{prefix}.{name}" if prefix else name


def installed(kinds: Iterable[str]) -> list[Descriptor]:
    """Returns the plugins of all installed packages, of the kinds asked for."""
    return [
        Descriptor(kind, ep.name, *origin(ep), target=ep.value, entry_point=ep)
        for kind in kinds
        for ep in entry_points(f"dlcv.{kind}s")
    ]


def shared_names(descriptors: list[Descriptor]) -> set[str]:
    """Returns the names that more than one of the plugins have."""
    names = [d.name for d in descriptors]
    return {name for name in names if names.count(name) > 1}


def is_disabled(*names: str) -> bool:
    """Returns whether the environment disables what goes by any of these names."""
    patterns = os.environ.get(DISABLE_VARIABLE, "").split(",")
    return any(fnmatchcase(name, p.strip()) for name in names for p in patterns if p.strip())


@functools.cache
def entry_points(group: str) -> list[importlib.metadata.EntryPoint]:
    """Returns the entry points of a group; the packages are looked through once a process."""
    return list(_all_entry_points().select(group=group))


def plugin_packages() -> set[str]:
    """Returns the top-level packages that anything of dlcv's entry-point groups comes from."""
    points = _all_entry_points()
    groups = (group for group in points.groups if group.startswith("dlcv."))
    return {ep.module.partition(".")[0] for group in groups for ep in points.select(group=group)}


def origin(entry_point: importlib.metadata.EntryPoint) -> tuple[str, str]:
    """Returns the name and version of the distribution that an entry point came with."""
    distribution = entry_point.dist
    return _name_and_version(distribution) if distribution is not None else ("", "")


@functools.cache
def _all_entry_points() -> Any:
    return importlib.metadata.entry_points()


@functools.cache
def _name_and_version(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    metadata = distribution.metadata
    # Installations that were interrupted leave metadata without a name.
    return metadata["Name"] or "unknown", metadata["Version"] or "unknown"

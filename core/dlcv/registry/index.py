"""The index of plugins: what is installed, known from packages' metadata, and loading one of it."""

import functools
import importlib.metadata
import importlib.util
import keyword
import os
import re
import sys
from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import attrs

from dlcv.errors import PluginError
from dlcv.interfaces import Plugin, options_of

OWN = "dlcv"
"""The distribution whose names keep their meaning, whatever else is installed."""
DISABLE_VARIABLE = "DLCV_DISABLE"
"""Environment variable: patterns of distributions, `name` or `kind:name`, separated by commas."""
RESERVED = {("preprocessor", "auto")}
"""Names with a meaning of their own, which no plugin can have."""


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
        return is_disabled(
            self.name, f"{self.kind}:{self.name}", self.distribution, self.qualified_name
        )

    @property
    def origin(self) -> str:
        """Where it comes from, for people."""
        return f"{self.distribution} {self.version}" if self.distribution else "this program"

    @property
    def title(self) -> str:
        """What it is, for people: `architecture "resnet" of acme-vision 1.0`."""
        return f'{self.kind} "{self.name}" of {self.origin}'

    @property
    def name_problem(self) -> str:
        """Why its name can't be used, or an empty text."""
        if self.kind == "command":
            is_word = re.fullmatch(r"[a-z0-9][a-z0-9_-]*", self.name)
            return "" if is_word else "its name is not made of a-z, 0-9, - and _"
        if not self.name.isidentifier():
            return "its name is not an identifier"
        if keyword.iskeyword(self.name):
            return "its name is a keyword of Python"
        return "its name is reserved" if (self.kind, self.name) in RESERVED else ""

    def load(self, interface: type[Plugin] | None) -> Any:
        """Imports it, and checks it against the interface of its kind, if its kind has one.

        Raises:
            PluginError: it breaks its interface, or its name can't be used; the message says only
                why. Whatever importing it raises is raised as it is.
        """
        if self.name_problem:
            raise PluginError(self.name_problem)
        loaded = self.cls if self.entry_point is None else self.entry_point.load()
        if interface is not None:
            check_interface(loaded, interface)
        return loaded

    def imported(self) -> Any:
        """Returns it if something imported it before, else None.

        An entry point may name a class where another module hands it on, so the class's own
        `__module__` does not decide.
        """
        if self.entry_point is None:
            return self.cls
        try:
            module, attribute = self.entry_point.module, self.entry_point.attr
            return functools.reduce(getattr, attribute.split("."), sys.modules[module])
        except (KeyError, AttributeError):
            return None


class Index:
    """Descriptors by kind and name."""

    def __init__(self, kinds: Collection[str]) -> None:
        """Reads the metadata of all installed packages.

        Args:
            kinds: The kinds to index, in the order of lists; their plural is the entry points'
                group.
        """
        self._named: dict[str, dict[str, list[Descriptor]]] = {kind: {} for kind in kinds}
        for kind in kinds:
            for ep in entry_points(f"dlcv.{kind}s"):
                self.add(Descriptor(kind, ep.name, *origin(ep), target=ep.value, entry_point=ep))

    def add(self, descriptor: Descriptor) -> None:
        """Adds a descriptor."""
        named = self._named[descriptor.kind]
        for name in {descriptor.name, descriptor.qualified_name}:
            named.setdefault(name, []).append(descriptor)

    def remove(self, descriptor: Descriptor) -> None:
        """Removes a descriptor that was added."""
        named = self._named[descriptor.kind]
        for name in {descriptor.name, descriptor.qualified_name}:
            named[name].remove(descriptor)

    def all(self, kind: str | None = None) -> Iterator[Descriptor]:
        """Yields the descriptors of a kind, or of all, sorted by kind, name and distribution."""
        for named in [self._named[kind]] if kind else self._named.values():
            for name in sorted(named):
                own = (d for d in named[name] if d.name == name)
                yield from sorted(own, key=lambda d: d.distribution)

    def named(self, kind: str, name: str) -> list[Descriptor]:
        """Returns the descriptors of a kind that a bare or a qualified name may mean.

        Of several with one bare name, the one that ships with dlcv is meant.
        """
        found = self._named[kind].get(name, [])
        own = [d for d in found if d.distribution == OWN]
        return own or sorted(found, key=lambda d: d.distribution)


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
    for option in options_of(cls).values():
        if option.required or isinstance(option.default, attrs.Factory):  # type: ignore[arg-type]
            continue
        try:
            option.read(option.default)
        except ValueError as error:
            raise PluginError(f"the default of its option {option.name}: {error}") from None


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
    listed = [p.strip() for p in patterns.split(",") if p.strip()]
    return any(
        fnmatchcase(name, pattern) or fnmatchcase(_with_underscores(name), pattern)
        for name in names
        for written in listed
        for pattern in (written, _with_underscores(written))
    )


def entry_points(group: str) -> list[importlib.metadata.EntryPoint]:
    """Returns the entry points of a group; the packages are searched once a process."""
    return _by_group().get(group, [])


def groups() -> list[str]:
    """Returns the names of all groups of entry points that begin with `dlcv.`, sorted."""
    return sorted(group for group in _by_group() if group.startswith("dlcv."))


def plugin_packages() -> set[str]:
    """Returns the top-level packages that anything of dlcv's entry-point groups comes from."""
    return {ep.module.partition(".")[0] for group in groups() for ep in entry_points(group)}


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

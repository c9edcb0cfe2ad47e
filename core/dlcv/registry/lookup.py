"""Looking plugins up: descriptors by kind and name, and what each name means."""

import functools
import html
import importlib.metadata
import keyword
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from types import ModuleType
from typing import Any

import attrs

from dlcv.errors import PluginError, SpecError, UnknownPluginError, count, listing, suggestion
from dlcv.interfaces import (
    Architecture,
    DatasetStore,
    Evaluator,
    Plugin,
    Preprocessor,
    Schedule,
    Tracker,
    Trainer,
    options_of,
)
from dlcv.packages import (
    DISABLE_VARIABLE,
    OWN,
    entry_points,
    is_disabled,
    load_object,
    named_objects,
    origin,
    qualified_name,
)


class Interfaces(Mapping[str, type[Plugin]]):
    """The interface of each kind, by the kind's name: those of runs, then those of packages.

    A package adds a kind under the entry-point group `dlcv.kinds`; its class is imported when it is
    first used.
    """

    def __init__(self) -> None:
        own = (
            Preprocessor, DatasetStore, Architecture, Schedule, Evaluator, Trainer,
            Tracker,
        )  # fmt: skip
        self._own: dict[str, type[Plugin]] = {cls.kind: cls for cls in own}
        added = named_objects("dlcv.kinds")
        self._added = {kind: added[kind] for kind in sorted(added) if kind not in self._own}

    def __getitem__(self, kind: str) -> type[Plugin]:
        """Returns a kind's interface; raises `KeyError` if there is none."""
        return self._own.get(kind) or load_object(self._added[kind])

    def __iter__(self) -> Iterator[str]:
        """Yields the names of the kinds."""
        return iter((*self._own, *self._added))

    def __len__(self) -> int:
        """Returns how many kinds there are."""
        return len(self._own) + len(self._added)

    def __contains__(self, kind: object) -> bool:
        """Returns whether there is such a kind, without importing its class."""
        return kind in self._own or kind in self._added


INTERFACES = Interfaces()
MODULES = ("hook", "family")
"""The kinds that are modules with implementations of hooks."""
KINDS = (*INTERFACES, *MODULES, "command")
"""All that packages may offer: plugins that specs name, modules of hooks, and commands."""
RESERVED = {("preprocessor", "auto"), ("section", "all")}
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
        cls: The class or module, when registered from Python.
        family: The key of the family that offers it; empty for one with an entry point of its own.
        summary: What it does, as its family has it.
    """

    kind: str
    name: str
    distribution: str
    version: str
    target: str
    entry_point: importlib.metadata.EntryPoint | None = attrs.field(repr=False, default=None)
    cls: type[Plugin] | ModuleType | None = attrs.field(repr=False, default=None)
    family: str = ""
    summary: str = ""

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
            # `data.build` is a command of the group `data`.
            is_word = re.fullmatch(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)?", self.name)
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


class Lookup:
    """All plugins by kind and name; the metadata of packages is read when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._reasons: dict[str, str] = {}
        self._lazily_named: dict[str, dict[str, list[Descriptor]]] | None = None

    def __len__(self) -> int:
        """Returns how many plugins, hooks and commands are installed or registered."""
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Descriptor]:
        """Yields the descriptors of all of them, sorted by kind and name."""
        return self._all()

    def __contains__(self, name: object) -> bool:
        """Returns whether a plugin of any kind has this name, bare or qualified."""
        return any(self._claims(kind, str(name)) for kind in KINDS)

    def __repr__(self) -> str:
        """Returns how many there are of each kind."""
        counts = (count(len(self.descriptors(k)), k, group_of(k)[5:]) for k in KINDS)
        return f"<Registry: {', '.join(counts)}>"

    def _repr_html_(self) -> str:
        """Returns a table of the names of each kind, which a notebook shows."""
        rows = ((kind, ", ".join(self.names(kind))) for kind in KINDS)
        cells = (f"<tr><th>{html.escape(k)}<td>{html.escape(names)}" for k, names in rows)
        return f"<table>{''.join(cells)}</table>"

    def descriptors(self, kind: str | None = None, pattern: str = "*") -> list[Descriptor]:
        """Returns what is installed or registered, sorted, without importing it.

        Args:
            kind: Only plugins of this kind; `hook` and `command` are kinds, too.
            pattern: Only names that match, as in a shell: `res*`.
        """
        found = self._all(None if kind is None else checked_kind(kind))
        return [
            d
            for d in found
            if pattern == "*"
            or fnmatchcase(d.name, pattern)
            or fnmatchcase(d.qualified_name, pattern)
        ]

    def names(self, kind: str, pattern: str = "*") -> list[str]:
        """Returns the names that `get` takes: qualified ones where the bare name is another's."""
        return [self.usable_name(d) for d in self.descriptors(kind, pattern) if not d.is_disabled]

    def usable_name(self, descriptor: Descriptor) -> str:
        """Returns the shortest name that means this plugin and no other."""
        usable = self._usable(descriptor.kind, descriptor.name)
        return descriptor.name if usable == [descriptor] else descriptor.qualified_name

    def state(self, descriptor: Descriptor) -> tuple[str, str]:
        """Returns a plugin's state and its reason.

        The states: `available` (not imported so far, or imported well), `disabled`, `shadowed`
        (its name is that of a plugin that ships with dlcv), `ambiguous` (two distributions claim
        the name), `broken`.
        """
        if descriptor.is_disabled:
            return "disabled", f"by {DISABLE_VARIABLE}"
        if reason := descriptor.name_problem or self._reasons.get(descriptor.key, ""):
            return "broken", reason
        usable = self._usable(descriptor.kind, descriptor.name)
        if usable == [descriptor]:
            return "available", ""
        is_shadowed = [d.distribution for d in usable] == [OWN]
        return "shadowed" if is_shadowed else "ambiguous", f"use {descriptor.qualified_name}"

    def find(self, kind: str, name: str) -> Descriptor:
        """Returns the descriptor of the plugin that `get` would return; raises what it raises."""
        named = self._claims(checked_kind(kind), name)
        usable = [d for d in named if not d.is_disabled]
        if len(usable) == 1:
            return usable[0]
        if usable:
            owners = " and ".join(d.origin for d in usable)
            cure = " or ".join(d.qualified_name for d in usable)
            raise PluginError(f'{kind} "{name}" is claimed by {owners}; write {cure}')
        if named:
            raise disabled(named[0])
        raise UnknownPluginError(kind, name, hint=self._hint(kind, name))

    def _all(self, kind: str | None = None) -> Iterator[Descriptor]:
        """Yields the descriptors of a kind, or of all, sorted by kind, name and distribution."""
        for named in [self._named[kind]] if kind else self._named.values():
            for name in sorted(named):
                own = (d for d in named[name] if d.name == name)
                yield from sorted(own, key=lambda d: d.distribution)

    def _claims(self, kind: str, name: str) -> list[Descriptor]:
        """Returns the descriptors of a kind that a bare or a qualified name may mean.

        Of several with one bare name, the one that ships with dlcv is meant.
        """
        found = self._named[kind].get(name, [])
        own = [d for d in found if d.distribution == OWN]
        return own or sorted(found, key=lambda d: d.distribution)

    def _usable(self, kind: str, name: str) -> list[Descriptor]:
        return [d for d in self._claims(kind, name) if not d.is_disabled]

    def _add(self, descriptor: Descriptor) -> None:
        _add_to(self._named, descriptor)

    def _remove(self, descriptor: Descriptor) -> None:
        named = self._named[descriptor.kind]
        for name in {descriptor.name, descriptor.qualified_name}:
            named[name] = [d for d in named[name] if d is not descriptor]

    @property
    def _named(self) -> dict[str, dict[str, list[Descriptor]]]:
        with self._lock:
            if self._lazily_named is None:
                self._lazily_named = _installed()
            return self._lazily_named

    def _hint(self, kind: str, name: str) -> str:
        others = [k for k in INTERFACES if k != kind and self._usable(k, name)]
        if others:
            return f'; "{name}" is a{"n" * (others[0][0] in "aeiou")} {others[0]}'
        names = self.names(kind)
        if hint := suggestion(name, names):
            return hint
        if broken := [d.title for d in self._all("family") if d.key in self._reasons]:
            return f"; {broken[0]} is broken, see `dlcv plugins doctor`"
        return listing("there are", names)


def check_interface(cls: Any, interface: type[Plugin]) -> None:
    """Raises a `PluginError` that says what a class lacks to be a plugin of an interface."""
    if not (isinstance(cls, type) and issubclass(cls, interface)):
        raise PluginError(f"it is no subclass of dlcv.interfaces.{interface.__name__}")
    wanted, versions = getattr(cls, "written_for", None), interface.interface_versions
    if wanted is not None and wanted not in versions:
        cure = "dlcv" if wanted > versions[-1] else "its package"
        raise PluginError(
            f"it is written for version {wanted} of the interface {interface.kind}, and this dlcv "
            f"takes {' and '.join(map(str, versions))}; install a newer release of {cure}"
        )
    if "_is_plugin" not in vars(cls):
        raise PluginError("its class lacks the decorator @dlcv.interfaces.plugin")
    if missing := getattr(cls, "__abstractmethods__", None):
        raise PluginError(f"it does not define {', '.join(sorted(missing))}")
    if not cls.__doc__ and sys.flags.optimize < 2:  # `python -OO` removes all of them.
        raise PluginError("it has no docstring")
    for option in options_of(cls).values():
        if option.required or isinstance(option.default, attrs.Factory):  # type: ignore[arg-type]
            continue
        try:
            option.read(option.default)
        except ValueError as error:
            raise PluginError(f"the default of its option {option.name}: {error}") from None


def checked_kind(kind: str, kinds: Iterable[str] = KINDS) -> str:
    """Returns a kind as it is; raises a `SpecError` for one that does not exist."""
    if kind not in kinds:
        hint = suggestion(kind, kinds) or listing("there are", kinds)
        raise SpecError(f'unknown kind of plugin "{kind}"', hint=hint)
    return kind


def group_of(kind: str) -> str:
    """Returns the group of entry points that holds a kind's plugins, such as `dlcv.stores`."""
    return "dlcv.families" if kind == "family" else f"dlcv.{kind}s"


def disabled(descriptor: Descriptor) -> PluginError:
    """Returns the error that a disabled plugin was asked for."""
    return PluginError(f"{descriptor.title} is disabled by {DISABLE_VARIABLE}")


def _installed() -> dict[str, dict[str, list[Descriptor]]]:
    """Returns what is installed, by kind and by bare and qualified name."""
    named: dict[str, dict[str, list[Descriptor]]] = {kind: {} for kind in KINDS}
    for kind in KINDS:
        for ep in entry_points(group_of(kind)):
            descriptor = Descriptor(kind, ep.name, *origin(ep), target=ep.value, entry_point=ep)
            _add_to(named, descriptor)
    return named


def _add_to(named: dict[str, dict[str, list[Descriptor]]], descriptor: Descriptor) -> None:
    of_kind = named[descriptor.kind]
    for name in {descriptor.name, descriptor.qualified_name}:
        # A new list: another thread may be going through the one before.
        of_kind[name] = [*of_kind.get(name, ()), descriptor]

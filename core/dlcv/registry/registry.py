"""The registry: names to plugins, found through entry points and loaded when used.

An index of names is built from the installed packages' metadata without importing any of them; a
pluggy manager holds what is live: loaded plugins, blocks and hooks.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Self

import attrs

from dlcv.errors import PluginError, SpecError, suggestion
from dlcv.interfaces import (
    Architecture,
    Classifier,
    DatasetStore,
    Evaluator,
    Option,
    Plugin,
    Preprocessor,
    Schedule,
    Trainer,
    options_of,
)
from dlcv.registry.construction import construct, listing, written
from dlcv.registry.index import (
    DISABLE_VARIABLE,
    Descriptor,
    entry_points,
    installed,
    is_disabled,
    origin,
    shared_names,
)
from dlcv.registry.loading import check_interface, first_line, imported, name_problem
from dlcv.registry.spec import Spec, SpecList

if TYPE_CHECKING:
    import pluggy

INTERFACES: dict[str, type[Plugin]] = {
    cls.kind: cls
    for cls in (Preprocessor, DatasetStore, Architecture, Schedule, Evaluator, Classifier, Trainer)
}
"""The interface of each kind, by the kind's name."""


@attrs.frozen
class Description:
    """All that `dlcv plugins show` tells about a plugin.

    Attributes:
        descriptor: Its name and origin.
        summary: The first line of its docstring.
        documentation: The whole docstring.
        options: Its options.
        source: The file that defines it.
    """

    descriptor: Descriptor
    summary: str
    documentation: str
    options: tuple[Option, ...]
    source: str


class Registration(AbstractContextManager["Registration"]):
    """A registration from Python; as a context manager it ends with the block."""

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end

    def __enter__(self) -> Self:
        """Returns itself; the plugin is registered already."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Takes the plugin out of the registry."""
        self._end()


class Registry:
    """All plugins of this process."""

    def __init__(self) -> None:
        self._registered: list[Descriptor] = []
        self._reasons: dict[str, str] = {}

    def descriptors(self, kind: str | None = None, pattern: str = "*") -> list[Descriptor]:
        """Returns what is installed or registered, sorted, without importing it.

        Args:
            kind: Only plugins of this kind.
            pattern: Only names that match, as in a shell: `res*`.
        """
        if kind is not None:
            _interface(kind)
        found = [
            d
            for d in (*self._installed, *self._registered)
            if kind in (None, d.kind)
            and (fnmatchcase(d.name, pattern) or fnmatchcase(d.qualified_name, pattern))
        ]
        order = list(INTERFACES)
        return sorted(found, key=lambda d: (order.index(d.kind), d.name, d.distribution))

    def names(self, kind: str, pattern: str = "*") -> list[str]:
        """Returns the names that `get` takes: qualified ones where two plugins share a name."""
        usable = [d for d in self.descriptors(kind, pattern) if not d.is_disabled]
        shared = shared_names(usable)
        return [d.qualified_name if d.name in shared else d.name for d in usable]

    def state(self, descriptor: Descriptor) -> tuple[str, str]:
        """Returns a plugin's state and its reason.

        The states: `available` (not imported so far, or imported well), `disabled`, `ambiguous`
        (two distributions claim the name), `broken`.
        """
        if descriptor.is_disabled:
            return "disabled", f"by {DISABLE_VARIABLE}"
        if problem := name_problem(descriptor.name):
            return "broken", problem
        if descriptor.key in self._reasons:
            return "broken", self._reasons[descriptor.key]
        same = [d for d in self.descriptors(descriptor.kind) if d.name == descriptor.name]
        if len([d for d in same if not d.is_disabled]) > 1:
            return "ambiguous", f"use {descriptor.qualified_name}"
        return "available", ""

    def get(self, kind: str, name: str) -> type[Any]:
        """Returns a plugin's class, imported and checked.

        Raises:
            SpecError: there is no such plugin.
            PluginError: it is disabled or broken, or two distributions claim its name.
        """
        return self.load(self.find(kind, name))

    def find(self, kind: str, name: str) -> Descriptor:
        """Returns the descriptor of the plugin that `get` would return; raises what it raises."""
        named = [d for d in self.descriptors(kind) if name in (d.name, d.qualified_name)]
        usable = [d for d in named if not d.is_disabled]
        if len(usable) == 1:
            return usable[0]
        if usable:
            owners = " and ".join(d.origin for d in usable)
            cure = " or ".join(d.qualified_name for d in usable)
            raise PluginError(f'{kind} "{name}" is claimed by {owners}; write {cure}')
        if named:
            raise _disabled(named[0])
        raise SpecError(f'unknown {kind} "{name}"{self._hint(kind, name)}')

    def load(self, descriptor: Descriptor) -> type[Any]:
        """Imports a plugin, checks its interface, and hands it to pluggy.

        Raises:
            PluginError: it is disabled, or broken; the message says why.
        """
        if descriptor.is_disabled:
            raise _disabled(descriptor)
        loaded = self._manager.get_plugin(descriptor.key)
        if loaded is not None:
            return loaded
        try:
            if problem := name_problem(descriptor.name):
                raise PluginError(problem)
            cls = descriptor.cls or descriptor.entry_point.load()  # type: ignore[union-attr]
            check_interface(cls, INTERFACES[descriptor.kind])
        except (Exception, SystemExit) as error:
            reason = str(error) if isinstance(error, PluginError) else first_line(error)
            self._reasons[descriptor.key] = reason
            raise PluginError(
                f'{descriptor.kind} "{descriptor.name}" of {descriptor.origin} is broken: {reason}'
            ) from error
        self._reasons.pop(descriptor.key, None)
        # pluggy takes an object once; a class may have two names.
        if not self._manager.is_registered(cls):
            self._manager.register(cls, descriptor.key)
        return cls

    def create(self, kind: str, spec: "str | Spec | Plugin") -> Any:
        """Makes a plugin from a text or a spec; one that is made already is returned as it is.

        Raises:
            SpecError: the text can't be read, or names what does not exist, or a value is wrong.
            PluginError: the plugin can't be used.
        """
        if isinstance(spec, Plugin):
            if not isinstance(spec, _interface(kind)):
                raise SpecError(f"expected a plugin of kind {kind}, received {spec!r}")
            return spec
        spec = Spec.from_option(spec)
        try:
            cls = self.get(kind, spec.name)
        except SpecError as error:
            raise SpecError(_insert_position(str(error), spec.at())) from None
        return construct(cls, spec, self.create)

    def create_list(self, kind: str, specs: "str | Iterable[str | Spec | Plugin]") -> list[Any]:
        """Makes several plugins: `mean, patch(size=32)`; raises what `create` raises."""
        items = SpecList.parse(specs) if isinstance(specs, str) else specs
        return [self.create(kind, item) for item in items]

    def describe(self, kind: str, name: str) -> Description:
        """Returns a plugin's summary, options and origin; raises what `get` raises."""
        descriptor = self.find(kind, name)
        cls = self.load(descriptor)
        documentation = inspect.getdoc(cls) or ""
        return Description(
            descriptor,
            documentation.split("\n")[0],
            documentation,
            tuple(options_of(cls).values()),
            inspect.getsourcefile(cls) or "",
        )

    def register(self, kind: str, name: str, cls: type[Plugin]) -> Registration:
        """Registers a class from Python, for this process or for a `with` block.

        Raises:
            PluginError: the name is taken or no identifier, or the class breaks the interface.
        """
        if any(name == d.name for d in self.descriptors(kind) if not d.is_disabled):
            raise PluginError(f'{kind} "{name}" exists already; choose another name')
        target = f"{cls.__module__}:{cls.__qualname__}"
        descriptor = Descriptor(kind, name, "", "", target, cls=cls)
        self.load(descriptor)
        self._registered.append(descriptor)

        def end() -> None:
            self._registered.remove(descriptor)
            if self._manager.has_plugin(descriptor.key):
                self._manager.unregister(name=descriptor.key)

        return Registration(end)

    def descriptor_of(self, plugin: Plugin) -> Descriptor:
        """Returns the descriptor of a made plugin; raises `PluginError` if it is not registered."""
        cls = type(plugin)
        # A class that is installed and registered once more goes by its installed name.
        found = sorted(self.descriptors(cls.kind), key=lambda d: d.entry_point is None)
        for descriptor in found:
            if cls is imported(descriptor):
                return descriptor
        raise PluginError(
            f"{cls.__name__} is not registered; "
            f'call dlcv.registry.register("{cls.kind}", "a_name", {cls.__name__}) first'
        )

    def spec_of(self, plugin: Plugin) -> Spec:
        """Returns the spec that makes a plugin, with every option but those that are None."""
        descriptor = self.descriptor_of(plugin)
        usable = [d for d in self.descriptors(descriptor.kind) if not d.is_disabled]
        shared = descriptor.name in shared_names(usable)
        values = {k: written(v, self.spec_of) for k, v in plugin.options().items() if v is not None}
        return Spec(descriptor.qualified_name if shared else descriptor.name, values)

    def hooks(self) -> "pluggy.HookRelay":
        """Returns the hooks of `hook_manager`."""
        return self.hook_manager().hook

    def hook_manager(self) -> "pluggy.PluginManager":
        """Returns who calls hooks, with the modules of the entry-point group `dlcv.hooks` loaded.

        Raises:
            PluginError: a module can't be imported.
        """
        for entry_point in entry_points("dlcv.hooks"):
            key = f"hooks:{entry_point.name}@{origin(entry_point)[0]}"
            name, distribution = entry_point.name, origin(entry_point)[0]
            if is_disabled(name, distribution, key) or self._manager.get_plugin(key) is not None:
                continue
            try:
                self._manager.register(entry_point.load(), key)
            except (Exception, SystemExit) as error:
                raise PluginError(
                    f"the hooks of {' '.join(origin(entry_point))} are broken: "
                    f"{first_line(error)}; {DISABLE_VARIABLE}={entry_point.name} switches them off"
                ) from error
        return self._manager

    @functools.cached_property
    def _manager(self) -> "pluggy.PluginManager":
        import pluggy

        from dlcv import hooks

        manager = pluggy.PluginManager("dlcv")
        manager.add_hookspecs(hooks)
        for descriptor in self._installed:
            if descriptor.is_disabled:
                manager.set_blocked(descriptor.key)
        return manager

    @functools.cached_property
    def _installed(self) -> list[Descriptor]:
        return installed(INTERFACES)

    def _hint(self, kind: str, name: str) -> str:
        others = [k for k in INTERFACES if k != kind and name in self.names(k)]
        if others:
            return f'; "{name}" is {_with_article(others[0])}'
        names = self.names(kind)
        near = suggestion(name, names)
        return near or listing("there are", names)


def _interface(kind: str) -> type[Plugin]:
    if kind not in INTERFACES:
        hint = suggestion(kind, INTERFACES) or listing("there are", INTERFACES)
        raise SpecError(f'unknown kind of plugin "{kind}"{hint}')
    return INTERFACES[kind]


def _disabled(descriptor: Descriptor) -> PluginError:
    return PluginError(
        f'{descriptor.kind} "{descriptor.name}" of {descriptor.origin} '
        f"is disabled by {DISABLE_VARIABLE}"
    )


def _with_article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _insert_position(message: str, position: str) -> str:
    """Puts a position before the hint that may end a message."""
    text, semicolon, hint = message.partition(";")
    return text + position + semicolon + hint


def provenance(plugins: Iterable[Plugin]) -> Iterator[Descriptor]:
    """Returns the descriptors of plugins and of the plugins in their options."""
    for plugin in plugins:
        yield registry.descriptor_of(plugin)
        for value in plugin.options().values():
            several = value if isinstance(value, tuple) else (value,)
            yield from provenance(v for v in several if isinstance(v, Plugin))


registry = Registry()
names = registry.names
get = registry.get
create = registry.create
create_list = registry.create_list
describe = registry.describe
register = registry.register
descriptors = registry.descriptors
state = registry.state
spec_of = registry.spec_of

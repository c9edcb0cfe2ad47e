"""The registry: names to plugins, found through entry points and loaded when used.

An index of names is built from the installed packages' metadata and their families' tables, without
importing a plugin; a pluggy manager holds what is live: loaded plugins, blocks and hooks.
"""

import contextlib
import inspect
import os
import typing
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self

import attrs

from dlcv.errors import PluginError, SpecError, UnknownPluginError, first_line, listing, suggestion
from dlcv.interfaces import Option, OptionError, Plugin, options_of
from dlcv.packages import DISABLE_VARIABLE
from dlcv.registry.families import members
from dlcv.registry.lookup import INTERFACES, MODULES, Descriptor, Lookup, checked_kind, disabled
from dlcv.registry.spec import Spec, SpecList, bare_or_text, lower

if TYPE_CHECKING:
    import pluggy

    from dlcv.registry.manager import Manager


@attrs.frozen
class Description:
    """All that `dlcv plugins show` prints about a plugin.

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


class Registration(contextlib.AbstractContextManager["Registration"]):
    """A registration from Python; as a context manager it ends with the block."""

    def __init__(self, end: Callable[[], None]) -> None:
        self._end: Callable[[], None] | None = end

    def end(self) -> None:
        """Takes the plugin out of the registry; a second call does nothing."""
        end, self._end = self._end, None
        if end is not None:
            end()

    def __enter__(self) -> Self:
        """Returns itself; the plugin is registered already."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Takes the plugin out of the registry."""
        self.end()


class Registry(Lookup):
    """All plugins of this process; several threads may use it at once."""

    def __init__(self) -> None:
        super().__init__()
        self._lazy_manager: Manager | None = None
        self._has_families = False

    def get(self, kind: str, name: str) -> Any:
        """Returns a plugin's class, imported and checked.

        Raises:
            SpecError: there is no such plugin.
            PluginError: it is disabled or broken, or two distributions claim its name.
        """
        return self.load(self.find(kind, name))

    def load(self, descriptor: Descriptor) -> Any:
        """Imports a plugin, checks its interface, and hands it to pluggy.

        Returns:
            The class; of a hook the module, and of a command the click command.

        Raises:
            PluginError: it is disabled, or broken; the message gives the reason.
        """
        if descriptor.is_disabled:
            raise disabled(descriptor)
        with self._lock:
            loaded = self._manager.get_plugin(descriptor.key)
            if loaded is not None:
                return loaded
            try:
                loaded = descriptor.load(INTERFACES.get(descriptor.kind))
                if descriptor.kind == "command":
                    _check_command(loaded)
                # pluggy takes an object once; a class may have two names.
                if not self._manager.is_registered(loaded):
                    self._manager.register(loaded, descriptor.key)
                if descriptor.kind in MODULES:
                    table = self._manager.take_table()
                    self._manager.check(loaded, descriptor.kind)
                    self._add_members(members(descriptor, table))
            except (Exception, SystemExit) as error:
                self._forget(descriptor)
                reason = _reason(error)
                self._reasons[descriptor.key] = reason
                raise PluginError(f"{descriptor.title} is broken: {reason}") from error
            self._reasons.pop(descriptor.key, None)
            return loaded

    def create(self, kind: str, spec: "str | Spec | Plugin") -> Any:
        """Makes a plugin from a text or a spec; one that is made already is returned as it is.

        Raises:
            SpecError: the text can't be read, or names what does not exist, or a value is wrong.
            PluginError: the plugin can't be used.
        """
        if isinstance(spec, Plugin):
            if not isinstance(spec, INTERFACES[checked_kind(kind, INTERFACES)]):
                raise SpecError(f"expected a plugin of kind {kind}, received {spec!r}")
            return spec
        spec = Spec.from_option(spec)
        try:
            cls = self.get(checked_kind(kind, INTERFACES), spec.name)
        except UnknownPluginError as error:
            raise UnknownPluginError(
                error.kind, error.name, position=spec.at(), hint=error.hint
            ) from None
        about = {"kind": kind, "name": spec.name}
        values = self._values(spec, options_of(cls), about)
        try:
            return cls(**values)
        except OptionError as error:
            problem, position = f"{error.option}: {error.problem}", spec.at(error.option)
            raise SpecError(f"{spec.name}: {problem}", position=position, **about) from None

    def _values(
        self, spec: Spec, known: dict[str, Option], about: dict[str, str]
    ) -> dict[str, Any]:
        """Returns the values of a spec's options, with the plugins among them made.

        The class reads the values when it is made: each is checked there, and only there.
        """
        values = {}
        earlier = {alias: option.name for option in known.values() for alias in option.aliases}
        for written, value in spec.options.items():
            name = written if written in known else earlier.get(written, written)
            if name not in known or name in values:
                hint = suggestion(name, known) or listing("its options are", known)
                problem = f'{spec.name} has no option "{name}"'
                if name in values:
                    problem, hint = f"{spec.name}: {name} is given twice, by two names", ""
                raise SpecError(problem, position=spec.at(written), hint=hint, **about)
            kind = _nested_kind(known[name].type)
            make = None if kind is None else lambda nested, kind=kind: self.create(kind, nested)
            try:
                values[name] = lower(value, make)
            except ValueError as error:
                problem = f"{spec.name}: {name}: {error}"
                raise SpecError(problem, position=spec.at(written), **about) from None
        for option in known.values():
            if option.required and option.name not in values:
                problem = f"{spec.name} needs {option.name}, {option.help}"
                raise SpecError(problem, position=spec.at(), **about)
        return values

    def create_list(self, kind: str, specs: "str | Iterable[str | Spec | Plugin]") -> list[Any]:
        """Makes several plugins: `mean, patch(size=32)`; raises what `create` raises."""
        items = SpecList.parse(specs) if isinstance(specs, str) else specs
        return [self.create(kind, item) for item in items]

    def describe(self, kind: str, name: str) -> Description:
        """Returns a plugin's summary, options and origin; raises what `get` raises."""
        descriptor = self.find(checked_kind(kind, INTERFACES), name)
        cls = self.load(descriptor)
        documentation = inspect.getdoc(cls) or ""
        return Description(
            descriptor,
            documentation.split("\n")[0],
            documentation,
            tuple(options_of(cls).values()),
            inspect.getsourcefile(cls) or "",
        )

    def register(self, kind: str, name: str, cls: type[Plugin] | ModuleType) -> Registration:
        """Registers a class, or a module of hooks or a family, for this process or a `with` block.

        Raises:
            PluginError: the name is taken or no identifier, or the class breaks the interface.
        """
        with self._lock:
            if self._usable(checked_kind(kind, (*INTERFACES, *MODULES)), name):
                raise PluginError(f'{kind} "{name}" exists already; choose another name')
            is_class = isinstance(cls, type)
            target = f"{cls.__module__}:{cls.__qualname__}" if is_class else cls.__name__
            descriptor = Descriptor(kind, name, "", "", target, cls=cls)
            if kind == "hook":
                # Those of packages are loaded first, so that these are called before them.
                self.hook_manager()
            self.load(descriptor)
            self._add(descriptor)

        def end() -> None:
            with self._lock:
                for each in [descriptor, *(d for d in self if d.family == descriptor.key)]:
                    self._remove(each)
                    self._forget(each)

        return Registration(end)

    def descriptor_of(self, plugin: Plugin) -> Descriptor:
        """Returns the descriptor of a made plugin; raises `PluginError` if it is not registered."""
        cls = type(plugin)
        # A class that is installed and registered once more goes by its installed name.
        for descriptor in sorted(self._all(cls.kind), key=lambda d: d.entry_point is None):
            if cls is descriptor.imported():
                return descriptor
        raise PluginError(
            f"{cls.__name__} is not registered; "
            f'call dlcv.registry.register("{cls.kind}", "a_name", {cls.__name__}) first'
        )

    def spec_of(self, plugin: Plugin) -> Spec:
        """Returns the spec that makes a plugin, with every option but those that are None."""
        options = plugin.options().items()
        values = {k: _written(v, self.spec_of) for k, v in options if v is not None}
        return Spec(self.usable_name(self.descriptor_of(plugin)), values)

    def hooks(self) -> "pluggy.HookRelay":
        """Returns the hooks of `hook_manager`."""
        return self.hook_manager().hook

    def hook_manager(self) -> "Manager":
        """Returns what calls hooks, with all modules of hooks loaded.

        Raises:
            PluginError: a module can't be imported, or implements a hook wrongly.
        """
        for descriptor in self.descriptors("hook"):
            if descriptor.is_disabled:
                continue
            try:
                self.load(descriptor)
            except PluginError as error:
                cure = f"{DISABLE_VARIABLE}={descriptor.name} switches it off"
                raise PluginError(f"{error}; {cure}") from error
        return self._manager

    def _all(self, kind: str | None = None) -> Iterator[Descriptor]:
        if kind not in ("command", "hook"):
            self._load_families()
        return super()._all(kind)

    def _claims(self, kind: str, name: str) -> list[Descriptor]:
        if kind in INTERFACES:
            self._load_families()
        return super()._claims(kind, name)

    def _load_families(self) -> None:
        """Adds what families offer, once; a broken or disabled one offers nothing."""
        with self._lock:
            found = [] if self._has_families else list(super()._all("family"))
            self._has_families = True
            for family in found:
                with contextlib.suppress(PluginError):
                    self.load(family)

    def _add_members(self, found: list[Descriptor]) -> None:
        """Adds what a family offers; raises a `PluginError` if a name is taken."""
        for member in found:
            claims = self._claims(member.kind, member.name)
            if any(d.key == member.key or not member.distribution for d in claims):
                raise PluginError(f'the {member.kind} "{member.name}" exists already')
        for member in found:
            self._add(member)
            if member.is_disabled:
                self._manager.set_blocked(member.key)

    def _forget(self, descriptor: Descriptor) -> None:
        """Takes a plugin out of pluggy, if it is there."""
        if self._manager.has_plugin(descriptor.key):
            self._manager.unregister(name=descriptor.key)

    @property
    def _manager(self) -> "Manager":
        with self._lock:
            if self._lazy_manager is None:
                from dlcv.registry.manager import Manager

                self._lazy_manager = Manager(d.key for d in super()._all() if d.is_disabled)
            return self._lazy_manager


def _check_command(command: Any) -> None:
    import click

    if not isinstance(command, click.Command):
        raise PluginError("it is no click command")


def _reason(error: BaseException) -> str:
    """Returns in one line why a plugin is broken."""
    import pluggy

    if isinstance(error, pluggy.PluginValidationError):
        # Its later lines hold the definition that is wrong.
        return " ".join(str(error).split())
    return str(error) if isinstance(error, PluginError | SpecError) else first_line(error)


def _nested_kind(annotation: Any) -> str | None:
    """Returns the kind of the plugins that an option's type asks for, None if for none."""
    if isinstance(annotation, type) and issubclass(annotation, Plugin):
        return annotation.kind
    return next(filter(None, map(_nested_kind, typing.get_args(annotation))), None)


def _written(value: Any, spec_of: Callable[[Plugin], Spec]) -> Any:
    """Returns an option's value as a spec holds it."""
    if isinstance(value, Plugin):
        return spec_of(value)
    if isinstance(value, tuple):
        return tuple(_written(v, spec_of) for v in value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return bare_or_text(value) if isinstance(value, str) else value


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

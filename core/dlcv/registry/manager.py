"""The pluggy manager that holds what is live."""

import contextlib
import functools
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from typing import Any

import pluggy

from dlcv import hooks
from dlcv.errors import PluginError, listing, suggestion
from dlcv.interfaces import Plugin

Around = Callable[[str, Callable[[], Any]], Any]
"""Calls a function of an owner, and decides what happens if it raises."""


class Manager(pluggy.PluginManager):
    """Holds all that is loaded, what is blocked, and modules, which alone implement hooks."""

    def __init__(self, blocked: Iterable[str] = ()) -> None:
        """Makes a manager that refuses the plugins of the keys `blocked`."""
        super().__init__("dlcv")
        self.add_hookspecs(hooks)
        self._tables: list[Any] = []
        # Who is registered from now on is called at once.
        self.hook.dlcv_plugins.call_historic(self._tables.append)
        for key in blocked:
            self.set_blocked(key)

    def take_table(self) -> Any:
        """Returns the table of the family that was registered last; later calls return nothing."""
        return self._tables.pop() if self._tables else ()

    @contextlib.contextmanager
    def registered(self, implementations: Any) -> Iterator[None]:
        """Has an object's methods called that implement hooks, for the length of a block."""
        self.register(implementations)
        try:
            yield
        finally:
            self.unregister(implementations)

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        """Returns how a module's function implements a hook; plugins and commands never do."""
        is_class = isinstance(plugin, type)
        if issubclass(plugin, Plugin) if is_class else callable(plugin):
            return None
        return super().parse_hookimpl_opts(plugin, name)

    def check(self, module: Any, kind: str) -> None:
        """Raises a `PluginError` if a module that is registered implements hooks wrongly."""
        callers = {caller.name: caller for caller in self.get_hookcallers(module) or []}
        known = [caller.name for caller in vars(self.hook).values() if caller.has_spec()]
        if forgotten := [n for n in known if n not in callers and callable(vars(module).get(n))]:
            raise PluginError(f"{forgotten[0]} lacks the decorator @dlcv.hook")
        if not callers:
            raise PluginError("it implements no hook; mark its functions with @dlcv.hook")
        for caller in callers.values():
            if not caller.has_spec():
                hint = suggestion(caller.name, known) or listing("there are", known)
                raise PluginError(f"there is no hook {caller.name}{hint}")
            if (caller.name == "dlcv_plugins") != (kind == "family"):
                raise PluginError(
                    f"{caller.name} belongs in a module under the group "
                    f"dlcv.{'hooks' if kind == 'family' else 'families'}"
                )
            own = next(impl for impl in caller.get_hookimpls() if impl.plugin is module)
            if caller.name in hooks.UNWRAPPED and _is_wrapper(own):
                raise PluginError(f"{caller.name} takes no wrapper")

    def implementations(self, name: str) -> list[tuple[str, pluggy.HookImpl]]:
        """Returns whose each implementation of a hook is, in words, in the order of their calls."""
        found = reversed(getattr(self.hook, name).get_hookimpls())
        return [(f"{name} of {impl.plugin_name}", impl) for impl in found]

    def call(
        self, name: str, around: Around, around_wrappers: Around | None = None, **arguments: Any
    ) -> Any:
        """Calls a hook as pluggy does, but each implementation by `around`, whose result counts.

        `around_wrappers` calls each half of a wrapper; `around` does where it is None.
        """
        calling = pluggy.PluginManager("dlcv")
        calling.add_hookspecs(hooks)
        # Those that are registered last are called first.
        for owner, impl in reversed(self.implementations(name)):
            if _is_wrapper(impl):
                function = _wrapper(impl.function, partial(around_wrappers or around, owner))
            else:
                function = _plain(impl.function, partial(around, owner))
            mark = hooks.hook(wrapper=impl.wrapper, hookwrapper=impl.hookwrapper)
            marked = mark(functools.wraps(impl.function)(function))
            calling.register(type("Hooks", (), {name: staticmethod(marked)})())
        return getattr(calling.hook, name)(**arguments)


def _is_wrapper(impl: pluggy.HookImpl) -> bool:
    return impl.wrapper or impl.hookwrapper


def _plain(function: Callable[..., Any], around: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: around(partial(function, *arguments))


def _wrapper(function: Callable[..., Any], around: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Generator[None, Any, Any]:
        wrapper = function(*arguments)
        around(partial(next, wrapper))
        try:
            result = yield
        except BaseException as error:
            end = partial(wrapper.throw, error)
        else:
            end = partial(wrapper.send, result)
        return around(partial(_returned, end))

    return call


def _returned(end: Callable[[], Any]) -> Any:
    """Returns what a generator returns at its end."""
    try:
        end()
    except StopIteration as stop:
        return stop.value
    raise PluginError("a wrapper must yield once")

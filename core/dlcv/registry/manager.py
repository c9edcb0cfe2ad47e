"""The pluggy manager that holds what is live."""

from collections.abc import Iterable
from typing import Any

import pluggy

from dlcv import hooks
from dlcv.interfaces import Plugin


class Manager(pluggy.PluginManager):
    """Holds loaded plugins, what is blocked, and modules of hooks, which alone implement hooks."""

    def __init__(self, blocked: Iterable[str] = ()) -> None:
        """Makes a manager that refuses the plugins of the keys `blocked`."""
        super().__init__("dlcv")
        self.add_hookspecs(hooks)
        for key in blocked:
            self.set_blocked(key)

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        """Returns how a module's function implements a hook; methods of plugin classes never do."""
        if isinstance(plugin, type) and issubclass(plugin, Plugin):
            return None
        return super().parse_hookimpl_opts(plugin, name)

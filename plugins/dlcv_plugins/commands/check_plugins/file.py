"""Plugins of a file that belongs to no package: they are tried without an installation."""

import importlib.util
import logging
import re
import sys
from pathlib import Path
from types import ModuleType

from dlcv import registry
from dlcv.errors import DlcvError, PluginError, listing, reason_of, suggestion
from dlcv.interfaces import Plugin

logger = logging.getLogger(__name__)
MARK = "dlcv_impl"
"""What `dlcv.hook` leaves at a function."""


def use_plugin_file(text: str) -> None:
    """Registers the plugins and hooks of a file for this process.

    A plugin's name is its class's in small letters: `TinyNet` is `tiny_net`, and `MLP` is `mlp`. A
    run that uses one records the file's path.

    Args:
        text: `FILE.py`, or `FILE.py:CLASS` for one of its classes. The file is run.

    Raises:
        DlcvError: there is none, it can't be run, or a name is taken.
    """
    file, _, wanted = text.partition(":")
    module = _run(Path(file))
    has_hooks = not wanted and any(hasattr(value, MARK) for value in vars(module).values())
    found = _classes(module, text) if wanted or not has_hooks else _defined(module)
    for cls_name, cls in found.items():
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls_name).lower()
        _register(cls.kind, name, cls, file)
        logger.info(
            "%s: %s %s; runs that use it are opened with --plugin %s", file, cls.kind, name, file
        )
    if has_hooks:
        _register("hook", module.__name__, module, file)
        logger.info("%s: hooks of this command", file)


def _register(kind: str, name: str, plugin: type[Plugin] | ModuleType, file: str) -> None:
    try:
        registry.register(kind, name, plugin)
    except PluginError as error:
        raise DlcvError(f"{file}: {error}") from None


def classes(text: str) -> dict[str, type[Plugin]]:
    """Runs a file, and returns the plugins that it defines, by the names of their classes.

    Args:
        text: As `use_plugin_file` takes it.

    Raises:
        DlcvError: there is none, or the file can't be run.
    """
    return _classes(_run(Path(text.partition(":")[0])), text)


def _classes(module: ModuleType, text: str) -> dict[str, type[Plugin]]:
    file, _, wanted = text.partition(":")
    found = _defined(module)
    if not found:
        raise DlcvError(f"{file} has no class with the decorator @dlcv.interfaces.plugin")
    if wanted and wanted not in found:
        hint = suggestion(wanted, found) or listing("there are", found)
        raise DlcvError(f"{file} has no plugin {wanted}{hint}")
    return {wanted: found[wanted]} if wanted else found


def _defined(module: ModuleType) -> dict[str, type[Plugin]]:
    """Returns the plugins that a module defines itself, by the names of their classes."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Plugin)
        and value.__module__ == module.__name__
        and "_is_plugin" in vars(value)
    }


def _run(path: Path) -> ModuleType:
    """Runs a file as a module."""
    name = path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise DlcvError(f"no such file with Python code: {path}")
    if loaded := sys.modules.get(name):
        if getattr(loaded, "__file__", None) == str(path):
            return loaded  # Another class of it was named before.
        raise DlcvError(f"{path} has the name of a module that is in use; give it another")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    # New processes of the checks import it by its name.
    sys.path.insert(0, str(path.absolute().parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise DlcvError(f"{path} can't be run: {reason_of(error)}") from error
    return module

"""The plugins that a name, a file or a package stands for, made with their options."""

import importlib.util
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

from dlcv import registry
from dlcv.errors import DlcvError, SpecError, listing, reason_of, suggestion
from dlcv.interfaces import Plugin
from dlcv.registry import INTERFACES, Spec

logger = logging.getLogger(__name__)


def chosen(text: str, kind: str | None = None) -> Iterator[tuple[Plugin, str]]:
    """Yields plugins, and how each was named.

    Args:
        text: A plugin's name, with options where it needs them; a file, `FILE.py` or
            `FILE.py:CLASS`, which is run; or a package, of which all plugins are meant.
        kind: Only plugins of this kind; None for all.

    Raises:
        DlcvError: there is none, it is broken, or needs options.
    """
    if text.partition(":")[0].endswith(".py"):
        yield from _of_file(text)
        return
    if text.lower() in {d.distribution.lower() for d in registry.descriptors(kind)}:
        yield from _of_package(text.lower(), kind)
        return
    spec = Spec.parse(text)
    kinds = [kind] if kind else [k for k in INTERFACES if spec.name in registry.names(k)]
    if not kinds:
        distributions = {d.distribution for d in registry.descriptors()}
        known = [*distributions, *(name for k in INTERFACES for name in registry.names(k))]
        hint = suggestion(spec.name, known) or "; `dlcv plugins list` lists them"
        raise SpecError(f'no plugin or package "{spec.name}"{hint}')
    for each in kinds:
        yield registry.create(each, spec), str(spec)


def _of_package(package: str, kind: str | None) -> Iterator[tuple[Plugin, str]]:
    for descriptor in registry.descriptors(kind):
        if descriptor.distribution.lower() != package or descriptor.kind not in INTERFACES:
            continue
        name = registry.registry.usable_name(descriptor)
        try:
            yield registry.create(descriptor.kind, name), name
        except SpecError as error:
            # It has options without a default.
            logger.warning("the %s %s is not checked: %s", descriptor.kind, name, error.problem)


def _of_file(text: str) -> Iterator[tuple[Plugin, str]]:
    file, _, wanted = text.partition(":")
    classes = _classes(Path(file))
    if wanted and wanted not in classes:
        hint = suggestion(wanted, classes) or listing("there are", classes)
        raise DlcvError(f"{file} has no plugin {wanted}{hint}")
    if not classes:
        raise DlcvError(f"{file} has no class with the decorator @dlcv.interfaces.plugin")
    for name in [wanted] if wanted else classes:
        try:
            yield classes[name](), name
        except Exception as error:
            raise DlcvError(f"{file}: {name} can't be made: {reason_of(error)}") from error


def _classes(path: Path) -> dict[str, type[Plugin]]:
    """Runs a file, and returns the plugins that it defines, by the names of their classes."""
    module_name = path.stem
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise DlcvError(f"no such file: {path}")
    if module_name in sys.modules:
        raise DlcvError(f"{path} has the name of a module that is in use; give it another")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    # New processes of the checks import it by its name.
    sys.path.insert(0, str(path.absolute().parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise DlcvError(f"{path} can't be run: {reason_of(error)}") from error
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Plugin)
        and value.__module__ == module_name
        and "_is_plugin" in vars(value)
    }

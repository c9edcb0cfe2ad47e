"""The plugins that a name, a file or a package stands for, made with their options."""

import importlib.metadata
import logging
from collections.abc import Iterator

from dlcv import registry
from dlcv.errors import DlcvError, SpecError, reason_of, suggestion
from dlcv.interfaces import Plugin
from dlcv.registry import INTERFACES, Spec
from dlcv_plugins.commands.check_plugins.file import classes

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
    if "-" in text and "(" not in text:
        raise _missing(text)
    spec = Spec.parse(text)
    kinds = [kind] if kind else [k for k in INTERFACES if spec.name in registry.names(k)]
    if not kinds:
        raise _missing(spec.name)
    for each in kinds:
        yield registry.create(each, spec), str(spec)


def _missing(name: str) -> DlcvError:
    """Returns the error that there is nothing of a name to be checked."""
    for descriptor in registry.descriptors(None, name):
        return DlcvError(f"there are no checks of a {descriptor.kind}, as {name} is")
    if name.lower() in {(d.name or "").lower() for d in importlib.metadata.distributions()}:
        return DlcvError(f"{name} offers no plugins; `dlcv plugins doctor {name}` shows its groups")
    distributions = {d.distribution for d in registry.descriptors()}
    known = [*distributions, *(each for k in INTERFACES for each in registry.names(k))]
    hint = suggestion(name, known) or "; `dlcv plugins list` lists them"
    return SpecError(f'no plugin or package "{name}"{hint}')


def _of_package(package: str, kind: str | None) -> Iterator[tuple[Plugin, str]]:
    for descriptor in registry.descriptors(kind):
        if descriptor.distribution.lower() != package:
            continue
        if descriptor.kind not in INTERFACES:
            # There are no checks of these, but one that is broken should not pass in silence.
            registry.registry.load(descriptor)
            logger.info("%s can be imported", descriptor.title)
            continue
        name = registry.registry.usable_name(descriptor)
        try:
            yield registry.create(descriptor.kind, name), name
        except SpecError as error:
            # It has options without a default.
            logger.warning("the %s %s is not checked: %s", descriptor.kind, name, error.problem)


def _of_file(text: str) -> Iterator[tuple[Plugin, str]]:
    for name, cls in classes(text).items():
        try:
            yield cls(), name
        except Exception as error:
            file = text.partition(":")[0]
            raise DlcvError(f"{file}: {name} can't be made: {reason_of(error)}") from error

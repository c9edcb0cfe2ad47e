"""Calling what nothing depends on, so that what a package breaks costs a warning."""

import logging
from collections.abc import Callable
from typing import Any

from dlcv.errors import first_line
from dlcv.registry.catalog import registry

logger = logging.getLogger(__name__)


def notifier(hook: str) -> Callable[..., None]:
    """Returns what calls all implementations of a hook, each until it fails, with a warning."""
    found = [(impl, Guard(owner)) for owner, impl in registry.hook_manager().implementations(hook)]

    def notify(**arguments: Any) -> None:
        for impl, guard in found:
            guard.call(impl.function, *(arguments[name] for name in impl.argnames))

    return notify


class Guard:
    """Calls functions of a plugin until one raises; then warns, and calls no more."""

    def __init__(self, owner: str, passing: type[Exception] | tuple[()] = ()) -> None:
        """Begins to guard.

        Args:
            owner: What the warning names.
            passing: Errors that are raised on.
        """
        self.owner = owner
        self._passing = passing
        self._has_failed = False

    def call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        """Calls a function, unless one has failed before."""
        if self._has_failed:
            return
        try:
            function(*arguments, **options)
        except self._passing:
            raise
        except Exception as error:
            self._has_failed = True
            logger.warning(
                "%s failed (%s) and is left out from now on; the run itself is not affected",
                self.owner,
                first_line(error),
            )
            logger.debug("%s failed", self.owner, exc_info=True)

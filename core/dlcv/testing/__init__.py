"""Checks that plugin authors run on their plugins: plain functions, which pytest parametrises.

```python
import pytest
from dlcv.testing import checks_for

from acme_vision import Blur

@pytest.mark.parametrize("check", checks_for(Blur), ids=lambda check: check.__name__)
def test_blur(check):
    check(Blur(radius=2))
```
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias

from dlcv.interfaces import Plugin

__all__ = ["Check", "check_plugin", "checks_for"]

Check: TypeAlias = Callable[[Any], None]
"""Takes a plugin; raises an `AssertionError` that says what is wrong with it."""


def checks_for(plugin: Plugin | type[Plugin]) -> tuple[Check, ...]:
    """Returns the checks that apply to a plugin: those of all plugins, then those of its kind."""
    cls = plugin if isinstance(plugin, type) else type(plugin)
    common = import_module("dlcv.testing.common")
    own = import_module(f"dlcv.testing.{cls.kind}")
    return (*common.checks(cls), *own.checks(cls))


def check_plugin(plugin: Plugin) -> None:
    """Runs all checks on a plugin.

    Raises:
        AssertionError: some fail; the message has a line for each.
    """
    problems = []
    for check in checks_for(plugin):
        try:
            check(plugin)
        except Exception as error:
            reason = str(error) if isinstance(error, AssertionError) else repr(error)
            problems.append(f"{check.__name__}: {reason}")
    if problems:
        raise AssertionError("\n".join([f"{plugin} fails:", *problems]))

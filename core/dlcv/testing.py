"""Checks that plugin authors run on their plugins: plain functions, a test each with pytest.

```python
from acme_vision import Blur
from dlcv.testing import conformance

test_blur = conformance(Blur(radius=2))
```

Packages bring the checks, under the entry-point group `dlcv.testing`: each entry point is named
after a kind, or `all`, and points to a function that returns the checks for a plugin's class.
"""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from dlcv.errors import DlcvError
from dlcv.interfaces import Plugin
from dlcv.packages import enabled_entry_points

__all__ = ["Check", "check_plugin", "checks_for", "conformance", "problems_of"]

Check: TypeAlias = Callable[[Any], None]
"""Takes a plugin; raises an `AssertionError` that says what is wrong with it."""


def checks_for(plugin: Plugin | type[Plugin]) -> tuple[Check, ...]:
    """Returns the checks that apply to a plugin: those of all plugins, then those of its kind.

    Raises:
        DlcvError: no package brings checks of this kind.
    """
    cls = plugin if isinstance(plugin, type) else type(plugin)
    own = _checks(cls.kind, cls)
    if not own:
        raise DlcvError(
            f"no checks for plugins of the kind {cls.kind} are installed; a package brings them "
            f"with an entry point {cls.kind} of the group dlcv.testing"
        )
    return (*_checks("all", cls), *own)


def conformance(plugin: Plugin | type[Plugin], fixture: str = "plugin") -> Callable[..., None]:
    """Returns a test for pytest, which runs each check on a plugin on its own.

    Args:
        plugin: The plugin, or its class where a fixture makes it.
        fixture: The fixture's name.
    """
    import pytest

    @pytest.mark.parametrize("check", checks_for(plugin), ids=lambda check: check.__name__)
    def test_conformance(check: Check, request: pytest.FixtureRequest) -> None:
        check(request.getfixturevalue(fixture) if isinstance(plugin, type) else plugin)

    return test_conformance


def check_plugin(plugin: Plugin) -> None:
    """Runs all checks on a plugin.

    Raises:
        AssertionError: some fail; the message has a line for each.
        DlcvError: no package brings checks of this kind.
    """
    if problems := problems_of(plugin):
        lines = [f"{name}: {reason}" for name, reason in problems.items()]
        raise AssertionError("\n".join([f"{plugin} fails:", *lines]))


def problems_of(plugin: Plugin) -> dict[str, str]:
    """Runs all checks on a plugin, and returns why some fail, by their names.

    Raises:
        DlcvError: no package brings checks of this kind.
    """
    problems = {}
    for check in checks_for(plugin):
        try:
            check(plugin)
        except Exception as error:
            problems[check.__name__] = _reason(error)
    return problems


def _reason(error: Exception) -> str:
    """Returns a check's message; of what the plugin itself raises, the place too."""
    if isinstance(error, AssertionError) and str(error):
        return str(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{error!r} in {place.name}(), {Path(place.filename).name}, line {place.lineno}"


def _checks(name: str, cls: type[Plugin]) -> list[Check]:
    """Returns the checks of all packages that a name stands for."""
    points = [point for point in enabled_entry_points("dlcv.testing") if point.name == name]
    return [check for point in points for check in point.load()(cls)]

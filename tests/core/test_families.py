"""Families: plugins from a table, listed without being imported."""

import functools
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fake_packages import install, run_python

from dlcv import hook, registry
from dlcv.errors import PluginError

POLY = "dlcv_plugins.schedules.poly:Poly"
TABLE = '''"""A family."""
from dlcv import hook

@hook
def dlcv_plugins():
    return [
        ("schedule", "slow", "acme_slow:Slow", "Falls slowly."),
        ("schedule", "poly", "acme_slow:Slow", "Has the name of one that ships."),
        ("preprocessor", "slow", "acme_slow:Nothing", "Is not there."),
    ]
'''
SLOW = '''"""Takes long to import."""
from dlcv.interfaces import Schedule, plugin

@plugin
class Slow(Schedule):
    """Falls slowly."""
    def learning_rate(self, epoch, epochs, initial):
        return initial / (1 + epoch)
'''
USED = """
import json, sys
from dlcv import registry
from dlcv.errors import DlcvError
from dlcv_plugins.commands.check_plugins.chosen import chosen

def attempt(function, *arguments):
    try:
        return str(function(*arguments))
    except DlcvError as error:
        return str(error)

r = registry.registry
found = {"names": registry.names("schedule", "*acme*"), "listed": "acme_slow" in sys.modules}
found["made"] = attempt(registry.create, "schedule", "slow(warmup=1)")
found["broken"] = attempt(registry.get, "preprocessor", "slow")
found["states"] = {d.key: r.state(d) for d in registry.descriptors() if "acme" in d.distribution}
held = r.hook_manager().list_name_plugin()
found["held"] = sorted(key for key, plugin in held if "acme" in key and plugin is not None)
found["blocked"] = sorted(key for key, plugin in held if "acme" in key and plugin is None)
found["checked"] = attempt(lambda: list(chosen("torn")))
found["imported"] = "acme_table" in sys.modules
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package that offers a family, and one whose table is wrong."""
    folder = tmp_path_factory.mktemp("families")
    points = {"families": {"acme": "acme_table"}}
    install(folder, "acme", points, {"acme_table": TABLE, "acme_slow": SLOW}, "2.0")
    wrong = TABLE.replace('"Falls slowly."', "7")
    install(folder, "torn", {"families": {"torn": "torn_table"}}, {"torn_table": wrong})
    return folder


@functools.cache
def used(folder: Path, disabled: str = "") -> dict[str, Any]:
    """What a program finds where these packages are installed."""
    done = run_python(folder, "-c", USED, DLCV_DISABLE=disabled)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_plugins_of_a_family_are_used_like_all_others(acme: Path) -> None:
    found = used(acme)
    assert found["names"] == ["acme.poly", "slow"]
    assert not found["listed"]
    assert found["made"] == "Slow(warmup=1.0, by='step')"
    assert found["broken"].startswith('preprocessor "slow" of acme 2.0 is broken: AttributeError')
    states = found["states"]
    assert states["family:acme@acme"] == ["available", ""]
    assert states["schedule:slow@acme"] == ["available", ""]
    assert states["schedule:poly@acme"] == ["shadowed", "use acme.poly"]
    assert states["preprocessor:slow@acme"][0] == "broken"
    assert found["held"] == ["family:acme@acme", "schedule:slow@acme"]


def test_a_member_is_disabled_by_its_name_and_a_family_before_it_is_imported(acme: Path) -> None:
    one = used(acme, "schedule:slow")
    assert one["made"] == 'schedule "slow" of acme 2.0 is disabled by DLCV_DISABLE'
    assert one["blocked"] == ["schedule:slow@acme"]
    whole = used(acme, "family:acme")
    assert whole["names"] == []
    assert whole["states"] == {"family:acme@acme": ["disabled", "by DLCV_DISABLE"]}
    assert whole["blocked"] == ["family:acme@acme"]
    assert not whole["imported"]


def test_a_family_with_a_mistake_is_listed_as_broken_and_offers_nothing(acme: Path) -> None:
    listed = run_python(acme, "-m", "dlcv", "plugins", "list", "family", "--json")
    rows = [row for row in json.loads(listed.stdout) if row["distribution"] == "torn"]
    (row,) = rows
    assert (row["kind"], row["state"]) == ("family", "broken")
    assert row["reason"] == (
        "dlcv_plugins must return rows of kind, name, module:attribute and summary; one is "
        "('schedule', 'slow', 'acme_slow:Slow', 7)"
    )


def test_a_missing_plugin_may_be_of_a_family_that_is_broken(acme: Path) -> None:
    found = used(acme, "family:acme")
    assert found["made"] == (
        'unknown schedule "slow" at column 1 of "slow(warmup=1)"; family "torn" of torn 1.0 is '
        "broken, see `dlcv plugins doctor`"
    )
    problem = 'family "torn" of torn 1.0 is broken: dlcv_plugins must return rows'
    assert found["checked"].startswith(problem)


def family(*rows: object) -> ModuleType:
    module = ModuleType("family")
    module.dlcv_plugins = hook(lambda: rows, specname="dlcv_plugins")  # type: ignore[attr-defined]
    return module


def test_a_program_registers_a_family_and_takes_it_back() -> None:
    rows = ("schedule", "falling", POLY, "Falls."), ("schedule", "sinking", POLY, "Sinks.")
    with registry.register("family", "own", family(*rows)):
        assert registry.names("schedule", "*ing") == ["falling", "sinking"]
        (falling,) = registry.descriptors("schedule", "falling")
        assert (falling.summary, falling.origin) == ("Falls.", "this program")
        assert registry.get("schedule", "falling").__name__ == "Poly"
    assert registry.names("schedule", "*ing") == []
    assert "family:own@python" not in dict(registry.registry.hook_manager().list_name_plugin())


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("schedule", "poly", POLY, "")], 'the schedule "poly" exists already'),
        ([("schedule", "new", POLY, "")] * 2, 'the schedule "new" is listed twice'),
        ([("scheduel", "new", POLY, "")], 'unknown kind of plugin "scheduel"; did you mean "sched'),
        ([("hook", "new", POLY, "")], 'unknown kind of plugin "hook"'),
        (["schedule"], "one is 'schedule'"),
        (7, "TypeError: 'int' object is not iterable"),
    ],
)
def test_a_table_that_can_not_be_used_is_refused_as_a_whole(rows: Any, message: str) -> None:
    module = family(*rows) if isinstance(rows, list) else family()
    if not isinstance(rows, list):
        module.dlcv_plugins = hook(lambda: rows, specname="dlcv_plugins")  # type: ignore[attr-defined]
    before = list(registry.registry)
    with pytest.raises(PluginError) as caught:
        registry.register("family", "own", module)
    assert message in str(caught.value)
    assert list(registry.registry) == before


def test_the_hook_belongs_in_a_family_and_no_other_hook_does() -> None:
    with pytest.raises(PluginError, match=r"dlcv_plugins belongs in .* the group dlcv.families"):
        registry.register("hook", "own", family())
    module = ModuleType("other")
    module.dlcv_html = hook(lambda run: "", specname="dlcv_html")  # type: ignore[attr-defined]
    with pytest.raises(PluginError, match=r"dlcv_html belongs in .* the group dlcv.hooks"):
        registry.register("family", "own", module)

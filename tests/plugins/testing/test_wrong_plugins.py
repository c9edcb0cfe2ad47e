"""Each wrong plugin of the table is caught by the checks that it is meant for."""

import pytest
from wrong_plugins import WRONG, Assertive, Cold, Step, Store

from dlcv.errors import DlcvError
from dlcv.interfaces import Schedule, plugin
from dlcv.testing import check_plugin, checks_for


def caught(make):
    """Returns the names of the checks that catch a plugin, with their reasons."""
    try:
        made = make()
    except (TypeError, DlcvError) as error:
        return {"making": str(error)}
    reasons = {}
    for check in checks_for(made):
        try:
            check(made)
        except Exception as error:
            reasons[check.__name__.removeprefix("check_")] = str(error)
    return reasons


@pytest.mark.parametrize("name", WRONG)
def test_wrong_plugin_is_caught(name):
    make, expected = WRONG[name]
    reasons = caught(make)
    assert expected <= reasons.keys()
    assert all(reasons.values())


@pytest.mark.parametrize("good", [Step(), Store()])
def test_what_wrong_plugins_derive_from_is_right(good):
    assert caught(lambda: good) == {}


@plugin
class Steady(Schedule):
    """Keeps the rate."""

    def learning_rate(self, epoch, epochs, initial):
        return initial


@pytest.mark.parametrize("by", ["step", "epoch"])
def test_a_good_schedule_passes_with_each_way_to_change(by):
    assert caught(lambda: Steady(by=by, warmup=3)) == {}
    assert caught(lambda: Cold(by=by))


def test_an_assertion_of_the_plugin_is_named_with_its_place():
    with pytest.raises(AssertionError) as failed:
        check_plugin(Assertive())
    line = next(x for x in str(failed.value).splitlines() if x.startswith("check_pixels_stay"))
    assert "AssertionError" in line
    assert "in __call__(), wrong_plugins.py, line " in line


def test_libraries_that_take_long_to_import_are_named(tmp_path, monkeypatch):
    imported = ("scipy", "pandas", "matplotlib", "cv2")
    installed = [n for n in imported if __import__("importlib.util").util.find_spec(n)]
    (tmp_path / "slow_module.py").write_text(
        f"import {', '.join(installed)}\n"
        "from wrong_plugins import Step, plugin\n"
        "@plugin\n"
        "class Slow(Step):\n"
        "    '''Comes from a module that takes long to import.'''\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from slow_module import Slow

    reason = caught(Slow)["import_is_light"]
    assert all(name in reason for name in installed)

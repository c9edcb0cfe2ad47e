"""Each wrong plugin of the tables is caught by its checks, and by no others."""

import sys

import pytest
from wrong import TABLES
from wrong.common import Assertive, Steady

from dlcv.errors import DlcvError
from dlcv.testing import check_plugin, checks_for

CASES = [
    pytest.param(make, expected, id=f"{kind}: {name}")
    for kind, table in TABLES.items()
    for name, (make, expected) in table.items()
]


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
            reasons[check.__name__.removeprefix("check_")] = error
    return reasons


@pytest.mark.parametrize(("make", "expected"), CASES)
def test_wrong_plugin_is_caught(make, expected):
    reasons = set(caught(make))
    if ... in expected:
        assert expected - {...} <= reasons
    else:
        assert reasons == expected


@pytest.mark.parametrize("by", ["step", "epoch"])
def test_a_good_schedule_passes_with_each_way_to_change(by):
    assert caught(lambda: Steady(by=by, warmup=3)) == {}


def test_an_assertion_of_the_plugin_is_named_with_its_place():
    with pytest.raises(AssertionError) as failed:
        check_plugin(Assertive())
    line = next(x for x in str(failed.value).splitlines() if x.startswith("check_pixels_stay"))
    assert line.startswith(
        "check_pixels_stay_bytes: AssertionError() in __call__(), common.py, line "
    )


def test_libraries_that_take_long_to_import_are_named(tmp_path, monkeypatch):
    imported = ("sklearn", "scipy", "pandas", "matplotlib", "cv2")
    stand_in = tmp_path / "pandas"
    stand_in.mkdir()
    (stand_in / "__init__.py").touch()
    (tmp_path / "slow_module.py").write_text(
        f"import {', '.join(imported)}\n"
        "from wrong.common import Step, plugin\n"
        "@plugin\n"
        "class Slow(Step):\n"
        "    '''Comes from a module that takes long to import.'''\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    from slow_module import Slow

    reasons = caught(Slow)
    for name in {"pandas", "slow_module"} - before:
        # Scikit-learn would take it for the real one.
        del sys.modules[name]
    assert reasons.keys() == {"import_is_light"}
    assert all(name in str(reasons["import_is_light"]) for name in imported)
